use super::super::client::AnswerHeaders;
use super::{AnswerClass, classify};

fn classified(status: u16, content_type: &str, body: &str) -> AnswerClass {
    let headers = AnswerHeaders {
        content_type: Some(content_type.into()),
        ..AnswerHeaders::default()
    };
    classify(status, &headers, body.as_bytes())
}

/// The name of the class, with the refusal where it is one.
fn name(class: AnswerClass) -> String {
    match class {
        AnswerClass::Refused(refusal) => format!("Refused({refusal:?})"),
        class => format!("{class:?}").split('(').next().unwrap().to_owned(),
    }
}

#[test]
fn every_answer_the_server_is_known_to_give_is_classified() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[]}"#;
    let upstream = r#"{"detail":"A failure occurred contacting the upstream server"}"#;
    for (status, body, class) in [
        (200, "{}", "Body"),
        (
            400,
            r#"{"detail":"An error occurred contacting the upstream server:Value for startIndex (50) must be less than than result size (42)"}"#,
            "PastEnd",
        ),
        (
            400,
            r#"{"detail":"the type parameter value is not valid"}"#,
            "Failed",
        ),
        (
            401,
            r#"{"detail":"Authentication credentials were not provided."}"#,
            "TokenRejected",
        ),
        (
            401,
            r#"{"detail":"User access has timed out. To refresh Medicare data, end user must re-authenticate and consent."}"#,
            "ConsentEnded",
        ),
        (
            401,
            r#"{"detail":"This application, X, is temporarily inactive."}"#,
            "Stop",
        ),
        (
            403,
            r#"{"detail":"You do not have permission to perform this action."}"#,
            "Refused(Consent)",
        ),
        (403, r#"{"message":"Forbidden"}"#, "Refused(Unexplained)"),
        (
            403,
            r#"{"Message":"User is not authorized to access this resource"}"#,
            "Refused(Unexplained)",
        ),
        (
            403,
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"Access denied"}]}"#,
            "Refused(Unexplained)",
        ),
        (403, r#"{"detail":"CSRF Failed"}"#, "Refused(Unexplained)"),
        (403, "Forbidden", "Refused(Unexplained)"),
        (403, "{}", "Refused(Unexplained)"),
        (403, "", "Refused(Unexplained)"),
        (
            403,
            r#"{"detail":"This application, X, does not have access to make search calls for Patient resources"}"#,
            "Refused(App)",
        ),
        (
            403,
            r#"{"detail":"This application, X, does not yet have access to v3 endpoints."}"#,
            "Stop",
        ),
        (404, outcome, "NotFound"),
        (404, r#"{"detail":"Not found."}"#, "NotFound"),
        (410, outcome, "NotFound"),
        (302, "", "Failed"),
        (429, "{}", "Throttled"),
    ] {
        let found = name(classified(status, "application/json", body));
        assert_eq!(found, class, "{status} {body}");
    }
    for status in [408, 500, 502, 503, 504] {
        for body in [upstream, outcome] {
            let found = classified(status, "application/json", body);
            assert_eq!(found, AnswerClass::ServerError, "{status} {body}");
        }
    }
    // A page where an endpoint is due.
    let page = "<!doctype html><title>Not Found</title>";
    let found = classified(404, "text/html; charset=utf-8", page);
    assert_eq!(name(found), "Stop");
}

/// Status, a piece of the body, and the class: of recorded exchanges with the real server.
const RECORDED: &[(u64, &str, &str)] = &[
    (200, "", "Body"),
    (400, "startIndex (", "PastEnd"),
    (400, "startIndex cannot be negative", "ServerError"),
    (400, "contacting the upstream server", "ServerError"),
    (400, "", "Failed"),
    (401, "User access has timed out", "ConsentEnded"),
    (401, "temporarily inactive", "Stop"),
    (401, "OperationOutcome", "ServerError"),
    (401, "credentials were not provided", "TokenRejected"),
    (403, "does not yet have access to v3", "Stop"),
    (403, "permission to perform", "Refused(Consent)"),
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
            let content_type = if is_html {
                "text/html"
            } else {
                "application/json"
            };
            let found = name(classified(status.try_into().unwrap(), content_type, &body));
            let mut rows = RECORDED.iter();
            let row = rows.find(|(of, piece, _)| *of == status && body.contains(piece));
            let expected = row.unwrap_or_else(|| panic!("no row for {status}")).2;
            assert_eq!(found, expected, "{} {line}", path.display());
            *checked.entry(found).or_insert(0u32) += 1;
        }
    }
    assert_eq!(checked.len(), 10, "{checked:?}");
}
