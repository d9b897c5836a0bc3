//! Each fault, shown by what one client sees of it.

use std::time::Instant;

use claimlake_sandbox::{Sandbox, SandboxConfig};
use serde_json::Value;

use crate::client::{Answer, get_as, send, try_get_as};
use crate::grant::{App, Pair};
use crate::happy::{ids, link, small, started};

const V2_PAGE: &str = "/v2/fhir/ExplanationOfBenefit?_count=5";
const V3_PAGE: &str = "/v3/fhir/ExplanationOfBenefit?_count=5";

/// A sandbox, a grant for both versions, and only then the fault.
fn struck(fault: &str) -> (Sandbox, App, Pair) {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let pair = app.grant(3, "BBUser00001");
    sandbox.set_faults(vec![fault.parse().unwrap()]);
    (sandbox, app, pair)
}

fn first_answer(fault: &str, target: &str) -> Answer {
    let (sandbox, _, pair) = struck(fault);
    get_as(sandbox.url(), target, &pair.access)
}

#[test]
fn too_many_requests_come_with_each_form_of_retry_after_and_without() {
    let wait = |fault: &str| {
        let answer = first_answer(fault, V2_PAGE);
        assert_eq!(answer.status, 429);
        let text = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(text.starts_with("Request was throttled."), "{text}");
        answer.header("retry-after").map(str::to_owned)
    };
    assert_eq!(wait("429:retry-after=7").as_deref(), Some("7"));
    assert_eq!(wait("429:retry-after=day").as_deref(), Some("86400"));
    assert_eq!(wait("429:retry-after=none"), None);
    let date = wait("429:retry-after=date").unwrap();
    chrono::DateTime::parse_from_rfc2822(&date).expect("an HTTP date");
    assert!(date.ends_with(" GMT"), "{date}");
}

#[test]
fn requests_beyond_a_limit_by_the_second_are_refused() {
    let (sandbox, _, pair) = struck("rps:limit=3");
    let statuses: Vec<u16> = (0..5)
        .map(|_| get_as(sandbox.url(), "/v2/fhir/Coverage", &pair.access).status)
        .collect();
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses[3..].contains(&429), "{statuses:?}");
}

#[test]
fn server_errors_have_the_bodies_of_the_real_ones() {
    let body = |fault: &str, target: &str| {
        let answer = first_answer(fault, target);
        (answer.status, answer.json())
    };
    let (status, text) = body("500", V2_PAGE);
    assert_eq!(
        (status, &text["error"]),
        (500, &Value::from("Server Error (500)"))
    );
    let (status, text) = body("502", V2_PAGE);
    let failure = Value::from("A failure occurred contacting the upstream server");
    assert_eq!((status, &text["detail"]), (502, &failure));
    let (status, text) = body("503", V3_PAGE);
    assert_eq!(
        (status, &text["resourceType"]),
        (503, &Value::from("OperationOutcome"))
    );
    assert_eq!(body("504", V2_PAGE).0, 504);
    assert_eq!(first_answer("503", V2_PAGE).status, 503);
    let (status, text) = body("backend:status=404", V2_PAGE);
    assert_eq!((status, &text["detail"]), (404, &Value::from("Not found.")));
}

#[test]
fn an_html_page_stands_where_json_is_due() {
    for (fault, status) in [("html", 502), ("html:status=200", 200)] {
        let answer = first_answer(fault, V2_PAGE);
        assert_eq!(answer.status, status);
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        assert!(answer.text().contains("<html>"));
    }
}

#[test]
fn a_slow_answer_begins_late_and_a_slow_body_ends_late() {
    for fault in ["slow:ms=300", "slow-body:ms=400"] {
        let (sandbox, _, pair) = struck(fault);
        let began = Instant::now();
        let answer = get_as(sandbox.url(), V2_PAGE, &pair.access);
        assert!(began.elapsed().as_millis() >= 290, "{fault}");
        assert_eq!(answer.status, 200);
        assert_eq!(ids(&answer.json()).len(), 5);
    }
}

#[test]
fn a_request_that_hangs_does_not_hold_up_the_others() {
    let (sandbox, app, pair) = struck("hang:count=1");
    let base = sandbox.url().to_owned();
    let access = pair.access.clone();
    let hanging = std::thread::spawn(move || try_get_as(&base, V2_PAGE, &access));
    while sandbox.account().faults.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &pair.access).status, 200);
    assert_eq!(app.refresh(2, &pair.refresh).status, 200);
    drop(sandbox);
    assert!(hanging.join().unwrap().is_none());
}

