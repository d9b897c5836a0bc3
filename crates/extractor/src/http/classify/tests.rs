use super::super::client::AnswerHeaders;
use super::{AnswerClass, Refusal, classify};

fn json(status: u16, body: &str) -> AnswerClass {
    let headers = AnswerHeaders {
        content_type: Some("application/json".into()),
        ..AnswerHeaders::default()
    };
    classify(status, &headers, body.as_bytes())
}

#[test]
fn every_answer_the_server_is_known_to_give_is_classified() {
    let token = r#"{"detail":"Authentication credentials were not provided."}"#;
    let timed_out = r#"{"detail":"User access has timed out. To refresh Medicare data, end user must re-authenticate and consent."}"#;
    let inactive = r#"{"detail":"This application, X, is temporarily inactive."}"#;
    let permission = r#"{"detail":"You do not have permission to perform this action."}"#;
    let app_scope = r#"{"detail":"This application, X, does not have access to make search calls for Patient resources"}"#;
    let v3_gate = r#"{"detail":"This application, X, does not yet have access to v3 endpoints."}"#;
    let past_end = r#"{"detail":"An error occurred contacting the upstream server:Value for startIndex (50) must be less than than result size (42)"}"#;
    let parameter = r#"{"detail":"the type parameter value is not valid"}"#;
    let upstream = r#"{"detail":"A failure occurred contacting the upstream server"}"#;
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[]}"#;
    assert_eq!(json(200, "{}"), AnswerClass::Body);
    assert_eq!(json(400, past_end), AnswerClass::PastEnd);
    assert!(matches!(json(400, parameter), AnswerClass::Failed(_)));
    assert_eq!(json(401, token), AnswerClass::TokenRejected);
    assert!(matches!(json(401, timed_out), AnswerClass::ConsentEnded(_)));
    assert!(matches!(json(401, inactive), AnswerClass::Stop(_)));
    assert_eq!(
        json(403, permission),
        AnswerClass::Refused(Refusal::Consent)
    );
    for other in [
        r#"{"message":"Forbidden"}"#,
        r#"{"Message":"User is not authorized to access this resource"}"#,
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"Access denied"}]}"#,
        r#"{"detail":"CSRF Failed"}"#,
        "Forbidden",
        "{}",
        "",
    ] {
        let refused = AnswerClass::Refused(Refusal::Unexplained);
        assert_eq!(json(403, other), refused, "{other}");
    }
    assert_eq!(json(403, app_scope), AnswerClass::Refused(Refusal::App));
    assert!(matches!(json(403, v3_gate), AnswerClass::Stop(_)));
    assert_eq!(json(404, outcome), AnswerClass::NotFound);
    assert_eq!(
        json(404, r#"{"detail":"Not found."}"#),
        AnswerClass::NotFound
    );
    assert_eq!(json(410, outcome), AnswerClass::NotFound);
    assert!(matches!(json(302, ""), AnswerClass::Failed(_)));
    assert_eq!(json(429, "{}"), AnswerClass::Throttled);
    for status in [408, 500, 502, 503, 504] {
        assert_eq!(json(status, upstream), AnswerClass::ServerError, "{status}");
        assert_eq!(json(status, outcome), AnswerClass::ServerError, "{status}");
    }
}

#[test]
fn a_page_where_an_endpoint_is_due_stops_the_run() {
    let headers = AnswerHeaders {
        content_type: Some("text/html; charset=utf-8".into()),
        ..AnswerHeaders::default()
    };
    let class = classify(404, &headers, b"<!doctype html><title>Not Found</title>");
    assert!(matches!(class, AnswerClass::Stop(_)));
}

/// Status, a piece of the body, and the class: what exchanges with the real server held.
const RECORDED: &[(u64, &str, &str)] = &[
    (400, "startIndex (", "PastEnd"),
    (400, "startIndex cannot be negative", "ServerError"),
    (400, "contacting the upstream server", "ServerError"),
    (400, "", "Failed"),
    (401, "User access has timed out", "ConsentEnded"),
    (401, "temporarily inactive", "Stop"),
    (401, "OperationOutcome", "ServerError"),
    (401, "credentials were not provided", "TokenRejected"),
    (403, "does not yet have access to v3", "Stop"),
    (403, "permission to perform", "Refused"),
    (404, "<", "Stop"),
    (404, "(HTML", "Stop"),
    (404, "", "NotFound"),
    (406, "", "Failed"),
    (429, "", "Throttled"),
    (500, "Server Error (500)", "ServerError"),
    (502, "upstream server", "ServerError"),
];

#[test]
fn recorded_answers_of_the_real_server_are_classified_rightly() {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        eprintln!("skipped: CLAIMLAKE_SHARED does not name the folder with recorded exchanges");
        return;
    };
    let mut checked = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(std::path::Path::new(&shared).join("transcripts")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let transcript: serde_json::Value = serde_json::from_str(&text).unwrap();
        for exchange in transcript["exchanges"].as_array().unwrap() {
            let line = exchange["request"]["line"].as_str().unwrap();
            let is_data = ["Patient", "Coverage", "ExplanationOfBenefit", "Observation"]
                .iter()
                .any(|resource| line.contains(&format!("/fhir/{resource}")));
            if !line.starts_with("GET ") || !is_data {
                continue;
            }
            let response = &exchange["response"];
            let status = response["status"].as_u64().unwrap();
            let body = match &response["body"] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let is_html = body.starts_with("(HTML") || body.trim_start().starts_with('<');
            let headers = AnswerHeaders {
                content_type: is_html.then(|| "text/html; charset=utf-8".into()),
                ..AnswerHeaders::default()
            };
            let class = classify(status.try_into().unwrap(), &headers, body.as_bytes());
            let found = format!("{class:?}");
            let found = found.split('(').next().unwrap().to_owned();
            let expected = match status {
                200 => "Body",
                _ => {
                    let row = RECORDED
                        .iter()
                        .find(|(of, piece, _)| *of == status && body.contains(piece));
                    row.unwrap_or_else(|| panic!("no row for {status}")).2
                }
            };
            assert_eq!(found, expected, "{} {line}", path.display());
            *checked.entry(found).or_insert(0u32) += 1;
        }
    }
    assert_eq!(checked.len(), 10, "{checked:?}");
}
