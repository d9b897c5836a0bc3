//! What clients and broker say to each other: one JSON object a line, in both directions.

use claimlake_contract::{GrantHandle, Secret, exposed_secret, hex};
use claimlake_vault::{NewGrant, Stored};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::revoke::Revoked;
use crate::token::{AccessToken, TokenError};
use crate::{App, OauthError};

/// Grows with every change of this file.
pub(super) const PROTOCOL: u32 = 5;

/// What a broker is started with; it comes by a pipe, never by arguments or the environment.
#[derive(Serialize, Deserialize)]
pub(super) struct BrokerSettings {
    pub(super) data_dir: std::path::PathBuf,
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
    pub(super) protocol: u32,
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
    Token {
        grant: GrantHandle,
        /// The generation that the server has refused.
        rejected: Option<u64>,
    },
    Exchange {
        #[serde(with = "exposed_secret")]
        state: Secret,
        #[serde(with = "exposed_secret")]
        code: Secret,
    },
    Import {
        grant: Box<NewGrant>,
    },
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
    Name {
        grant: GrantHandle,
    },
    Revoke {
        grant: GrantHandle,
    },
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
    pub(super) posting_s: Option<u64>,
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
    Token(AccessToken),
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
    pub(super) fn broker(reason: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Broker,
            reason: reason.into(),
        }
    }

    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Unavailable,
            reason: reason.into(),
        }
    }

    pub(super) fn stopped() -> Self {
        Self {
            kind: FailureKind::Stopped,
            reason: "the token broker has stopped".into(),
        }
    }

    pub(super) fn into_token_error(self) -> TokenError {
        let reason = self.reason;
        match self.kind {
            FailureKind::NeedsConsent | FailureKind::Callback => {
                TokenError::NeedsConsent { reason }
            }
            FailureKind::Doubtful => TokenError::Doubtful { reason },
            FailureKind::Configuration => TokenError::Configuration { reason },
            FailureKind::Transient | FailureKind::Broker => TokenError::Transient { reason },
            FailureKind::Parked => TokenError::Parked { reason },
            FailureKind::Unavailable => TokenError::Unavailable { reason },
            FailureKind::Stopped => TokenError::Stopped,
        }
    }

    pub(super) fn into_oauth_error(self) -> OauthError {
        let reason = self.reason;
        match self.kind {
            FailureKind::NeedsConsent => OauthError::NeedsConsent { reason },
            FailureKind::Configuration => OauthError::Configuration { reason },
            FailureKind::Doubtful | FailureKind::Transient | FailureKind::Parked => {
                OauthError::Transient { reason }
            }
            FailureKind::Callback => OauthError::Callback { reason },
            FailureKind::Stopped | FailureKind::Broker | FailureKind::Unavailable => {
                OauthError::Broker { reason }
            }
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let (kind, reason) = match error {
            TokenError::NeedsConsent { reason } => (FailureKind::NeedsConsent, reason),
            TokenError::Doubtful { reason } => (FailureKind::Doubtful, reason),
            TokenError::Configuration { reason } => (FailureKind::Configuration, reason),
            TokenError::Transient { reason } => (FailureKind::Transient, reason),
            TokenError::Parked { reason } => (FailureKind::Parked, reason),
            TokenError::Unavailable { reason } => (FailureKind::Unavailable, reason),
            TokenError::Stopped => return Failure::stopped(),
        };
        Self { kind, reason }
    }
}

impl From<OauthError> for Failure {
    fn from(error: OauthError) -> Self {
        let kind = match &error {
            OauthError::NeedsConsent { .. } => FailureKind::NeedsConsent,
            OauthError::Callback { .. }
            | OauthError::Declined { .. }
            | OauthError::TimedOut { .. } => FailureKind::Callback,
            OauthError::Transient { .. } => FailureKind::Transient,
            OauthError::Broker { .. } => FailureKind::Broker,
            _ if error.is_configuration() => FailureKind::Configuration,
            _ => FailureKind::Transient,
        };
        let reason = match error {
            OauthError::NeedsConsent { reason } => reason,
            other => crate::chain(&other),
        };
        Self { kind, reason }
    }
}