#[test]
fn a_dropped_connection_has_no_answer_and_a_cut_body_has_half_of_one() {
    let (sandbox, _, pair) = struck("drop:count=1");
    assert!(try_get_as(sandbox.url(), V2_PAGE, &pair.access).is_none());
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &pair.access).status, 200);
    let answer = first_answer("cut", V2_PAGE);
    assert_eq!(answer.status, 200);
    assert!(answer.cut);
    assert!(!answer.body.is_empty());
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
}

#[test]
fn success_may_carry_an_operation_outcome_or_an_empty_bundle() {
    let outcome = first_answer("outcome", V2_PAGE);
    assert_eq!(outcome.status, 200);
    assert_eq!(outcome.json()["resourceType"], "OperationOutcome");
    let empty = first_answer("empty", V2_PAGE);
    assert_eq!(empty.status, 200);
    assert_eq!(empty.json()["total"], 0);
    assert!(empty.json().get("entry").is_none());
}

#[test]
fn a_refresh_whose_answer_is_lost_has_rotated_all_the_same() {
    for fault in ["rotate-then-502", "rotate-then-drop"] {
        for version in [2, 3] {
            let (sandbox, app, pair) = struck(fault);
            match app.try_refresh(version, &pair.refresh) {
                Some(answer) => assert_eq!((answer.status, fault), (502, "rotate-then-502")),
                None => assert_eq!(fault, "rotate-then-drop"),
            }
            sandbox.set_faults(Vec::new());
            assert_eq!(get_as(sandbox.url(), V2_PAGE, &pair.access).status, 401);
            let again = app.refresh(version, &pair.refresh);
            assert_eq!(
                (again.status, again.json()["error"].as_str()),
                (400, Some("invalid_grant"))
            );
            let person = &sandbox.account().people["BBUser00001"];
            assert_eq!(
                (person.refreshes_lost, person.refresh_tokens_reused),
                (1, 1)
            );
        }
    }
}

#[test]
fn the_set_of_claims_may_change_between_two_pages() {
    for (fault, change) in [("drift-insert", 1), ("drift-delete", -1)] {
        let (sandbox, _, pair) = struck(&format!("{fault}:count=1"));
        let total = |target: &str| {
            let bundle = get_as(sandbox.url(), target, &pair.access).json();
            bundle["total"].as_i64().unwrap()
        };
        let before = total(V2_PAGE);
        assert_eq!(total(V2_PAGE), before, "the first page is not struck");
        assert_eq!(total(&format!("{V2_PAGE}&startIndex=5")), before + change);
    }
    let (sandbox, _, pair) = struck("weekly-load:count=1");
    let updated = |target: &str| {
        let bundle = get_as(sandbox.url(), target, &pair.access).json();
        bundle["meta"]["lastUpdated"].as_str().unwrap().to_owned()
    };
    let before = updated(V2_PAGE);
    assert!(updated(&format!("{V2_PAGE}&startIndex=5")) > before);
}

#[test]
fn a_next_link_may_leave_the_origin_in_three_ways_and_a_follower_is_caught() {
    for (form, is_away) in [
        ("origin", None),
        ("userinfo", Some("@")),
        ("suffix", Some(".evil.example")),
    ] {
        let (sandbox, _, pair) = struck(&format!("next-foreign:form={form}"));
        let bundle = get_as(sandbox.url(), V2_PAGE, &pair.access).json();
        let next = link(&bundle, "next").unwrap();
        match is_away {
            None => {
                let rest = next
                    .strip_prefix(sandbox.foreign_url())
                    .expect("the foreign origin");
                let answer = get_as(sandbox.foreign_url(), rest, &pair.access);
                assert_eq!(answer.status, 200);
                let account = sandbox.account();
                assert_eq!((account.foreign_requests, account.leaked_tokens), (1, 1));
            }
            Some(mark) => {
                let rest = next
                    .strip_prefix(sandbox.url())
                    .expect("begins with the base");
                assert!(rest.starts_with(mark), "{rest}");
                let own = url::Url::parse(sandbox.url()).unwrap().origin();
                assert!(url::Url::parse(&next).map_or(true, |next| next.origin() != own));
            }
        }
    }
}

