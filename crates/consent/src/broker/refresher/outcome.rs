//! Reads what a POST to the token endpoint returned, and decides whether a stored token may still
//! be lent. Decisions only; what follows from them is in `refresh.rs`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_vault::{Grant, TokenPair, VaultError, VaultErrorKind};

use crate::ConsentError;
use crate::answer::{TokenAnswer, read_error, read_tokens};
use crate::classify::{Meaning, RequestKind, classify};
use crate::endpoint::Posted;
use crate::retry_after::retry_after;
use crate::token::AccessToken;
use crate::transport_error::Unreachable;

/// An access token that expires sooner than this is refreshed before it is lent.
const LEAST_LIFE: TimeDelta = TimeDelta::minutes(5);
pub(super) const LOST_ANSWER: &str =
    "the answer to a refresh was lost after the server had replaced the token";

/// What a POST returned. The texts name request, status and media type, and nothing else of the
/// answer.
pub(super) enum Read {
    /// A new token pair.
    Tokens(Box<TokenAnswer>),
    /// No connection: nothing was sent.
    NotSent(Unreachable),
    /// The server asks to retry later; the token was not used up.
    Later {
        reason: String,
        wait: Option<Duration>,
    },
    /// Nobody knows whether the token was used up.
    InDoubt {
        reason: String,
        wait: Option<Duration>,
    },
    /// There is no token endpoint at this address; the token was not used up.
    NoEndpoint { reason: String },
    /// An OAuth error: its meaning, a reason that can be stored, and the reason together with the
    /// request.
    Says {
        meaning: Meaning,
        reason: &'static str,
        words: String,
    },
}

/// Interprets the answer to a refresh.
pub(super) fn read(posted: Posted, request: &str, now: DateTime<Utc>) -> Read {
    let answer = match posted {
        Posted::Answer(answer) => answer,
        Posted::NotSent(unreachable) => return Read::NotSent(unreachable),
        Posted::Lost(reason) => {
            return Read::InDoubt {
                reason: format!("refreshing: {request}: {reason}"),
                wait: None,
            };
        }
    };
    if answer.status == 200
        && let Some(tokens) = read_tokens(&answer.body, now)
    {
        return Read::Tokens(Box::new(tokens));
    }
    let error = read_error(&answer.body);
    let (meaning, reason) = classify(RequestKind::Refresh, answer.status, &error);
    let head = answer.head();
    let words = |reason: &str| format!("refreshing: {request}: {head}: {reason}");
    let header = answer.retry_after.as_deref();
    let wait = header.and_then(|header| retry_after(header, now));
    let until = wait.and_then(|wait| now.checked_add_signed(TimeDelta::from_std(wait).ok()?));
    let until = until.map_or(String::new(), |until| {
        format!(" (from {} UTC on)", until.format("%Y-%m-%d %H:%M"))
    });
    match meaning {
        Meaning::Later => Read::Later {
            reason: words(&format!("{reason}{until}")),
            wait,
        },
        Meaning::Unknown => Read::InDoubt {
            reason: words(&format!("{}{until}", error.unreadable(answer.status))),
            wait,
        },
        Meaning::Refused if matches!(answer.status, 300..=399 | 405) => Read::NoEndpoint {
            reason: words(reason),
        },
        meaning => Read::Says {
            meaning,
            reason,
            words: words(reason),
        },
    }
}

/// The stored access token, if it is valid for long enough.
pub(super) fn lendable(
    grant: &Grant,
    tokens: &TokenPair,
    now: DateTime<Utc>,
) -> Option<AccessToken> {
    let secret = tokens.access_token.clone()?;
    let expires_at = tokens.access_expires_at?;
    let life = tokens
        .access_issued_at
        .map_or(LEAST_LIFE * 4, |issued| expires_at - issued);
    // Where tokens live for seconds, five minutes are never left; a quarter of a life must do. A
    // one-time token is lent to its end.
    let margin = if grant.one_time {
        TimeDelta::zero()
    } else {
        LEAST_LIFE.min(life / 4)
    };
    (expires_at - now > margin).then_some(AccessToken {
        secret,
        expires_at,
        generation: grant.generation,
    })
}

/// The reason for the end of a grant. If an earlier POST had no readable answer, it was the one
/// that used the token up.
pub(super) fn ended(in_doubt: bool, reason: &'static str) -> &'static str {
    if in_doubt { LOST_ANSWER } else { reason }
}

/// What an error of the vault means for a caller that needs a token.
pub(super) fn not_now(error: &VaultError) -> ConsentError {
    let reason = crate::chain(error);
    match error {
        VaultError::UnknownGrant { .. } => ConsentError::NeedsConsent { reason },
        error if error.kind() == VaultErrorKind::Configuration => {
            ConsentError::Configuration { reason }
        }
        _ => ConsentError::NoToken { reason },
    }
}
