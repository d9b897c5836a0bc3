//! Rule tables: what is sent and what comes back, one exchange a line of `cases/*.json`.
//!
//! A case sends one of `authorize` (a good authorization request with these parameters changed),
//! `consent` (the same, walked to the consent page), `exchange` (a good exchange of a code, changed),
//! `token` (the app's credentials and these fields) or `send` (`METHOD target`, to all of `to` if
//! given, with `headers`, `form`, `body`; `bearer` adds a token). It expects `status` (0: any below
//! 500) and, where given, `json`, `detail`, members `at` JSON pointers, `text` within the body,
//! header values in `has`, redirect parameters in `sent`. Files are played for v2 and v3; `{v}` is
//! the version, and a case `only` for one is left out for the other.

use claimlake_contract::ApiVersion;
use serde_json::{Map, Value, json};

use crate::app::{App, REDIRECT, pair, small, started};
use crate::client::{Answer, encode, send};

/// Plays a file of cases; the names in braces of `values` are replaced.
fn play(app: &App, text: &str, values: &[(&str, &str)]) {
    for version in [2, 3] {
        let mut text = text.replace("{v}", &version.to_string());
        text = text.replace("{base}", &app.base).replace("{id}", &app.id);
        for (name, value) in values {
            text = text.replace(name, value);
        }
        let cases: Vec<Value> = serde_json::from_str(&text).expect("cases");
        let is_meant = |case: &&Value| {
            case["only"]
                .as_u64()
                .is_none_or(|only| only == u64::from(version))
        };
        for case in cases.iter().filter(is_meant) {
            for target in targets(case) {
                check(case, &sent(app, version, case, &target));
            }
        }
    }
}

fn targets(case: &Value) -> Vec<String> {
    let send = case["send"].as_str().unwrap_or_default();
    let all = case["to"].as_array().into_iter().flatten();
    let all: Vec<String> = all
        .map(|to| format!("{send} {}", to.as_str().unwrap()))
        .collect();
    if all.is_empty() {
        vec![send.to_owned()]
    } else {
        all
    }
}

fn pairs(fields: &Map<String, Value>) -> Vec<(&str, Option<&str>)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn fields<'a>(case: &'a Value, name: &str) -> Vec<(&'a str, &'a str)> {
    let fields = case[name].as_object().map(pairs).unwrap_or_default();
    fields
        .into_iter()
        .map(|(name, value)| (name, value.unwrap()))
        .collect()
}

fn sent(app: &App, version: u8, case: &Value, target: &str) -> Answer {
    let changes = |name: &str| case[name].as_object().map(pairs);
    if let Some(changes) = changes("authorize") {
        let query = app.authorize_query(&changes);
        return app.get(&format!("/v{version}/o/authorize/?{query}"));
    }
    if let Some(changes) = changes("consent") {
        return app.get(&app.consent_page(version, "BBUser00000", &changes));
    }
    if let Some(changes) = changes("exchange") {
        return app.exchange(version, case["code"].as_str().unwrap(), &changes);
    }
    if case["token"].is_object() {
        return app.post_own(&format!("/v{version}/o/token/"), &fields(case, "token"));
    }
    let (method, target) = target.split_once(' ').unwrap();
    let mut headers = fields(case, "headers");
    let bearer = format!("Bearer {}", case["bearer"].as_str().unwrap_or_default());
    if case["bearer"].is_string() {
        headers.push(("authorization", &bearer));
    }
    let form = fields(case, "form");
    if !form.is_empty() {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    // A body's characters are its bytes.
    let body = case["body"].as_str().map_or_else(
        || encode(&form).into_bytes(),
        |text| text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
    );
    send(&app.base, method, target, &headers, &body).unwrap_or_else(|| panic!("no answer: {case}"))
}

fn check(case: &Value, answer: &Answer) {
    let name = format!("{case} got {}", answer.text());
    match case["status"].as_u64() {
        Some(0) => assert!((200..500).contains(&answer.status), "{name}"),
        status => assert_eq!(Some(u64::from(answer.status)), status, "{name}"),
    }
    if case.get("json").is_some() {
        assert_eq!(answer.json(), case["json"], "{name}");
    }
    if case.get("detail").is_some() {
        assert_eq!(answer.json(), json!({"detail": case["detail"]}), "{name}");
    }
    for (pointer, expected) in case["at"].as_object().into_iter().flatten() {
        assert_eq!(answer.at(pointer), *expected, "{pointer}: {name}");
    }
    if let Some(text) = case["text"].as_str() {
        assert!(answer.text().contains(text), "{name}");
    }
    for (header, expected) in case["has"].as_object().into_iter().flatten() {
        assert_eq!(answer.header(header), expected.as_str(), "{header}: {name}");
    }
    for (parameter, expected) in case["sent"].as_object().into_iter().flatten() {
        assert!(answer.location().starts_with(REDIRECT), "{name}");
        assert_eq!(
            answer.sent(parameter).as_deref(),
            expected.as_str(),
            "{name}"
        );
    }
    let is_admin = case["send"]
        .as_str()
        .is_some_and(|send| send.contains("/_sandbox"));
    for (header, expected) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert!(
            is_admin || answer.header(header) == Some(expected),
            "{header}: {name}"
        );
    }
}

#[test]
fn authorize_discovery_and_introspection_answer_as_the_server_does() {
    let (_sandbox, app) = started(small());
    let pair = app.grant(2, "BBUser00000");
    let values = [("{token}", &*pair.access), ("{secret}", &app.secret)];
    play(&app, include_str!("cases/authorize.json"), &values);
}

#[test]
fn the_token_endpoint_distinguishes_its_refusals_and_a_refused_code_stays_good() {
    let (_sandbox, app) = started(small());
    let code = app.code(2, "BBUser00000", &[]);
    let refresh = app.grant(2, "BBUser00001").refresh;
    let part = |(name, value)| {
        format!(r#"--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"#)
    };
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
    ];
    let multipart = fields.map(part).concat() + r"--b--\r\n";
    let values = [
        ("{code}", &*code),
        ("{multipart}", &multipart),
        ("{refresh}", &refresh),
    ];
    play(&app, include_str!("cases/token.json"), &values);
    let good = app.exchange(2, &code, &[]);
    assert_eq!(good.header("cache-control"), Some("no-store"));
    assert_eq!(good.header("x-ratelimit-limit"), Some("None"));
    pair(&good);
    let again = app.exchange(2, &code, &[]);
    assert_eq!(again.json(), json!({"error": "invalid_grant"}));
}

#[test]
fn fhir_requests_are_refused_and_answered_as_the_server_does() {
    let (sandbox, app) = started(small());
    let pair = app.grant(3, "BBUser00000");
    let (v2, v3) = (sandbox.truth(ApiVersion::V2), sandbox.truth(ApiVersion::V3));
    let foreign = v2[1..].iter().find_map(|other| other.eob_ids.first());
    let values = [
        ("{token}", &*pair.access),
        ("{own_v2}", &v2[0].patient),
        ("{other_v2}", &v2[1].patient),
        ("{other_v3}", &v3[1].patient),
        ("{other_claim}", foreign.unwrap()),
    ];
    play(&app, include_str!("cases/fhir.json"), &values);
}

#[test]
fn malformed_requests_are_answered_and_never_end_the_sandbox() {
    let (_sandbox, app) = started(small());
    let values = [("{long}", &*"x".repeat(3000))];
    play(&app, include_str!("cases/malformed.json"), &values);
    assert_eq!(app.get("/health").status, 200);
}