#[test]
fn a_next_link_may_lead_to_its_own_page_forever() {
    for target in [V2_PAGE, V3_PAGE] {
        let (sandbox, _, pair) = struck("next-loop");
        let first = get_as(sandbox.url(), target, &pair.access).json();
        let next = link(&first, "next").unwrap();
        let next = next.strip_prefix(sandbox.url()).unwrap();
        let second = get_as(sandbox.url(), next, &pair.access).json();
        assert_eq!(ids(&first), ids(&second));
    }
}

#[test]
fn tokens_may_expire_early_be_revoked_or_live_a_second() {
    let (sandbox, app, pair) = struck("expired-token:count=1");
    let refused = get_as(sandbox.url(), V2_PAGE, &pair.access);
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .contains("has expired")
    );
    let fresh = crate::grant::pair(&app.refresh(2, &pair.refresh));
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &fresh.access).status, 200);

    let (sandbox, app, pair) = struck("revoked-token:count=1");
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &pair.access).status, 401);
    let refused = app.refresh(2, &pair.refresh);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("User access cannot be found"));

    let (sandbox, app, pair) = struck("token-seconds:seconds=2");
    let short = crate::grant::pair(&app.refresh(2, &pair.refresh));
    assert_eq!(short.body["expires_in"], 2);
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &short.access).status, 200);
    sandbox.advance_clock(chrono::TimeDelta::seconds(2));
    assert_eq!(get_as(sandbox.url(), V2_PAGE, &short.access).status, 401);
}

#[test]
fn a_resource_of_somebody_else_may_be_on_the_page() {
    let (sandbox, _, pair) = struck("foreign-patient");
    let bundle = get_as(sandbox.url(), V2_PAGE, &pair.access).json();
    let own = format!(
        "Patient/{}",
        sandbox.truth(claimlake_contract::ApiVersion::V2)[1].patient
    );
    let foreign = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["resource"]["patient"]["reference"] != *own)
        .count();
    assert_eq!(foreign, 1);
}

#[test]
fn faults_can_be_changed_asked_for_and_refused_by_the_admin_route() {
    let sandbox = started(SandboxConfig {
        faults: vec!["503:patient=BBUser00000".parse().unwrap()],
        ..small()
    });
    let base = sandbox.url();
    let set = |body: Value| crate::client::post_json(base, "/_sandbox/faults", &body);
    let shown = crate::client::get(base, "/_sandbox/faults").json();
    assert_eq!(shown["faults"][0], "503:patient=BBUser00000");
    let refused = set(serde_json::json!(["flood"]));
    assert_eq!(refused.status, 400);
    assert!(
        refused
            .text()
            .contains("unknown fault 'flood'; known are 429")
    );
    assert_eq!(set(serde_json::json!([])).status, 200);
    assert_eq!(
        crate::client::get(base, "/_sandbox/faults").json()["faults"],
        serde_json::json!([])
    );
    let broken = send(base, "POST", "/_sandbox/faults", &[], b"{").unwrap();
    assert_eq!(broken.status, 400);
}

#[test]
fn a_crosswalk_conflict_is_answered_409_at_the_login() {
    let sandbox = started(SandboxConfig {
        faults: vec!["backend:status=409,only=login".parse().unwrap()],
        ..small()
    });
    let next = "/mymedicare/login?next=%2Fv2%2Fo%2Fauthorize%2F";
    let answer = crate::client::get(sandbox.url(), next);
    assert_eq!(answer.status, 409);
    assert!(answer.json()["error"].is_string());
}

#[test]
fn a_body_that_breaks_off_is_a_bad_request_and_one_too_large_is_named_so() {
    use std::io::{Read as _, Write as _};
    let sandbox = started(small());
    let host = sandbox.url().strip_prefix("http://").unwrap();
    for (head, expected) in [
        ("content-length: 100\r\n\r\nshort", "HTTP/1.1 400"),
        ("transfer-encoding: chunked\r\n\r\nnone\r\n", "HTTP/1.1 400"),
        ("content-length: 9000000\r\n\r\n", "HTTP/1.1 413"),
    ] {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let request = format!("POST /v2/o/token/ HTTP/1.1\r\nhost: {host}\r\n{head}");
        stream.write_all(request.as_bytes()).unwrap();
        if expected.ends_with("413") {
            stream.write_all(&vec![b'a'; 2 * 1024 * 1024]).ok();
        }
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(expected), "{head}: {answer}");
    }
}
