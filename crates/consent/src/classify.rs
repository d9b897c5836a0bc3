//! What an answer without tokens or data means for a consent: one table for the token endpoint and
//! for FHIR. The first rule that matches decides.
//!
//! Rules look at the error code first, then at the text, never at the status alone: the end of a
//! consent is reported as 400, 401 or 403, and so are faults of the registration. When no rule is
//! certain, the meaning is the one that costs nothing: a grant is never ended because of an answer
//! that is not about the consent.

use std::ops::RangeInclusive;

use super::answer::ErrorAnswer;

/// The kind of request that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// A refresh of the access token (RFC 6749, section 6).
    Refresh,
    /// The exchange of an authorization code (RFC 6749, section 4.1.3).
    Exchange,
    /// A FHIR request with an access token.
    Data,
}

/// What an answer means for the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The grant has ended; only a new consent of the person helps.
    NeedsConsent,
    /// v3 refuses without a reason: the grant has ended, unless v3 refuses every grant.
    Denied,
    /// The code cannot be used; a new authorization is needed.
    CodeRefused,
    /// The registration is wrong: every further request would fail in the same way.
    StopTheRun,
    /// This request is wrong; the refresh token was not used up.
    Refused,
    /// The access token is not accepted; a newer one may be.
    TokenRejected,
    /// The person does not share this resource type, or no longer shares anything.
    NotInConsent,
    /// The request is refused, and it is unknown by whom: a gateway answers like this, too.
    Forbidden,
    /// The app may not read this resource type, whatever the person shares.
    NotInApp,
    /// The server asks to retry later; the refresh token was not used up.
    Later,
    /// The server failed. It may have replaced the refresh token before it did.
    Unknown,
}

/// A line of the table. An empty condition matches everything; texts are compared in lower case,
/// and all of `says` must occur. Rules apply to statuses below 500 unless they say otherwise: a
/// failure of the server says nothing about the grant, whatever its text.
struct Rule {
    /// What was asked for; `None` for any.
    asked: Option<RequestKind>,
    /// HTTP statuses.
    status: RangeInclusive<u16>,
    /// Whether the body is a web page; `None` for both.
    html: Option<bool>,
    /// The member `error`, in lower case.
    error: &'static str,
    /// Words that the texts of the body contain, in lower case.
    says: &'static [&'static str],
    meaning: Meaning,
    /// The reason for the operator. It contains nothing of the answer, so it can be stored and
    /// logged.
    reason: &'static str,
}

/// Matches every answer; rules state what differs from it.
const ANY: Rule = Rule {
    asked: None,
    status: 0..=499,
    html: None,
    error: "",
    says: &[],
    meaning: Meaning::Unknown,
    reason: "",
};

const REFRESH: Option<RequestKind> = Some(RequestKind::Refresh);
const EXCHANGE: Option<RequestKind> = Some(RequestKind::Exchange);
const DATA: Option<RequestKind> = Some(RequestKind::Data);
const HTML: Option<bool> = Some(true);

const FAILED: &str = "the server failed, perhaps after it had replaced the token";
const TIME_OVER: &str = "the time of the consent is over";
const WITHDRAWN: &str = "the consent was withdrawn or has expired";
const NO_V3: &str = "the app may not use v3 yet: set source.api to v2, or ask CMS for access";
const INACTIVE: &str = "the app is switched off at the server: ask the Blue Button team";

