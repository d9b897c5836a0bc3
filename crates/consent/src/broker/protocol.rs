//! What clients and broker say to each other: one JSON object a line, in both directions.

use claimlake_contract::{GrantHandle, Secret, exposed_secret, hex};
use claimlake_vault::{NewGrant, Stored};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ErrorKind;
use crate::revoke::Revoked;
use crate::token::AccessToken;
use crate::{App, ConsentError};

/// Grows with every change of this file.
pub(super) const PROTOCOL: u32 = 5;

/// What a broker is started with; it comes by a pipe, never by arguments or the environment.
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

/// What a broker says once on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "broker", rename_all = "snake_case")]
pub(super) enum Start {
    /// It listens.
    Serving,
    /// It waits for the one before it to end, and lives.
    Waiting { holder: Option<u32> },
    /// Another one listens already.
    Other,
    /// The key it was given does not open the vault.
    WrongKey,
    /// It cannot work.
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

/// The broker's answer to it.
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
    /// An access token: a kept one, or a new one where that was rejected or is near its end.
    Token {
        grant: GrantHandle,
        /// The generation that the server has refused.
        rejected: Option<u64>,
    },
    /// The code of a callback, for the authorization that `state` names.
    Exchange {
        /// Names the authorization (RFC 6749, section 10.12).
        #[serde(with = "exposed_secret")]
        state: Secret,
        /// The authorization code; it works once (RFC 6749, section 4.1.2).
        #[serde(with = "exposed_secret")]
        code: Secret,
    },
    /// A grant from a file.
    Import { grant: Box<NewGrant> },
    /// A resource's answer has shown that the consent is over.
    Ended {
        grant: GrantHandle,
        /// The generation of the tokens that it was the answer to.
        generation: u64,
        reason: String,
    },
    /// Everything was refused, but not in words about the consent.
    Refused {
        grant: GrantHandle,
        /// The generation of the tokens that were refused; none where resources are answered again.
        generation: Option<u64>,
    },
    /// Find out whose a stored grant is.
    Name { grant: GrantHandle },
    /// End a grant at the server, then here.
    Revoke { grant: GrantHandle },
}

/// A line of the broker to a client, after the welcome.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Reply(Reply),
    /// Sent now and then while a request of the client is under way.
    Alive(Activity),
}

/// What a broker is at: how long the oldest request to the token endpoint, and the oldest work on
/// the vault, have been under way, in whole seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Activity {
    /// Seconds that the oldest request to the token endpoint has taken.
    pub(super) posting_s: Option<u64>,
    /// Seconds that the oldest work on the vault has taken.
    pub(super) on_disk_s: Option<u64>,
    /// The process that holds the token lock, where this one waits for it.
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

/// What went well.
#[derive(Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub(super) enum Response {
    /// The token that was asked for.
    Token(AccessToken),
    /// What storing a grant did.
    Stored(Stored),
    Revoked {
        outcome: Revoked,
    },
    /// It is done, or there is nothing to say.
    Noted,
}

/// What went wrong.
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
    /// No grant gets a token now.
    Unavailable,
    Callback,
    Stopped,
    Broker,
}

/// Names server and app: a broker serves one of each. The secret is part of it, so that a
/// corrected one does not meet a broker that holds the wrong one.
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
    /// What it is, in words without the grant.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Request::Token { .. } => "an access token",
            Request::Exchange { .. } => "exchanging the code of a consent",
            Request::Import { .. } => "storing a grant",
            Request::Ended { .. } => "noting that a consent has ended",
            Request::Refused { .. } => "noting that data were refused",
            Request::Name { .. } => "whose a grant is",
            Request::Revoke { .. } => "revoking a grant",
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

    /// The same, of a request for a token or about one: a grant is unharmed by a broker that ends.
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
