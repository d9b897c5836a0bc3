//! Tests of the table, with the answers the real authorization server was seen to give.

use super::{Meaning, RequestKind, classify};
use crate::answer::read_error;

#[test]
fn every_form_of_answer_has_its_meaning() {
    let rows = include_str!("answers.txt").lines();
    let rows: Vec<&str> = rows
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
        .collect();
    assert_eq!(rows.len(), 68);
    for row in rows {
        let mut columns = row.splitn(4, ' ');
        let mut column = || columns.next().unwrap_or_default();
        let (asked, status, meaning, body) = (column(), column(), column(), column());
        let asked = [
            RequestKind::Refresh,
            RequestKind::Exchange,
            RequestKind::Data,
        ]
        .into_iter()
        .find(|known| format!("{known:?}") == asked);
        let answer = read_error(body.as_bytes());
        let (found, reason) = classify(asked.unwrap(), status.parse().unwrap(), &answer);
        assert_eq!(format!("{found:?}"), meaning, "{row}");
        assert!(!reason.is_empty(), "{row}");
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
                RequestKind::Refresh
            } else {
                RequestKind::Exchange
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
