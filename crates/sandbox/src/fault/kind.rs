//! The kinds of faults.

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 429.
    TooManyRequests(RetryAfter),
    /// 429 once more than so many FHIR requests arrive within a second.
    RequestsPerSecond(u32, RetryAfter),
    /// A status of 500 or above, with the body the real server has for it.
    Status(u16),
    /// What the proxy makes of a backend that answers this status.
    Backend(u16),
    /// An HTML page with this status where JSON is due.
    Html(u16),
    /// The answer begins so many milliseconds late.
    Slow(u32),
    /// The body arrives in eight pieces, spread over so many milliseconds.
    SlowBody(u32),
    /// No answer before any time-out.
    Hang,
    /// The connection breaks without an answer.
    Drop,
    /// The connection breaks in the middle of the body.
    Cut,
    /// Status 200 with an OperationOutcome.
    Outcome,
    /// Status 200 with an empty bundle, as v2 answers after an internal failure.
    Empty,
    /// Tokens are rotated, then 502 is answered: the new pair is lost.
    RotateThen502,
    /// Tokens are rotated, then the connection breaks: the new pair is lost.
    RotateThenDrop,
    /// A claim appears before all others between two pages.
    DriftInsert,
    /// A claim disappears between two pages.
    DriftDelete,
    /// The weekly load arrives between two pages.
    WeeklyLoad,
    /// The `next` link points at another origin.
    NextForeign(NextTrick),
    /// The `next` link points at its own page.
    NextLoop,
    /// Pages begin anew where the matches end, and each has a `next` link.
    Endless,
    /// `_count` is ignored: all matches from the offset on are on one page.
    IgnoreCount,
    /// `total` is wrong or missing.
    Total(WrongTotal),
    /// The first resource of the page says that it was last updated in 2099.
    FutureDate,
    /// The first resource of the page has a key twice.
    DuplicateKey,
    /// The access token has expired.
    ExpiredToken,
    /// The grant was ended by the person.
    RevokedToken,
    /// Access tokens live so many seconds.
    TokenSeconds(u32),
    /// A resource of another patient is on the page.
    ForeignPatient,
}

/// What a 429 says of the time to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Absent,
    /// So many seconds.
    Seconds(u32),
    /// An HTTP date so many seconds ahead.
    Date(u32),
}

/// How a `next` link leaves the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTrick {
    /// Another host and port.
    Origin,
    /// `http://BASE@evil…`: the base as user name.
    UserInfo,
    /// `http://BASE.evil…`: the base as the beginning of a longer name.
    Suffix,
}

/// What `total` says instead of the number of matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongTotal {
    /// Nothing.
    Absent,
    /// 1.
    Less,
    /// Ten more.
    More,
    /// The number as text.
    Text,
}

/// When a fault is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before anything is done.
    Gate,
    /// Before the token is looked at.
    Token,
    /// After a refresh has rotated.
    Refresh,
    /// Before the claims of a later page are looked up.
    Data,
    /// Before the page is looked up.
    Lookup,
    /// When the page is put together.
    Page,
    /// While the answer is sent.
    Wire,
    /// When tokens are made; no request is struck.
    Setting,
}

impl FaultKind {
    pub(crate) fn stage(self) -> Stage {
        match self {
            FaultKind::TooManyRequests(_)
            | FaultKind::RequestsPerSecond(..)
            | FaultKind::Status(_)
            | FaultKind::Backend(_)
            | FaultKind::Html(_)
            | FaultKind::Hang
            | FaultKind::Drop => Stage::Gate,
            FaultKind::ExpiredToken | FaultKind::RevokedToken => Stage::Token,
            FaultKind::RotateThen502 | FaultKind::RotateThenDrop => Stage::Refresh,
            FaultKind::DriftInsert | FaultKind::DriftDelete | FaultKind::WeeklyLoad => Stage::Data,
            FaultKind::Endless | FaultKind::IgnoreCount => Stage::Lookup,
            FaultKind::Outcome
            | FaultKind::Empty
            | FaultKind::Total(_)
            | FaultKind::FutureDate
            | FaultKind::DuplicateKey
            | FaultKind::NextForeign(_)
            | FaultKind::NextLoop
            | FaultKind::ForeignPatient => Stage::Page,
            FaultKind::Slow(_) | FaultKind::SlowBody(_) | FaultKind::Cut => Stage::Wire,
            FaultKind::TokenSeconds(_) => Stage::Setting,
        }
    }

    /// The name in a specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::TooManyRequests(_) => "429",
            FaultKind::RequestsPerSecond(..) => "rps",
            FaultKind::Status(500) => "500",
            FaultKind::Status(502) => "502",
            FaultKind::Status(503) => "503",
            FaultKind::Status(_) => "504",
            FaultKind::Backend(_) => "backend",
            FaultKind::Html(_) => "html",
            FaultKind::Slow(_) => "slow",
            FaultKind::SlowBody(_) => "slow-body",
            FaultKind::Hang => "hang",
            FaultKind::Drop => "drop",
            FaultKind::Cut => "cut",
            FaultKind::Outcome => "outcome",
            FaultKind::Empty => "empty",
            FaultKind::RotateThen502 => "rotate-then-502",
            FaultKind::RotateThenDrop => "rotate-then-drop",
            FaultKind::DriftInsert => "drift-insert",
            FaultKind::DriftDelete => "drift-delete",
            FaultKind::WeeklyLoad => "weekly-load",
            FaultKind::NextForeign(_) => "next-foreign",
            FaultKind::NextLoop => "next-loop",
            FaultKind::Endless => "endless",
            FaultKind::IgnoreCount => "ignore-count",
            FaultKind::Total(_) => "total",
            FaultKind::FutureDate => "future-date",
            FaultKind::DuplicateKey => "duplicate-key",
            FaultKind::ExpiredToken => "expired-token",
            FaultKind::RevokedToken => "revoked-token",
            FaultKind::TokenSeconds(_) => "token-seconds",
            FaultKind::ForeignPatient => "foreign-patient",
        }
    }
}

/// Every name, as an error lists them.
pub(crate) const NAMES: [&str; 31] = [
    "429",
    "500",
    "502",
    "503",
    "504",
    "backend",
    "cut",
    "drift-delete",
    "drift-insert",
    "drop",
    "duplicate-key",
    "empty",
    "endless",
    "expired-token",
    "foreign-patient",
    "future-date",
    "hang",
    "html",
    "ignore-count",
    "next-foreign",
    "next-loop",
    "outcome",
    "revoked-token",
    "rotate-then-502",
    "rotate-then-drop",
    "rps",
    "slow",
    "slow-body",
    "token-seconds",
    "total",
    "weekly-load",
];
