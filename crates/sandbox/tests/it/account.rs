//! The sandbox's account of its clients, compression, and the rate limit.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::app::{small, started};
use crate::client::send;

#[test]
fn the_account_counts_by_route_and_patient_without_naming_ids() {
    let (sandbox, app) = started(small());
    let pair = app.grant(2, "BBUser00001");
    let id = pair.body["patient"].as_str().unwrap();
    app.get_as(&pair.access, &format!("/v2/fhir/Patient/{id}"));
    app.get_as(&pair.access, "/v2/fhir/Coverage");
    app.get_as(&pair.access, "/v2/fhir/Coverage?_count=1");
    app.refresh(2, &pair.refresh);
    app.refresh(2, &pair.refresh);
    let account = sandbox.account();
    assert_eq!(account.requests_to("GET /v2/fhir/Coverage"), 2);
    assert_eq!(account.requests_to("GET /v2/fhir/Patient/{id}"), 1);
    assert_eq!(account.requests_to("POST /v2/o/token"), 3);
    assert_eq!(account.refreshes(), 1);
    assert_eq!(account.refresh_tokens_reused(), 1);
    assert_eq!(account.leaked_tokens, 0);
    let patient = &account.patients["BBUser00001"];
    assert_eq!(patient.requests["GET /v2/fhir/Coverage"], 2);
    assert_eq!((patient.consents, patient.exchanges), (1, 1));
    assert_eq!((patient.refresh_attempts, patient.refreshes), (2, 1));
    assert_eq!(patient.refresh_tokens_reused, 1);
    let text = app.get("/_sandbox/account").text();
    assert!(text.contains("BBUser00001") && !text.contains(id));
}

#[test]
fn replies_carry_rate_limits_and_are_compressed_for_who_accepts_it() {
    let (_sandbox, app) = started(small());
    let pair = app.grant(2, "BBUser00000");
    let page = "/v2/fhir/ExplanationOfBenefit?_count=10";
    let plain = app.get_as(&pair.access, page);
    assert_eq!(plain.header("x-ratelimit-limit"), Some("100000"));
    assert_eq!(plain.header("content-encoding"), None);
    let bearer = format!("Bearer {}", pair.access);
    let headers = [
        ("authorization", &*bearer),
        ("accept-encoding", "gzip, deflate"),
    ];
    let packed = send(&app.base, "GET", page, &headers, b"").unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < plain.body.len() / 2);
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(packed.body.as_slice());
    decoder.read_to_string(&mut text).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bundle["total"], plain.at("/total"));
    let refused = app.get("/v2/fhir/Patient");
    assert_eq!(refused.header("x-ratelimit-limit"), Some("None"));
}

#[test]
fn a_rate_limit_by_token_says_how_long_to_wait() {
    let (_sandbox, app) = started(small());
    let token = app.grant(2, "BBUser00000").access;
    app.admin("settings", json!({"rate_limit": "2/minute"}));
    let answers = [(); 3].map(|()| app.get_as(&token, "/v2/fhir/Coverage"));
    assert_eq!(
        [&answers[0], &answers[1], &answers[2]].map(|answer| answer.status),
        [200, 200, 429]
    );
    let seconds: u32 = answers[2].header("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&seconds));
}
