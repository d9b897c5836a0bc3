//! Each fault, shown by what one client sees of it.

use std::time::Instant;

use claimlake_contract::ApiVersion;
use claimlake_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};

use crate::app::{App, Pair, small, started};
use crate::client::{Answer, send};

const V2_PAGE: &str = "/v2/fhir/ExplanationOfBenefit?_count=5";
const V3_PAGE: &str = "/v3/fhir/ExplanationOfBenefit?_count=5";

/// A grant for both versions, and only then the fault.
struct WithFault {
    sandbox: Sandbox,
    app: App,
    pair: Pair,
}

impl WithFault {
    fn by(fault: &str) -> Self {
        let (sandbox, app) = started(small());
        let pair = app.grant(3, "BBUser00001");
        sandbox.set_faults(vec![fault.parse().unwrap()]);
        Self { sandbox, app, pair }
    }

    fn get(&self, target: &str) -> Answer {
        self.app.get_as(&self.pair.access, target)
    }
}

fn first_answer(fault: &str, target: &str) -> Answer {
    WithFault::by(fault).get(target)
}

#[test]
fn too_many_requests_come_with_each_form_of_retry_after_and_without() {
    let wait = |fault: &str| {
        let answer = first_answer(fault, V2_PAGE);
        assert_eq!(answer.status, 429);
        assert!(answer.text().contains(":\"Request was throttled."));
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
    let injected = WithFault::by("rps:limit=3");
    let statuses = [(); 5].map(|()| injected.get("/v2/fhir/Coverage").status);
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses[3..].contains(&429), "{statuses:?}");
}

#[test]
fn whatever_answers_in_place_of_a_page_has_the_form_of_the_real_one() {
    let upstream = "A failure occurred contacting the upstream server";
    for (fault, target, status, pointer, expected) in [
        ("500", V2_PAGE, 500, "/error", json!("Server Error (500)")),
        ("502", V2_PAGE, 502, "/detail", json!(upstream)),
        (
            "503",
            V3_PAGE,
            503,
            "/resourceType",
            json!("OperationOutcome"),
        ),
        ("504", V2_PAGE, 504, "/code", json!(504)),
        (
            "backend:status=404",
            V2_PAGE,
            404,
            "/detail",
            json!("Not found."),
        ),
        (
            "outcome",
            V2_PAGE,
            200,
            "/resourceType",
            json!("OperationOutcome"),
        ),
        ("empty", V2_PAGE, 200, "/total", json!(0)),
        ("empty", V2_PAGE, 200, "/entry", Value::Null),
    ] {
        let answer = first_answer(fault, target);
        assert_eq!(
            (answer.status, answer.at(pointer)),
            (status, expected),
            "{fault}"
        );
    }
    for (fault, status) in [("html", 502), ("html:status=200", 200), ("503", 503)] {
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
        let injected = WithFault::by(fault);
        let began = Instant::now();
        let answer = injected.get(V2_PAGE);
        assert!(began.elapsed().as_millis() >= 290, "{fault}");
        assert_eq!((answer.status, answer.ids().len()), (200, 5));
    }
}

#[test]
fn a_request_that_hangs_does_not_hold_up_the_others() {
    let injected = WithFault::by("hang:count=1");
    let (app, access) = (injected.app.clone(), injected.pair.access.clone());
    let hanging = std::thread::spawn(move || app.try_get_as(&access, V2_PAGE));
    while injected.sandbox.account().faults.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(injected.get(V2_PAGE).status, 200);
    assert_eq!(injected.app.refresh(2, &injected.pair.refresh).status, 200);
    drop(injected.sandbox);
    assert!(hanging.join().unwrap().is_none());
}

#[test]
fn a_dropped_connection_has_no_answer_and_a_cut_body_has_half_of_one() {
    let injected = WithFault::by("drop:count=1");
    assert!(
        injected
            .app
            .try_get_as(&injected.pair.access, V2_PAGE)
            .is_none()
    );
    assert_eq!(injected.get(V2_PAGE).status, 200);
    let answer = first_answer("cut", V2_PAGE);
    assert_eq!(answer.status, 200);
    assert!(answer.cut && !answer.body.is_empty());
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
}

#[test]
fn a_refresh_whose_answer_is_lost_has_rotated_all_the_same() {
    for (fault, status) in [("rotate-then-502", Some(502)), ("rotate-then-drop", None)] {
        for version in [2, 3] {
            let WithFault { sandbox, app, pair } = WithFault::by(fault);
            let answer = app.try_refresh(version, &pair.refresh);
            assert_eq!(answer.map(|answer| answer.status), status);
            sandbox.set_faults(Vec::new());
            assert_eq!(app.status(&pair.access, V2_PAGE), 401);
            let again = app.refresh(version, &pair.refresh);
            assert_eq!(
                (again.status, again.at("/error")),
                (400, "invalid_grant".into())
            );
            let patient = &sandbox.account().patients["BBUser00001"];
            assert_eq!(patient.refreshes_lost, 1);
            assert_eq!(patient.refresh_tokens_reused, 1);
        }
    }
}

