//! What a POST to the token endpoint brought, and what a stored token is still good for.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_vault::{Grant, TokenPair, VaultError};

use crate::oauth::answer::{TokenAnswer, read_error, read_tokens};
use crate::oauth::classify::{Asked, Meaning, classify};
use crate::oauth::endpoint::Posted;
use crate::token::{AccessToken, TokenError};

/// An access token with less life than this is renewed before it is lent.
const LEAST_LIFE: TimeDelta = TimeDelta::minutes(5);
pub(super) const LOST_ANSWER: &str =
    "the answer to a refresh was lost after the server had replaced the token";

/// What a POST brought, apart from what is done about it.
pub(super) enum Read {
    Tokens(Box<TokenAnswer>),
    NotUsed {
        reason: String,
        wait: Option<Duration>,
    },
    InDoubt {
        reason: String,
    },
    Says(Meaning, &'static str),
}

/// Reads what a refresh was answered.
pub(super) fn read(posted: Posted, now: DateTime<Utc>) -> Read {
    let answer = match posted {
        Posted::Answer(answer) => answer,
        Posted::NotSent(reason) => {
            return Read::NotUsed {
                reason: format!("refreshing: {reason}"),
                wait: None,
            };
        }
        Posted::Lost(reason) => {
            return Read::InDoubt {
                reason: format!("refreshing: {reason}"),
            };
        }
    };
    if answer.status == 200
        && let Some(tokens) = read_tokens(&answer.body, now)
    {
        return Read::Tokens(Box::new(tokens));
    }
    let (meaning, reason) = classify(Asked::Refresh, answer.status, &read_error(&answer.body));
    match meaning {
        Meaning::Later => Read::NotUsed {
            reason: format!("refreshing: {reason}"),
            wait: answer.retry_after,
        },
        Meaning::Unknown => Read::InDoubt {
            reason: format!("refreshing (HTTP {}): {reason}", answer.status),
        },
        meaning => Read::Says(meaning, reason),
    }
}

/// The stored access token, where it has life enough left.
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

/// A token that ends after a doubtful refresh was used up by it.
pub(super) fn ended(in_doubt: bool, reason: &'static str) -> &'static str {
    if in_doubt { LOST_ANSWER } else { reason }
}

pub(super) fn not_now(error: &VaultError) -> TokenError {
    let reason = crate::oauth::chain(error);
    match error {
        VaultError::UnknownGrant { .. } => TokenError::NeedsConsent { reason },
        error if error.is_configuration() => TokenError::Configuration { reason },
        _ => TokenError::Transient { reason },
    }
}
