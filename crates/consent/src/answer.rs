//! Reads the body of an answer of the token endpoint: tokens (RFC 6749, section 5.1) or an error
//! (section 5.2).
//!
//! The server's versions differ from each other and from the RFC: numbers as text or with a
//! fraction, two forms of dates, missing members. Everything is read leniently, because a response
//! that cannot be read may cost a consent: the refresh token in it is the only valid one.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use claimlake_contract::{PatientId, Secret};
use claimlake_vault::{Scopes, TokenPair};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroize;

/// The lifetime of an access token if the answer has no usable `expires_in`.
const USUAL_LIFE: TimeDelta = TimeDelta::seconds(3600);
/// The upper limit for `expires_in`. It keeps the computed end within the range of a date.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(366);
/// A grant that ends within this time after its access token counts as one-time. The two times are
/// computed from different clocks.
const ONE_TIME_SLACK: TimeDelta = TimeDelta::minutes(10);

/// Tokens and what came with them.
#[derive(Debug, Clone)]
pub(crate) struct TokenAnswer {
    /// The pair, with its dates by this machine's clock.
    pub(crate) tokens: TokenPair,
    /// The scopes that were granted; `None` if the answer does not name them, which means those
    /// that were requested (RFC 6749, section 5.1).
    pub(crate) scopes: Option<Scopes>,
    /// The patient id, an extension of Blue Button; `None` if the answer has none.
    pub(crate) patient: Option<PatientId>,
    /// The end of the consent, an extension of Blue Button; `None` if the answer has none, as for
    /// research apps.
    pub(crate) grant_expires_at: Option<DateTime<Utc>>,
}

impl TokenAnswer {
    /// Whether a grant ends with an access token, as for apps that may read each consent only once.
    /// False if one of the times is unknown: the refresh token is then simply tried.
    pub(crate) fn is_one_time(&self) -> bool {
        is_one_time(self.grant_expires_at, self.tokens.access_expires_at)
    }
}

/// Whether a grant ends with its access token: the server gives such grants to apps that may read
/// once.
pub(crate) fn is_one_time(
    grant_expires_at: Option<DateTime<Utc>>,
    access_expires_at: Option<DateTime<Utc>>,
) -> bool {
    match (grant_expires_at, access_expires_at) {
        (Some(grant), Some(access)) => grant <= access + ONE_TIME_SLACK,
        _ => false,
    }
}

/// The texts of an error response, in lower case. They are used only by [`crate::classify()`] and
/// never shown: an error body can contain anything.
#[derive(Debug, Clone, Default)]
pub struct ErrorAnswer {
    /// The member `error` (RFC 6749, section 5.2); empty if there is none.
    pub error: String,
    /// Every string value anywhere in the body, one per line.
    pub says: String,
    /// Whether the body is a web page, and so not from the API; its text is not read then.
    pub is_html: bool,
}

impl ErrorAnswer {
    /// Describes, for an error message, an answer that is not an OAuth response.
    pub(crate) fn unreadable(&self, status: u16) -> &'static str {
        match (self.is_html, self.says.is_empty() || status < 400) {
            (true, _) => {
                "a web page and no OAuth answer: a proxy, a captive portal or a maintenance page \
                 answers instead (check source.base_url and HTTPS_PROXY)"
            }
            (false, true) => "no OAuth answer",
            (false, false) => "the server failed",
        }
    }
}

/// The JSON of a successful answer. The two tokens are overwritten in memory when it is dropped.
#[derive(Deserialize)]
struct Wire {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    patient: Value,
    #[serde(default)]
    access_grant_expiration: Value,
}

/// Reads the body of a 200; `None` if it has no access token. `now` is the time at which the answer
/// arrived: both ends are computed with this machine's clock, so that a server clock that is wrong
/// does no harm.
pub(crate) fn read_tokens(body: &[u8], now: DateTime<Utc>) -> Option<TokenAnswer> {
    let mut wire: Wire = serde_json::from_slice(body).ok()?;
    let access_token = Secret::new(std::mem::take(&mut wire.access_token));
    let refresh_token = wire
        .refresh_token
        .take()
        .map(Secret::new)
        .filter(|token| !token.is_empty());
    if access_token.is_empty() {
        return None;
    }
    let answer = TokenAnswer {
        tokens: TokenPair {
            access_token: Some(access_token),
            access_issued_at: Some(now),
            access_expires_at: Some(now + life(&wire.expires_in)),
            refresh_token,
        },
        scopes: text(&wire.scope).map(|scope| Scopes::from(scope.as_str())),
        patient: text(&wire.patient).map(PatientId::new),
        grant_expires_at: text(&wire.access_grant_expiration).and_then(|text| instant(&text)),
    };
    Some(answer)
}

/// The most bytes of an error body that are read.
const LONGEST_ERROR: usize = 16 << 10;

