//! The kinds of faults.

use std::mem::discriminant;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 429.
    TooManyRequests(RetryAfter),
    /// 429 once more than this many FHIR requests arrive within a second.
    RequestsPerSecond(u32, RetryAfter),
    /// A status of 500 or above, with the body the real server has for it.
    Status(u16),
    /// What the proxy makes of a backend that answers this status.
    Backend(u16),
    /// An HTML page with this status where JSON is due.
    Html(u16),
    /// The answer begins this many milliseconds late.
    Slow(u32),
    /// The body arrives in eight pieces, spread over this many milliseconds.
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
    /// A refresh at v3 is denied without a reason; the token is not used up.
    DenyRefresh,
    /// Tokens are rotated, then the refresh is denied without a reason: the new pair is lost.
    RotateThenDeny,
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
    /// The grant was ended by the patient.
    RevokedToken,
    /// Access tokens live this many seconds.
    TokenSeconds(u32),
    /// A resource of another patient is on the page.
    ForeignPatient,
}

/// How a 429 states the time to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Absent,
    /// This many seconds.
    Seconds(u32),
    /// An HTTP date this many seconds ahead.
    Date(u32),
}

/// How a `next` link points to another origin.
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

/// At which point of serving a request a fault applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before anything is done.
    Gate,
    /// Before the token is looked at.
    Token,
    /// Before a refresh rotates.
    BeforeRefresh,
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
    /// When tokens are made; it applies to no request.
    Setting,
}

/// Every kind without options: its name in a specification, its defaults, when it is looked for.
const KINDS: [(&str, FaultKind, Stage); 33] = [
    (
        "429",
        FaultKind::TooManyRequests(RetryAfter::Seconds(1)),
        Stage::Gate,
    ),
    ("500", FaultKind::Status(500), Stage::Gate),
    ("502", FaultKind::Status(502), Stage::Gate),
    ("503", FaultKind::Status(503), Stage::Gate),
    ("504", FaultKind::Status(504), Stage::Gate),
    ("backend", FaultKind::Backend(500), Stage::Gate),
    ("cut", FaultKind::Cut, Stage::Wire),
    ("deny-refresh", FaultKind::DenyRefresh, Stage::BeforeRefresh),
    ("drift-delete", FaultKind::DriftDelete, Stage::Data),
    ("drift-insert", FaultKind::DriftInsert, Stage::Data),
    ("drop", FaultKind::Drop, Stage::Gate),
    ("duplicate-key", FaultKind::DuplicateKey, Stage::Page),
    ("empty", FaultKind::Empty, Stage::Page),
    ("endless", FaultKind::Endless, Stage::Lookup),
    ("expired-token", FaultKind::ExpiredToken, Stage::Token),
    ("foreign-patient", FaultKind::ForeignPatient, Stage::Page),
    ("future-date", FaultKind::FutureDate, Stage::Page),
    ("hang", FaultKind::Hang, Stage::Gate),
    ("html", FaultKind::Html(502), Stage::Gate),
    ("ignore-count", FaultKind::IgnoreCount, Stage::Lookup),
    (
        "next-foreign",
        FaultKind::NextForeign(NextTrick::Origin),
        Stage::Page,
    ),
    ("next-loop", FaultKind::NextLoop, Stage::Page),
    ("outcome", FaultKind::Outcome, Stage::Page),
    ("revoked-token", FaultKind::RevokedToken, Stage::Token),
    ("rotate-then-502", FaultKind::RotateThen502, Stage::Refresh),
    (
        "rotate-then-deny",
        FaultKind::RotateThenDeny,
        Stage::Refresh,
    ),
    (
        "rotate-then-drop",
        FaultKind::RotateThenDrop,
        Stage::Refresh,
    ),
    (
        "rps",
        FaultKind::RequestsPerSecond(10, RetryAfter::Seconds(1)),
        Stage::Gate,
    ),
    ("slow", FaultKind::Slow(2000), Stage::Wire),
    ("slow-body", FaultKind::SlowBody(2000), Stage::Wire),
    ("token-seconds", FaultKind::TokenSeconds(1), Stage::Setting),
    ("total", FaultKind::Total(WrongTotal::Absent), Stage::Page),
    ("weekly-load", FaultKind::WeeklyLoad, Stage::Data),
];

impl FaultKind {
    /// The kind of a name, with its defaults.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = KINDS.iter().find(|(known, ..)| *known == name);
        found.map(|(_, kind, _)| *kind)
    }

    /// Every name, in the order of the alphabet.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, ..)| *name)
    }

    /// The name in a specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn stage(self) -> Stage {
        self.row().2
    }

    fn row(self) -> &'static (&'static str, Self, Stage) {
        let is_own = |(_, known, _): &&_| match (known, self) {
            (Self::Status(known), Self::Status(own)) => *known == own,
            (known, own) => discriminant(known) == discriminant(&own),
        };
        // Only a status can be missing: those that have no body of their own are answered alike.
        KINDS.iter().find(is_own).unwrap_or(&KINDS[4])
    }
}