#[test]
fn the_set_of_claims_may_change_between_two_pages() {
    let later = format!("{V2_PAGE}&startIndex=5");
    for (fault, change) in [("drift-insert", 1), ("drift-delete", -1)] {
        let injected = WithFault::by(&format!("{fault}:count=1"));
        let total = |target: &str| injected.get(target).at("/total").as_i64().unwrap();
        let before = total(V2_PAGE);
        assert_eq!(total(V2_PAGE), before, "the first page is not injected");
        assert_eq!(total(&later), before + change);
    }
    let injected = WithFault::by("weekly-load:count=1");
    let updated = |target: &str| injected.get(target).at("/meta/lastUpdated").to_string();
    assert!(updated(V2_PAGE) < updated(&later));
}

#[test]
fn a_next_link_may_leave_the_origin_in_three_ways_and_a_follower_is_caught() {
    let next = |injected: &WithFault| injected.get(V2_PAGE).link("next").unwrap();
    let injected = WithFault::by("next-foreign:form=origin");
    let foreign = injected.sandbox.foreign_url();
    let url = next(&injected);
    let rest = url.strip_prefix(foreign).expect("the foreign origin");
    let bearer = format!("Bearer {}", injected.pair.access);
    let answer = send(foreign, "GET", rest, &[("authorization", &bearer)], b"");
    assert_eq!(answer.unwrap().status, 200);
    let account = injected.sandbox.account();
    assert_eq!((account.foreign_requests, account.leaked_tokens), (1, 1));
    for (form, mark) in [("userinfo", "@"), ("suffix", ".evil.example")] {
        let injected = WithFault::by(&format!("next-foreign:form={form}"));
        let url = next(&injected);
        let rest = url
            .strip_prefix(&injected.app.base)
            .expect("begins with the base");
        assert!(rest.starts_with(mark), "{rest}");
        let own = url::Url::parse(&injected.app.base).unwrap().origin();
        assert!(url::Url::parse(&url).map_or(true, |next| next.origin() != own));
    }
}

#[test]
fn a_next_link_may_lead_to_its_own_page_forever() {
    for target in [V2_PAGE, V3_PAGE] {
        let injected = WithFault::by("next-loop");
        let first = injected.get(target);
        let next = first.link("next").unwrap();
        let second = injected.get(next.strip_prefix(&injected.app.base).unwrap());
        assert_eq!(first.ids(), second.ids());
    }
}

#[test]
fn tokens_may_expire_early_be_revoked_or_live_a_second() {
    let injected = WithFault::by("expired-token:count=1");
    let refused = injected.get(V2_PAGE);
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .contains("has expired")
    );
    let fresh = injected.app.refreshed(2, &injected.pair.refresh);
    assert_eq!(injected.app.status(&fresh.access, V2_PAGE), 200);

    let injected = WithFault::by("revoked-token:count=1");
    assert_eq!(injected.get(V2_PAGE).status, 401);
    let refused = injected.app.refresh(2, &injected.pair.refresh);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("User access cannot be found"));

    let injected = WithFault::by("token-seconds:seconds=2");
    let short = injected.app.refreshed(2, &injected.pair.refresh);
    assert_eq!(short.body["expires_in"], 2);
    assert_eq!(injected.app.status(&short.access, V2_PAGE), 200);
    injected
        .sandbox
        .advance_clock(chrono::TimeDelta::seconds(2));
    assert_eq!(injected.app.status(&short.access, V2_PAGE), 401);
}

#[test]
fn a_resource_of_another_patient_may_be_on_the_page() {
    let injected = WithFault::by("foreign-patient");
    let own = &injected.sandbox.truth(ApiVersion::V2)[1].patient;
    let own = format!("Patient/{own}");
    let entries = injected.get(V2_PAGE).at("/entry");
    let is_foreign = |entry: &&Value| entry["resource"]["patient"]["reference"] != *own;
    assert_eq!(
        entries
            .as_array()
            .unwrap()
            .iter()
            .filter(is_foreign)
            .count(),
        1
    );
}

#[test]
fn faults_can_be_changed_asked_for_and_refused_by_the_admin_route() {
    let (_sandbox, app) = started(SandboxConfig {
        faults: vec!["503:patient=BBUser00000".parse().unwrap()],
        ..small()
    });
    let faults = || app.get("/_sandbox/faults").at("/faults");
    assert_eq!(faults(), json!(["503:patient=BBUser00000"]));
    let refused = app.post_json("/_sandbox/faults", &json!(["flood"]));
    assert_eq!(refused.status, 400);
    assert!(
        refused
            .text()
            .contains("unknown fault 'flood'; known are 429")
    );
    app.admin("faults", json!([]));
    assert_eq!(faults(), json!([]));
    let broken = send(&app.base, "POST", "/_sandbox/faults", &[], b"{").unwrap();
    assert_eq!(broken.status, 400);
}

#[test]
fn a_crosswalk_conflict_is_answered_409_at_the_login() {
    let (_sandbox, app) = started(SandboxConfig {
        faults: vec!["backend:status=409,only=login".parse().unwrap()],
        ..small()
    });
    let answer = app.get("/mymedicare/login?next=%2Fv2%2Fo%2Fauthorize%2F");
    assert_eq!(answer.status, 409);
    assert!(answer.at("/error").is_string());
}

#[test]
fn a_body_that_breaks_off_is_a_bad_request_and_one_too_large_is_named_so() {
    use std::io::{Read as _, Write as _};
    let (_sandbox, app) = started(small());
    let host = app.base.strip_prefix("http://").unwrap();
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
