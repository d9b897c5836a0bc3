//! Tests of the table, with the answers the real authorization server was seen to give.

use super::{Asked, Meaning, classify};
use crate::oauth::answer::read_error;

#[test]
fn every_documented_answer_has_its_meaning() {
    use Asked::{Exchange, Refresh};
    use Meaning::{CodeRefused, Denied, Later, NeedsConsent, Refused, StopTheRun, Unknown};
    for (asked, status, body, expected) in [
        (Refresh, 400, r#"{"error":"invalid_grant"}"#, NeedsConsent),
        (
            Refresh,
            401,
            r#"{"error":"invalid_grant","error_description":"User access has timed out. To refresh…"}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            403,
            r#"{"error":"invalid_grant","error_description":"User access cannot be found. …"}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            400,
            r#"{"error":"invalid_request","error_description":"Refresh token not found."}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            403,
            r#"{"error":"invalid_client","error_description":"Your application is not allowed to refresh tokens. …"}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            403,
            r#"{"status_code":403,"message":"Request denied"}"#,
            Denied,
        ),
        (Exchange, 400, r#"{"error":"invalid_grant"}"#, CodeRefused),
        (
            Exchange,
            400,
            r#"{"error":"invalid_request","error_description":"Mismatching redirect URI."}"#,
            CodeRefused,
        ),
        (
            Exchange,
            400,
            r#"{"error":"invalid_request","error_description":"Code verifier required."}"#,
            Refused,
        ),
        (Refresh, 401, r#"{"error":"invalid_client"}"#, StopTheRun),
        (
            Exchange,
            401,
            r#"{"error":"invalid_client","error_description":"App id failed"}"#,
            StopTheRun,
        ),
        (
            Refresh,
            400,
            r#"{"error":"invalid_client","error_description":"Application does not exist (client_id)"}"#,
            StopTheRun,
        ),
        (
            Refresh,
            403,
            r#"{"error":"invalid_client","error_description":"This application, X, is temporarily inactive. …"}"#,
            StopTheRun,
        ),
        (
            Refresh,
            400,
            r#"{"error":"invalid_request","error_description":"Token does not match client_id"}"#,
            Refused,
        ),
        (Refresh, 400, r#"{"error":"invalid_scope"}"#, Refused),
        (
            Refresh,
            400,
            r#"{"error":"unsupported_grant_type"}"#,
            Refused,
        ),
        (Refresh, 405, "", Refused),
        (Refresh, 301, "", Refused),
        (Refresh, 429, "", Later),
        (
            Refresh,
            502,
            r#"{"status_code":502,"message":"Failed to retrieve data from data source."}"#,
            Unknown,
        ),
        (
            Refresh,
            404,
            r#"{"status_code":404,"message":"Not found."}"#,
            Unknown,
        ),
        (
            Refresh,
            504,
            r#"{"message":"The gateway has timed out"}"#,
            Unknown,
        ),
        (Refresh, 200, "<html>", Unknown),
        (Refresh, 403, "<html>", Unknown),
    ] {
        let (meaning, reason) = classify(asked, status, &read_error(body.as_bytes()));
        assert_eq!(meaning, expected, "{status} {body}");
        assert!(!reason.is_empty());
    }
}

/// Every answer of the recorded token endpoint: what ends a grant in the recordings is exactly
/// what ends it here.
#[test]
fn every_recorded_answer_is_classified_as_documented() {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        println!("SKIPPED: CLAIMLAKE_SHARED is not set, no recorded answers to read");
        return;
    };
    let folder = std::path::Path::new(&shared).join("transcripts");
    let mut seen = std::collections::BTreeMap::<(u16, String), usize>::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let scenario: serde_json::Value = serde_json::from_str(&text).unwrap();
        for exchange in scenario["exchanges"].as_array().unwrap() {
            let request = &exchange["request"];
            let line = request["line"].as_str().unwrap();
            let sent = request["body"].as_str().unwrap_or_default();
            if !line.starts_with("POST") || !line.contains("/o/token") {
                continue;
            }
            let refresh = sent.contains("grant_type=refresh_token");
            let status = u16::try_from(exchange["response"]["status"].as_u64().unwrap()).unwrap();
            let body = exchange["response"]["body"].to_string();
            if status == 200 {
                let now = chrono::Utc::now();
                assert!(crate::oauth::answer::read_tokens(body.as_bytes(), now).is_some());
                continue;
            }
            let asked = if refresh {
                Asked::Refresh
            } else {
                Asked::Exchange
            };
            let (meaning, _) = classify(asked, status, &read_error(body.as_bytes()));
            let answer = &exchange["response"]["body"];
            let error = answer["error"].as_str().unwrap_or_default();
            let says = answer["error_description"].as_str().unwrap_or_default();
            let expected = match (refresh, error, status) {
                (true, "invalid_grant", _) => Meaning::NeedsConsent,
                (false, "invalid_grant", _) => Meaning::CodeRefused,
                (true, "invalid_client", 403) if says.contains("not allowed to refresh") => {
                    Meaning::NeedsConsent
                }
                (_, "invalid_client", _) => Meaning::StopTheRun,
                (true, "invalid_request", _) if says == "Refresh token not found." => {
                    Meaning::NeedsConsent
                }
                (false, "invalid_request", _) if says.starts_with("Mismatching") => {
                    Meaning::CodeRefused
                }
                (_, "", 403) => Meaning::Denied,
                (_, _, 500..) => Meaning::Unknown,
                (_, "invalid_request" | "invalid_scope" | "unsupported_grant_type", _) => {
                    Meaning::Refused
                }
                other => panic!("an answer nobody has thought about: {other:?}"),
            };
            assert_eq!(meaning, expected, "{status} {error} {says}");
            *seen.entry((status, error.to_owned())).or_default() += 1;
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}