/// From the most specific rule to the least specific one.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    // A gateway's own words about time are not about a consent.
    Rule { status: 429..=429, meaning: Meaning::Later, reason: "the server asks to come back later", ..ANY },
    Rule { status: 408..=408, meaning: Meaning::Unknown, reason: FAILED, ..ANY },
    Rule { status: 425..=425, meaning: Meaning::Unknown, reason: FAILED, ..ANY },

    // The consent is over, in the order of how much the server says.
    Rule { asked: REFRESH, says: &["access", "timed out"], meaning: Meaning::NeedsConsent, reason: TIME_OVER, ..ANY },
    Rule { asked: DATA, status: 400..=403, says: &["user access", "timed out"], meaning: Meaning::NeedsConsent, reason: TIME_OVER, ..ANY },
    Rule { asked: REFRESH, says: &["access", "cannot be found"], meaning: Meaning::NeedsConsent, reason: WITHDRAWN, ..ANY },
    Rule { asked: DATA, status: 400..=403, says: &["user access", "cannot be found"], meaning: Meaning::NeedsConsent, reason: WITHDRAWN, ..ANY },
    Rule { asked: REFRESH, says: &["refresh token not found"], meaning: Meaning::NeedsConsent,
        reason: "the token was replaced, as a newer consent of the same person elsewhere does", ..ANY },
    Rule { asked: REFRESH, says: &["not allowed to refresh"], meaning: Meaning::NeedsConsent,
        reason: "the app may read each consent once only", ..ANY },
    Rule { asked: REFRESH, error: "invalid_grant", meaning: Meaning::NeedsConsent,
        reason: "the server no longer accepts the refresh token", ..ANY },
    Rule { asked: EXCHANGE, error: "invalid_grant", meaning: Meaning::CodeRefused,
        reason: "the code is older than 60 seconds, was used before, or belongs to another request", ..ANY },
    Rule { asked: EXCHANGE, says: &["mismatching redirect uri"], meaning: Meaning::CodeRefused,
        reason: "redirect_uri differs from the one the code was asked for", ..ANY },
    Rule { asked: REFRESH, says: &["request denied"], meaning: Meaning::Denied,
        reason: "the server denies the refresh token without a reason", ..ANY },

    // The registration. The token is not looked at before these checks.
    Rule { says: &["does not yet have access to v3"], meaning: Meaning::StopTheRun, reason: NO_V3, ..ANY },
    Rule { error: "invalid_client", says: &["does not exist"], meaning: Meaning::StopTheRun,
        reason: "the server does not know the client_id: check the variable that client_id_env names, and base_url", ..ANY },
    Rule { error: "invalid_client", says: &["inactive"], meaning: Meaning::StopTheRun, reason: INACTIVE, ..ANY },
    Rule { asked: DATA, status: 401..=403, says: &["temporarily inactive"], meaning: Meaning::StopTheRun, reason: INACTIVE, ..ANY },
    Rule { error: "invalid_client", says: &["app id failed"], meaning: Meaning::StopTheRun,
        reason: "the server did not see a client_id: check the variable that client_id_env names", ..ANY },
    Rule { error: "invalid_client", meaning: Meaning::StopTheRun,
        reason: "the server refuses the client secret: check the variable that client_secret_env names", ..ANY },
    Rule { says: &["invalid client_id format"], meaning: Meaning::StopTheRun,
        reason: "the client_id is not of the server's form (40 letters and digits): check the variable that client_id_env names", ..ANY },
    Rule { says: &["unable to verify permission"], meaning: Meaning::StopTheRun,
        reason: "the app may not use this API version yet: check source.api", ..ANY },

    // Data. A firewall's page is not the server's word about a consent.
    Rule { asked: DATA, status: 401..=401, html: HTML, meaning: Meaning::Unknown, reason: "an HTML page where FHIR JSON is due (401)", ..ANY },
    Rule { asked: DATA, status: 403..=403, html: HTML, meaning: Meaning::Unknown, reason: "an HTML page where FHIR JSON is due (403)", ..ANY },
    // v3 passes on what its backend says: that one refuses the proxy, not our token.
    Rule { asked: DATA, status: 401..=401, says: &["operationoutcome"], meaning: Meaning::Unknown, reason: "the server's own data source refuses it", ..ANY },
    Rule { asked: DATA, status: 401..=401, meaning: Meaning::TokenRejected, reason: "the server does not accept the access token", ..ANY },
    Rule { asked: DATA, status: 403..=403, says: &["does not have access to make"], meaning: Meaning::NotInApp,
        reason: "the app is not registered for this resource type", ..ANY },
    Rule { asked: DATA, status: 403..=403, says: &["you do not have permission to perform this action"], meaning: Meaning::NotInConsent,
        reason: "the consent does not include this resource type", ..ANY },
    Rule { asked: DATA, status: 403..=403, meaning: Meaning::Forbidden,
        reason: "the request is refused (403), and not in the server's words for what a consent leaves out", ..ANY },

    // Concerns this request only.
    Rule { says: &["does not match client_id"], meaning: Meaning::Refused,
        reason: "the grant was given to another app: use the client_id it was given to", ..ANY },
    Rule { error: "invalid_scope", meaning: Meaning::Refused, reason: super::scopes::REFUSED, ..ANY },
    Rule { says: &["invalid scopes"], meaning: Meaning::Refused, reason: super::scopes::REFUSED, ..ANY },
    Rule { error: "unauthorized_client", meaning: Meaning::StopTheRun,
        reason: "the app is not allowed to use this kind of authorization", ..ANY },
    Rule { error: "unsupported_grant_type", meaning: Meaning::Refused,
        reason: "the server does not support the request", ..ANY },
    Rule { error: "invalid_request", meaning: Meaning::Refused,
        reason: "the server calls the request malformed", ..ANY },

    // Answers without an `error` are classified by status.
    Rule { status: 405..=405, meaning: Meaning::Refused,
        reason: "base_url does not lead to a token endpoint", ..ANY },
    Rule { status: 300..=399, meaning: Meaning::Refused,
        reason: "the token endpoint redirects, which is never followed: check base_url", ..ANY },
    Rule { status: 0..=u16::MAX, meaning: Meaning::Unknown, reason: FAILED, ..ANY },
];

/// The meaning of an answer that has neither tokens nor data, and the reason. The reason contains
/// nothing of the answer.
pub fn classify(asked: RequestKind, status: u16, answer: &ErrorAnswer) -> (Meaning, &'static str) {
    RULES
        .iter()
        .find(|rule| {
            rule.asked.is_none_or(|expected| expected == asked)
                && rule.status.contains(&status)
                && rule.html.is_none_or(|html| html == answer.is_html)
                && (rule.error.is_empty() || rule.error == answer.error)
                && rule.says.iter().all(|words| answer.says.contains(words))
        })
        .map_or((Meaning::Unknown, ""), |rule| (rule.meaning, rule.reason))
}

#[cfg(test)]
mod tests;
