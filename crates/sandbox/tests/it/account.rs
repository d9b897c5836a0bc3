//! The sandbox's account of its clients, and what every reply carries.

use std::io::Read as _;

use crate::client::{get, get_as, post_json, send};
use crate::grant::App;
use crate::happy::{small, started};

#[test]
fn the_account_counts_by_route_and_person_without_naming_ids() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let pair = app.grant(2, "BBUser00001");
    let id = pair.body["patient"].as_str().unwrap().to_owned();
    get_as(
        sandbox.url(),
        &format!("/v2/fhir/Patient/{id}"),
        &pair.access,
    );
    get_as(sandbox.url(), "/v2/fhir/Coverage", &pair.access);
    get_as(sandbox.url(), "/v2/fhir/Coverage?_count=1", &pair.access);
    app.refresh(2, &pair.refresh);
    app.refresh(2, &pair.refresh);
    let account = sandbox.account();
    assert_eq!(account.requests_to("GET /v2/fhir/Coverage"), 2);
    assert_eq!(account.requests_to("GET /v2/fhir/Patient/{id}"), 1);
    assert_eq!(account.requests_to("POST /v2/o/token"), 3);
    let person = &account.people["BBUser00001"];
    assert_eq!(person.requests["GET /v2/fhir/Coverage"], 2);
    assert_eq!((person.consents, person.exchanges), (1, 1));
    assert_eq!(
        (
            person.refresh_attempts,
            person.refreshes,
            person.refresh_tokens_reused
        ),
        (2, 1, 1)
    );
    assert_eq!(
        (account.refreshes(), account.refresh_tokens_reused()),
        (1, 1)
    );
    assert_eq!(account.leaked_tokens, 0);
    let text = get(sandbox.url(), "/_sandbox/account").text();
    assert!(text.contains("BBUser00001") && !text.contains(&id));
}

#[test]
fn replies_carry_rate_limits_and_are_compressed_for_who_accepts_it() {
    let sandbox = started(small());
    let pair = App::of(&sandbox).grant(2, "BBUser00000");
    let page = "/v2/fhir/ExplanationOfBenefit?_count=10";
    let plain = get_as(sandbox.url(), page, &pair.access);
    assert_eq!(plain.header("x-ratelimit-limit"), Some("100000"));
    assert_eq!(plain.header("content-encoding"), None);
    let bearer = format!("Bearer {}", pair.access);
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept-encoding", "gzip, deflate"),
    ];
    let packed = send(sandbox.url(), "GET", page, &headers, b"").unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < plain.body.len() / 2);
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bundle["total"], plain.json()["total"]);
    let refused = get(sandbox.url(), "/v2/fhir/Patient");
    assert_eq!(refused.header("x-ratelimit-limit"), Some("None"));
}

#[test]
fn a_rate_limit_by_token_tells_how_long_to_wait() {
    let sandbox = started(small());
    let pair = App::of(&sandbox).grant(2, "BBUser00000");
    let body = serde_json::json!({"rate_limit": "2/minute"});
    post_json(sandbox.url(), "/_sandbox/settings", &body);
    let ask = || get_as(sandbox.url(), "/v2/fhir/Coverage", &pair.access);
    assert_eq!([ask().status, ask().status], [200, 200]);
    let refused = ask();
    assert_eq!(refused.status, 429);
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&seconds));
}

#[test]
fn malformed_requests_are_answered_and_never_end_the_sandbox() {
    let sandbox = started(small());
    let long = "x".repeat(3000);
    for (method, target, headers, body) in [
        (
            "GET",
            "/v2/o/authorize/?client_id=%FF%FE&state=%",
            vec![],
            &b""[..],
        ),
        (
            "POST",
            "/v2/o/token/",
            vec![("content-type", "multipart/form-data")],
            b"--\r\n\r\n",
        ),
        (
            "POST",
            "/v2/o/token/",
            vec![("authorization", "Basic !!!")],
            b"\xff\xff",
        ),
        (
            "POST",
            "/sso/login",
            vec![("content-type", "application/x-www-form-urlencoded")],
            b"relay=1",
        ),
        (
            "GET",
            "/mymedicare/sls-callback?req_token=%00&relay=%00",
            vec![],
            b"",
        ),
        (
            "GET",
            "/v2/fhir/ExplanationOfBenefit?_count=99999999999999999999",
            vec![],
            b"",
        ),
        (
            "PATCH",
            "/v2/fhir/Patient",
            vec![("authorization", "Bearer")],
            b"{}",
        ),
        ("OPTIONS", "/v2/fhir/Patient", vec![("accept", ";;;,")], b""),
        (
            "GET",
            "/v2/o/authorize/%2e%2e/",
            vec![("cookie", "sessionid=; =;")],
            b"",
        ),
        (
            "POST",
            "/_sandbox/clock",
            vec![],
            b"{\"advance_seconds\":1e400}",
        ),
        ("GET", &format!("/{long}"), vec![], b""),
    ] {
        let answer = send(sandbox.url(), method, target, &headers, body);
        let status = answer.expect(target).status;
        assert!((200..500).contains(&status), "{method} {target}: {status}");
    }
    assert_eq!(get(sandbox.url(), "/health").status, 200);
}