/// Reads the body of an error: JSON in any of the server's forms (OAuth, Django REST framework,
/// FHIR OperationOutcome), or plain text. A web page is recognized and not read. Never fails: a
/// body that says nothing gives empty texts.
pub fn read_error(body: &[u8]) -> ErrorAnswer {
    let is_html = body.trim_ascii_start().starts_with(b"<");
    if is_html || body.len() > LONGEST_ERROR {
        return ErrorAnswer {
            is_html,
            ..ErrorAnswer::default()
        };
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return ErrorAnswer {
            says: plain(&String::from_utf8_lossy(body)),
            ..ErrorAnswer::default()
        };
    };
    let error = text(&value["error"]).map(|error| plain(&error));
    let mut says = String::new();
    collect(&value, &mut says);
    ErrorAnswer {
        error: error.unwrap_or_default().trim_end_matches('.').to_owned(),
        says,
        is_html,
    }
}

/// Appends every string below a value.
fn collect(value: &Value, says: &mut String) {
    match value {
        Value::String(text) => {
            says.push_str(&plain(text));
            says.push('\n');
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, says)),
        Value::Object(members) => members.values().for_each(|value| collect(value, says)),
        _ => {}
    }
}

/// A text in lower case, with runs of white space as one space, so that it can be compared.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// A string or a number as text; `None` for empty strings and other types.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Reads `expires_in` (seconds): `3600`, `3600.0` or `"3600"`. Fractions of a second are cut off.
fn life(expires_in: &Value) -> TimeDelta {
    text(expires_in)
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .map_or(USUAL_LIFE, |seconds| {
            // A float beyond the range saturates, and is cut by the longest life.
            TimeDelta::try_seconds(seconds as i64)
                .unwrap_or(LONGEST_LIFE)
                .min(LONGEST_LIFE)
        })
}

/// Reads `2027-12-23T17:01:45Z`, with any offset, or with a space instead of `T`, as older versions
/// of the server write it.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%d %H:%M:%S%.f")
                .map(|naive| naive.and_utc())
        })
        .ok()
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, TimeZone, Utc};

    use super::{read_error, read_tokens};

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 17, 0, 0).unwrap()
    }

    #[test]
    fn odd_forms_of_the_same_answer_mean_the_same() {
        for body in [
            r#"{"access_token":"a","expires_in":3600,"scope":"b a","refresh_token":"r","patient":"-20","access_grant_expiration":"2027-12-23T17:01:45Z"}"#,
            r#"{"access_token":"a","expires_in":3600.7,"scope":"a b","refresh_token":"r","patient":-20,"access_grant_expiration":"2027-12-23 17:01:45Z"}"#,
            r#"{"access_token":"a","expires_in":"3600","scope":" b  a ","refresh_token":"r","patient":"-20","access_grant_expiration":"2027-12-23T18:01:45+01:00"}"#,
            r#"{"access_token":"a","scope":"b a","refresh_token":"r","patient":"-20","access_grant_expiration":"2027-12-23T17:01:45Z","new":{}}"#,
        ] {
            let answer = read_tokens(body.as_bytes(), now()).unwrap();
            assert_eq!(
                answer.tokens.access_expires_at,
                Some(now() + TimeDelta::hours(1))
            );
            assert_eq!(answer.scopes.unwrap().to_string(), "a b");
            assert_eq!(answer.patient.unwrap().expose(), "-20");
            assert_eq!(
                answer.grant_expires_at,
                Some(Utc.with_ymd_and_hms(2027, 12, 23, 17, 1, 45).unwrap())
            );
        }
    }

    #[test]
    fn missing_and_empty_fields_are_left_open() {
        let body = r#"{"access_token":"a","expires_in":-1,"patient":"","access_grant_expiration":"","scope":null}"#;
        let answer = read_tokens(body.as_bytes(), now()).unwrap();
        assert!(answer.patient.is_none() && answer.grant_expires_at.is_none());
        assert!(answer.scopes.is_none() && answer.tokens.refresh_token.is_none());
        assert!(!answer.is_one_time());
    }

    #[test]
    fn a_grant_that_ends_with_its_access_token_is_one_time() {
        let body = r#"{"access_token":"a","expires_in":3600,"access_grant_expiration":"2026-11-23T18:00:00Z"}"#;
        assert!(read_tokens(body.as_bytes(), now()).unwrap().is_one_time());
    }

    #[test]
    fn what_is_no_token_answer_gives_nothing() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
        ] {
            assert!(read_tokens(body.as_bytes(), now()).is_none(), "{body}");
        }
        let page = read_error(b" <html>User access has timed out");
        assert!(page.is_html && page.error.is_empty() && page.says.is_empty());
        assert!(read_error(br#"{"error":{"a":1}}"#).error.is_empty());
    }
}
