//! What an answer of a FHIR endpoint means for its patient. The status alone does not decide: a 401
//! has four causes ([RFC 6750, section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3) names
//! one), and a 400 may mean that the result set has changed.

use super::client::AnswerHeaders;
use claimlake_consent::{Meaning, RequestKind, read_error};

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerClass {
    /// A body to be read as a Bundle.
    Body,
    /// The offset lies behind the end: the set has become smaller.
    PastEnd,
    /// The access token is not accepted: refresh once, then try once more.
    TokenRejected,
    /// The consent is over.
    ConsentEnded(&'static str),
    /// The grant or the app may not read this.
    Refused(Refusal),
    /// Too many requests.
    Throttled,
    /// The server or a proxy before it failed; the same may work later.
    ServerError,
    /// The resource type does not exist there.
    NotFound,
    /// The request will not work, today or tomorrow.
    Failed(&'static str),
    /// No request of this run will work before a setting is changed.
    Stop(&'static str),
}

/// Who does not let a resource type be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The patient does not share it, or shares nothing any more.
    Consent,
    /// The app is not registered for it.
    App,
    /// Not stated, or not by the server itself.
    Unexplained,
}

impl Refusal {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Refusal::Consent => "the consent does not include this resource type",
            Refusal::App => "the app is not registered for this resource type",
            Refusal::Unexplained => {
                "this resource type is refused (403), and not in the server's words for what a \
                 consent leaves out"
            }
        }
    }
}

/// Classifies by status, then by the body.
pub(crate) fn classify(status: u16, headers: &AnswerHeaders, body: &[u8]) -> AnswerClass {
    let says = |text: &str| {
        let searched = &body[..body.len().min(4096)];
        memchr::memmem::find(searched, text.as_bytes()).is_some()
    };
    match status {
        200 => AnswerClass::Body,
        300..400 => AnswerClass::Failed("a redirect, which is not followed: check source.base_url"),
        400 if says("startIndex") && says("result size") => AnswerClass::PastEnd,
        // What the proxy makes of a backend that is in trouble of its own.
        400 if says("An error occurred contacting the upstream server") => AnswerClass::ServerError,
        400 => match about_the_consent(status, headers, body) {
            ended @ AnswerClass::ConsentEnded(_) => ended,
            _ => AnswerClass::Failed("the server calls the request malformed"),
        },
        401 | 403 => about_the_consent(status, headers, body),
        404 if is_html(headers, body) => AnswerClass::Stop(
            "there is no such endpoint: check source.base_url, and whether the server has this api",
        ),
        404 | 410 => AnswerClass::NotFound,
        406 => AnswerClass::Failed("the server cannot answer in FHIR JSON"),
        408 | 425 => AnswerClass::ServerError,
        429 => AnswerClass::Throttled,
        501 => AnswerClass::Stop(
            "the server does not do this: a sandbox that replays has no recording of this \
             request; use the pipeline and options it was recorded with",
        ),
        500..600 => AnswerClass::ServerError,
        _ => AnswerClass::Failed("an unexpected status"),
    }
}

/// What a 401 or 403 says of the consent: one table for these and for the token endpoint.
fn about_the_consent(status: u16, headers: &AnswerHeaders, body: &[u8]) -> AnswerClass {
    let mut answer = read_error(body);
    answer.is_html = is_html(headers, body);
    let (meaning, reason) = claimlake_consent::classify(RequestKind::Data, status, &answer);
    match meaning {
        Meaning::NeedsConsent => AnswerClass::ConsentEnded(reason),
        Meaning::StopTheRun => AnswerClass::Stop(reason),
        Meaning::TokenRejected => AnswerClass::TokenRejected,
        Meaning::NotInConsent => AnswerClass::Refused(Refusal::Consent),
        Meaning::Forbidden => AnswerClass::Refused(Refusal::Unexplained),
        Meaning::NotInApp => AnswerClass::Refused(Refusal::App),
        _ => AnswerClass::ServerError,
    }
}

pub(crate) fn is_html(headers: &AnswerHeaders, body: &[u8]) -> bool {
    let by_type = headers
        .content_type
        .as_deref()
        .is_some_and(|content_type| content_type.trim_start().starts_with("text/html"));
    by_type || body.trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests;
