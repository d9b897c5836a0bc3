//! What the token endpoint answered, read leniently: numbers as text or floats, scopes in any
//! order, dates in two forms, fields missing.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use claimlake_contract::{PatientId, Secret};
use claimlake_vault::{Scopes, TokenPair};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroize;

/// What the endpoint says where it does not tell how long an access token lives.
const USUAL_LIFE: TimeDelta = TimeDelta::seconds(3600);
/// No access token lives longer than this, whatever a number says.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(366);
/// A grant that ends with its access token, give or take this, is a one-time grant.
const ONE_TIME_SLACK: TimeDelta = TimeDelta::minutes(10);

/// Tokens and what came with them.
#[derive(Debug, Clone)]
pub(crate) struct TokenAnswer {
    /// The pair, with its dates by this machine's clock.
    pub(crate) tokens: TokenPair,
    /// What was granted, where it was named (RFC 6749, section 5.1).
    pub(crate) scopes: Option<Scopes>,
    /// The patient id, where it was named (an extension of Blue Button).
    pub(crate) patient: Option<PatientId>,
    /// The end of the consent, where it was named.
    pub(crate) grant_expires_at: Option<DateTime<Utc>>,
}

impl TokenAnswer {
    /// Whether the grant ends with its first access token.
    pub(crate) fn is_one_time(&self) -> bool {
        is_one_time(self.grant_expires_at, self.tokens.access_expires_at)
    }
}

/// Whether a grant ends with an access token: what the server gives to apps that may read once.
pub(crate) fn is_one_time(
    grant_expires_at: Option<DateTime<Utc>>,
    access_expires_at: Option<DateTime<Utc>>,
) -> bool {
    match (grant_expires_at, access_expires_at) {
        (Some(grant), Some(access)) => grant <= access + ONE_TIME_SLACK,
        _ => false,
    }
}

/// What an answer says about an error, in lower case; nothing of it is shown but through the
/// classification.
#[derive(Debug, Clone, Default)]
pub struct ErrorAnswer {
    /// The member `error`, empty where there is none.
    pub error: String,
    /// Every text in the body, one a line.
    pub says: String,
    /// Whether it is a page and no answer of the API: it says nothing then.
    pub is_html: bool,
}

impl ErrorAnswer {
    /// What an answer is that says nothing an OAuth client can use.
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

/// The body of a 200 (RFC 6749, section 5.1), as leniently as it is sent.
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

/// Reads a 200 of the token endpoint; none where it holds no access token.
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

/// The most of an error's body that is read.
const LONGEST_ERROR: usize = 16 << 10;

/// Reads whatever came with an error: an object of any of the server's families, with its texts
/// wherever they are, or plain text. Of a page nothing is read.
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

/// Every text below a value.
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

/// In lower case, with single spaces.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Text or a number as text; `None` where there is none.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// `3600`, `3600.0`, `"3600"`; a whole second less than said is nothing to anyone.
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

/// `2027-12-23T17:01:45Z`, also with an offset, or with a space as older servers write it.
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
