//! Tests of the table, with the answers the real authorization server was seen to give.

use super::{Asked, Meaning, classify};
use crate::answer::read_error;

/// Answers that no transcript holds: the same meaning in other clothes, and the same clothes with
/// another meaning.
#[test]
fn the_same_meaning_is_heard_in_every_form_of_answer() {
    use Asked::{Data, Exchange, Refresh};
    use Meaning::{
        CodeRefused, Denied, Forbidden, Later, NeedsConsent, NotInApp, NotInConsent, Refused,
        StopTheRun, TokenRejected, Unknown,
    };
    let outcome = |text: &str| {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"forbidden","details":{{"text":"{text}"}}}}]}}"#
        )
    };
    let timed_out = outcome("User access has timed out.");
    let no_permission = outcome("You do not have permission to perform this action.");
    let backend = outcome("certificate refused");
    for (asked, status, body, expected) in [
        // The consent is over: case, period, family of the body, status.
        (Refresh, 401, r#"{"error":"INVALID_GRANT"}"#, NeedsConsent),
        (
            Refresh,
            400,
            r#"{"error":" invalid_grant. "}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            403,
            r#"{"message":"user access  HAS timed out"}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            401,
            r#"{"detail":"User access cannot be found"}"#,
            NeedsConsent,
        ),
        (
            Refresh,
            400,
            r#"{"error_description":"REFRESH TOKEN NOT FOUND"}"#,
            NeedsConsent,
        ),
        (Refresh, 403, "User access has timed out.", NeedsConsent),
        (
            Refresh,
            403,
            r#"{"errors":["User access cannot be found."]}"#,
            NeedsConsent,
        ),
        (
            Data,
            401,
            r#"{"detail":"user access has timed out"}"#,
            NeedsConsent,
        ),
        (
            Data,
            403,
            r#"{"detail":"User access has timed out."}"#,
            NeedsConsent,
        ),
        (
            Data,
            400,
            r#"{"error":"User access cannot be found."}"#,
            NeedsConsent,
        ),
        (Data, 401, timed_out.as_str(), NeedsConsent),
        (Data, 403, timed_out.as_str(), NeedsConsent),
        // Not the consent, whatever it sounds like.
        (
            Refresh,
            408,
            r#"{"message":"Access to the upstream has timed out"}"#,
            Unknown,
        ),
        (
            Refresh,
            429,
            r#"{"message":"User access has timed out"}"#,
            Later,
        ),
        (
            Refresh,
            504,
            r#"{"message":"User access has timed out"}"#,
            Unknown,
        ),
        (
            Refresh,
            403,
            r#"{"message":"The request timed out"}"#,
            Unknown,
        ),
        (
            Refresh,
            403,
            "<html><body>User access has timed out</body></html>",
            Unknown,
        ),
        (
            Data,
            403,
            "<html><body>User access has timed out</body></html>",
            Unknown,
        ),
        (
            Data,
            401,
            "  <!DOCTYPE html><title>Sign in</title>",
            Unknown,
        ),
        // Denied without a reason.
        (
            Refresh,
            403,
            r#"{"status_code":403,"message":"Request denied."}"#,
            Denied,
        ),
        (Refresh, 403, r#"{"message":"REQUEST DENIED"}"#, Denied),
        (Refresh, 401, r#"{"detail":"Request denied"}"#, Denied),
        (Refresh, 400, "Request denied", Denied),
        (
            Refresh,
            403,
            r#"{"error":"access_denied","error_description":"Request denied"}"#,
            Denied,
        ),
        (Refresh, 403, "", Unknown),
        (Refresh, 403, "<html>Request denied</html>", Unknown),
        (Refresh, 503, r#"{"message":"Request denied"}"#, Unknown),
        // The app.
        (
            Refresh,
            403,
            r#"{"message":"This application, X, does not yet have access to v3 endpoints."}"#,
            StopTheRun,
        ),
        (
            Data,
            403,
            r#"{"detail":"This application, X, DOES NOT YET have access to V3 endpoints"}"#,
            StopTheRun,
        ),
        (
            Data,
            401,
            r#"{"detail":"This application, X, is temporarily inactive"}"#,
            StopTheRun,
        ),
        (
            Data,
            403,
            r#"{"detail":"This application, X, does not have access to make read calls for Patient resources."}"#,
            NotInApp,
        ),
        (
            Refresh,
            403,
            r#"{"message":"unable to verify permission."}"#,
            StopTheRun,
        ),
        // One resource type, or one token.
        (
            Data,
            403,
            r#"{"detail":"you do not have permission to perform this action"}"#,
            NotInConsent,
        ),
        (Data, 403, no_permission.as_str(), NotInConsent),
        (Data, 403, "", Forbidden),
        (Data, 403, r#"{"message":"Forbidden"}"#, Forbidden),
        (Data, 401, "", TokenRejected),
        (
            Data,
            401,
            r#"{"detail":"Authentication credentials were not provided"}"#,
            TokenRejected,
        ),
        (Data, 401, backend.as_str(), Unknown),
        // Scopes and codes.
        (
            Exchange,
            400,
            r#"{"status_code":400,"message":"Invalid scopes."}"#,
            Refused,
        ),
        (Exchange, 400, r#"{"error":"Invalid_Scope"}"#, Refused),
        (Exchange, 401, r#"{"error":"invalid_grant."}"#, CodeRefused),
        (
            Exchange,
            400,
            r#"{"error_description":"mismatching redirect URI"}"#,
            CodeRefused,
        ),
        (Exchange, 403, r#"{"message":"Request denied"}"#, Unknown),
    ] {
        let (meaning, reason) = classify(asked, status, &read_error(body.as_bytes()));
        assert_eq!(meaning, expected, "{asked:?} {status} {body}");
        assert!(!reason.is_empty());
    }
}

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
                assert!(crate::answer::read_tokens(body.as_bytes(), now).is_some());
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
                (true, "", 403) => Meaning::Denied,
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
