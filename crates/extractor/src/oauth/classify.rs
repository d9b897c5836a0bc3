//! What an answer of the token endpoint means: one table, read from the top.
//!
//! By `error` first, then by description, never by status alone: a consent that is over shows as
//! 400, 401 or 403.

use std::ops::RangeInclusive;

use super::answer::ErrorAnswer;

/// What was asked of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new pair for a refresh token.
    Refresh,
    /// The first pair for a code.
    Exchange,
}

/// What an answer means for the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The grant has ended: only the person can renew it.
    NeedsConsent,
    /// v3 says no without saying why: the grant has ended, unless it says so to everyone.
    Denied,
    /// The code cannot be used: begin again.
    CodeRefused,
    /// The registration is wrong: every further request would fail the same way.
    StopTheRun,
    /// This request is wrong; the token was not used up.
    Refused,
    /// Come back later; the token was not used up.
    Later,
    /// The server may have rotated the token before it failed.
    Unknown,
}

/// A line of the table. Empty texts match anything; texts are compared without case. A server
/// error says nothing about the grant, whatever its text: lines are for statuses below 500.
struct Rule {
    asked: Option<Asked>,
    status: RangeInclusive<u16>,
    error: &'static str,
    says: &'static str,
    meaning: Meaning,
    reason: &'static str,
}

const ANY: Rule = Rule {
    asked: None,
    status: 0..=499,
    error: "",
    says: "",
    meaning: Meaning::Unknown,
    reason: "",
};

const REFRESH: Option<Asked> = Some(Asked::Refresh);
const EXCHANGE: Option<Asked> = Some(Asked::Exchange);

#[rustfmt::skip]
const RULES: &[Rule] = &[
    // The consent is over, in the order of how much the server says.
    Rule { asked: REFRESH, says: "timed out", meaning: Meaning::NeedsConsent,
        reason: "the time of the consent is over", ..ANY },
    Rule { asked: REFRESH, says: "cannot be found", meaning: Meaning::NeedsConsent,
        reason: "the consent was withdrawn or has expired", ..ANY },
    Rule { asked: REFRESH, says: "refresh token not found", meaning: Meaning::NeedsConsent,
        reason: "the token was replaced, as a newer consent of the same person elsewhere does", ..ANY },
    Rule { asked: REFRESH, says: "not allowed to refresh", meaning: Meaning::NeedsConsent,
        reason: "the app may read each consent once only", ..ANY },
    Rule { asked: REFRESH, error: "invalid_grant", meaning: Meaning::NeedsConsent,
        reason: "the server no longer accepts the refresh token", ..ANY },
    Rule { asked: EXCHANGE, error: "invalid_grant", meaning: Meaning::CodeRefused,
        reason: "the code is older than 60 seconds, was used before, or belongs to another request", ..ANY },
    Rule { asked: EXCHANGE, says: "mismatching redirect uri", meaning: Meaning::CodeRefused,
        reason: "redirect_uri differs from the one the code was asked for", ..ANY },
    Rule { asked: REFRESH, says: "request denied", meaning: Meaning::Denied,
        reason: "the server denies the refresh token without a reason", ..ANY },

    // The registration. The token is not looked at before these checks.
    Rule { error: "invalid_client", says: "does not exist", meaning: Meaning::StopTheRun,
        reason: "the server does not know the client_id: check the variable that client_id_env names, and base_url", ..ANY },
    Rule { error: "invalid_client", says: "inactive", meaning: Meaning::StopTheRun,
        reason: "the app is switched off at the server: ask the Blue Button team", ..ANY },
    Rule { error: "invalid_client", says: "app id failed", meaning: Meaning::StopTheRun,
        reason: "the server did not see a client_id: check the variable that client_id_env names", ..ANY },
    Rule { error: "invalid_client", meaning: Meaning::StopTheRun,
        reason: "the server refuses the client secret: check the variable that client_secret_env names", ..ANY },
    Rule { says: "invalid client_id format", meaning: Meaning::StopTheRun,
        reason: "the client_id is not of the server's form (40 letters and digits): check the variable that client_id_env names", ..ANY },
    Rule { says: "unable to verify permission", meaning: Meaning::StopTheRun,
        reason: "the app may not use this API version yet: check source.api", ..ANY },

    // This request alone.
    Rule { says: "does not match client_id", meaning: Meaning::Refused,
        reason: "the grant was given to another app: use the client_id it was given to", ..ANY },
    Rule { error: "invalid_scope", meaning: Meaning::Refused,
        reason: "the server refuses the scopes", ..ANY },
    Rule { error: "unauthorized_client", meaning: Meaning::StopTheRun,
        reason: "the app is not allowed to use this kind of authorization", ..ANY },
    Rule { error: "unsupported_grant_type", meaning: Meaning::Refused,
        reason: "the server does not support the request", ..ANY },
    Rule { error: "invalid_request", meaning: Meaning::Refused,
        reason: "the server calls the request malformed", ..ANY },

    // Without an `error`: by status.
    Rule { status: 429..=429, meaning: Meaning::Later,
        reason: "the server asks to come back later", ..ANY },
    Rule { status: 405..=405, meaning: Meaning::Refused,
        reason: "base_url does not lead to a token endpoint", ..ANY },
    Rule { status: 300..=399, meaning: Meaning::Refused,
        reason: "the token endpoint redirects, which is never followed: check base_url", ..ANY },
    Rule { status: 0..=u16::MAX, meaning: Meaning::Unknown,
        reason: "the server failed, perhaps after it had replaced the token", ..ANY },
];

/// What an answer that brought no tokens means, and why in words that hold nothing from it.
pub(crate) fn classify(asked: Asked, status: u16, answer: &ErrorAnswer) -> (Meaning, &'static str) {
    let error = lower(&answer.error);
    let mut words = lower(&answer.error_description);
    words.push('\n');
    words.push_str(&lower(&answer.message));
    RULES
        .iter()
        .find(|rule| {
            rule.asked.is_none_or(|expected| expected == asked)
                && rule.status.contains(&status)
                && (rule.error.is_empty() || rule.error == error)
                && (rule.says.is_empty() || words.contains(rule.says))
        })
        .map_or((Meaning::Unknown, ""), |rule| (rule.meaning, rule.reason))
}

fn lower(text: &Option<String>) -> String {
    text.as_deref().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests;
