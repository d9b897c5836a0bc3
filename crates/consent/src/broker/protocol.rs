//! The protocol between client and broker: one JSON object per line, in both directions, over a
//! Unix socket that only this user can open. A client sends [`Hello`], the broker answers with
//! [`Welcome`]; then requests may follow, many at a time, each with a number that its reply
//! carries.
//!
//! Secrets cross the socket in clear text: it exists on this machine only, and the kernel confirms
//! the user at the other end.

use claimlake_contract::{ApiVersion, GrantHandle, Secret, exposed_secret, hex};
use claimlake_vault::{NewGrant, Stored};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ErrorKind;
use crate::revoke::Revoked;
use crate::token::AccessToken;
use crate::{App, ConsentError};

/// The version of the protocol. It must change whenever a message changes: a running broker of
/// another version then refuses the client, instead of misunderstanding it.
pub(super) const PROTOCOL: u32 = 6;

/// What a broker is started with. It comes through a pipe, never as an argument or in the
/// environment.
#[derive(Serialize, Deserialize)]
pub(super) struct BrokerSettings {
    /// Absolute: the broker works in the root folder.
    pub(super) data_dir: std::path::PathBuf,
    /// The server; together with app and secret, what a broker works for.
    pub(super) base_url: String,
    pub(super) client_id: String,
    #[serde(with = "exposed_secret")]
    pub(super) client_secret: Secret,
    #[serde(with = "exposed_secret")]
    pub(super) vault_key: Secret,
}

/// What a broker reports on its standard output while it starts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "broker", rename_all = "snake_case")]
pub(super) enum Start {
    /// It listens at the socket.
    Serving,
    /// It waits for the token lock; `holder` is the process that has it, if known.
    Waiting { holder: Option<u32> },
    /// Another broker serves already; this one ends.
    Other,
    /// The vault cannot be opened with the given key.
    WrongKey,
    /// It cannot serve.
    Failed { failure: Failure },
}

/// The first line of a client.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The client's [`PROTOCOL`].
    pub(super) protocol: u32,
    /// The client's [`source_name`].
    pub(super) source: String,
}

/// The broker's answer to the greeting.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "welcome", rename_all = "snake_case")]
pub(super) enum Welcome {
    /// Requests may follow.
    Yes {
        /// The broker's process.
        pid: u32,
    },
    /// This broker works for another server, app or version of claimlake.
    OtherSource,
}

/// A request with the number its reply will carry.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) id: u64,
    pub(super) request: Request,
}

/// What a client asks for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request {
    /// An access token: the stored one, or a new one if that was rejected or expires soon.
    Token {
        grant: GrantHandle,
        /// The generation of the token that the server rejected; `None` if none was.
        rejected: Option<u64>,
    },
    /// Exchange the code of a callback (RFC 6749, section 4.1.3) and store the grant.
    Exchange {
        /// Names the authorization (RFC 6749, section 10.12).
        #[serde(with = "exposed_secret")]
        state: Secret,
        /// The authorization code; it works once (RFC 6749, section 4.1.2).
        #[serde(with = "exposed_secret")]
        code: Secret,
    },
    /// Store a grant from a file.
    Import { grant: Box<NewGrant> },
    /// A response of the FHIR API has shown that the consent has ended.
    Ended {
        grant: GrantHandle,
        /// The generation of the tokens that it was the answer to.
        generation: u64,
        reason: String,
    },
    /// Every request with these tokens was refused, without a statement about the consent.
    Refused {
        grant: GrantHandle,
        /// The generation of the refused tokens; `None` if requests succeed again.
        generation: Option<u64>,
    },
    /// Ask the server which patient a stored grant belongs to.
    Name { grant: GrantHandle },
    /// Revoke a grant at the server, then in the vault.
    Revoke { grant: GrantHandle },
    /// Refresh a grant at another API version, and move it there.
    Move { grant: GrantHandle, to: ApiVersion },
}

/// A message from the broker after the greeting.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Reply(Reply),
    /// Sent every two seconds while a request of the client is in progress.
    Alive(Activity),
}

/// What a broker is doing, in whole seconds; `None` if nothing of the kind is in progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Activity {
    /// For how long the oldest request to the token endpoint has been in progress.
    pub(super) posting_s: Option<u64>,
    /// For how long the oldest operation on the vault has been in progress.
    pub(super) on_disk_s: Option<u64>,
    /// The process that has the token lock, if the broker waits for it.
    #[serde(default)]
    pub(super) lock_holder: Option<u32>,
    /// The process that has the vault's database locked, where one has.
    #[serde(default)]
    pub(super) vault_holder: Option<u32>,
}

