use super::super::client::AnswerHeaders;
use super::{Verdict, classify};

fn json(status: u16, body: &str) -> Verdict {
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
    assert_eq!(json(200, "{}"), Verdict::Body);
    assert_eq!(json(400, past_end), Verdict::PastEnd);
    assert!(matches!(json(400, parameter), Verdict::Failed(_)));
    assert_eq!(json(401, token), Verdict::TokenRejected);
    assert_eq!(json(401, timed_out), Verdict::ConsentEnded);
    assert!(matches!(json(401, inactive), Verdict::Stop(_)));
    assert!(matches!(json(403, permission), Verdict::Refused(_)));
    assert!(matches!(json(403, app_scope), Verdict::Refused(_)));
    assert!(matches!(json(403, v3_gate), Verdict::Stop(_)));
    assert!(matches!(json(404, outcome), Verdict::Failed(_)));
    assert!(matches!(json(302, ""), Verdict::Failed(_)));
    assert_eq!(json(429, "{}"), Verdict::Throttled);
    for status in [408, 500, 502, 503, 504] {
        assert_eq!(json(status, upstream), Verdict::ServerError, "{status}");
        assert_eq!(json(status, outcome), Verdict::ServerError, "{status}");
    }
}

#[test]
fn a_page_where_an_endpoint_is_due_stops_the_run() {
    let headers = AnswerHeaders {
        content_type: Some("text/html; charset=utf-8".into()),
        ..AnswerHeaders::default()
    };
    let verdict = classify(404, &headers, b"<!doctype html><title>Not Found</title>");
    assert!(matches!(verdict, Verdict::Stop(_)));
}