/// The reply to the request of the same number.
#[derive(Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) id: u64,
    pub(super) answer: Result<Response, Failure>,
}

/// A successful reply.
#[derive(Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub(super) enum Response {
    /// The token that was asked for.
    Token(AccessToken),
    /// The result of storing a grant.
    Stored(Stored),
    Revoked {
        outcome: Revoked,
    },
    /// The request was carried out and returns nothing.
    Noted,
}

/// An error reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    pub(super) reason: String,
}

/// The variants of [`ConsentError`] that cross the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailureKind {
    NeedsConsent,
    Doubtful,
    Configuration,
    Transient,
    Parked,
    /// No grant can get a token now.
    Unavailable,
    Callback,
    Stopped,
    Broker,
}

/// Identifies server and app by a hash; one broker serves one of each. The secret is included, so
/// that a client with a corrected secret does not connect to a broker that has the wrong one.
pub(super) fn source_name(app: &App) -> String {
    let mut hash = Sha256::new();
    for part in [
        app.base_url().as_str(),
        &app.client_id,
        app.client_secret.expose(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    hex(&digest[..16])
}

impl Request {
    /// What is requested, for messages; without the grant.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Request::Token { .. } => "an access token",
            Request::Exchange { .. } => "exchanging the code of a consent",
            Request::Import { .. } => "storing a grant",
            Request::Ended { .. } => "noting that a consent has ended",
            Request::Refused { .. } => "noting that data were refused",
            Request::Name { .. } => "whose a grant is",
            Request::Revoke { .. } => "revoking a grant",
            Request::Move { .. } => "moving a grant to another API version",
        }
    }
}

impl Failure {
    /// The broker could not be started, or ended.
    pub(super) fn broker(reason: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Broker,
            reason: reason.into(),
        }
    }

    /// Nobody gets a token now.
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Unavailable,
            reason: reason.into(),
        }
    }

    /// The broker is ending.
    pub(super) fn stopped() -> Self {
        Self {
            kind: FailureKind::Stopped,
            reason: "the token broker has stopped".into(),
        }
    }

    /// The error that the client returns.
    pub(super) fn into_error(self) -> ConsentError {
        let reason = self.reason;
        match self.kind {
            FailureKind::NeedsConsent => ConsentError::NeedsConsent { reason },
            FailureKind::Doubtful => ConsentError::Doubtful { reason },
            FailureKind::Configuration => ConsentError::Configuration { reason },
            FailureKind::Transient => ConsentError::Transient { reason },
            FailureKind::Parked => ConsentError::Parked { reason },
            FailureKind::Unavailable => ConsentError::Unavailable { reason },
            FailureKind::Callback => ConsentError::Callback { reason },
            FailureKind::Stopped => ConsentError::Stopped,
            FailureKind::Broker => ConsentError::Broker { reason },
        }
    }

    /// The same for a request for a token: if the broker fails, the grant is not affected.
    pub(super) fn into_token_error(self) -> ConsentError {
        match self.into_error() {
            ConsentError::Transient { reason } | ConsentError::Broker { reason } => {
                ConsentError::NoToken { reason }
            }
            error => error,
        }
    }
}

impl From<ConsentError> for Failure {
    fn from(error: ConsentError) -> Self {
        let kind = match &error {
            ConsentError::NeedsConsent { .. } => FailureKind::NeedsConsent,
            ConsentError::Doubtful { .. } => FailureKind::Doubtful,
            ConsentError::Parked { .. } => FailureKind::Parked,
            ConsentError::Unavailable { .. } => FailureKind::Unavailable,
            ConsentError::Stopped => FailureKind::Stopped,
            ConsentError::Broker { .. } => FailureKind::Broker,
            _ => match error.kind() {
                ErrorKind::Configuration => FailureKind::Configuration,
                ErrorKind::BeginAgain => FailureKind::Callback,
                _ => FailureKind::Transient,
            },
        };
        // The words before the reason are added again at the other end.
        let reason = match error {
            ConsentError::NeedsConsent { reason }
            | ConsentError::Doubtful { reason }
            | ConsentError::Parked { reason }
            | ConsentError::NoToken { reason } => reason,
            other => crate::chain(&other),
        };
        Self { kind, reason }
    }
}
