//! Answers in which a simulation easily differs from the real server: methods, grant types that no
//! app has, other people's records, headers of every answer.

use serde_json::{Value, json};

use crate::client::{get, post_form, send};
use crate::grant::App;
use crate::happy::{small, started};

/// What is sent, and the status and body that come back.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, Value);

#[test]
fn methods_of_fhir_are_refused_as_the_server_refuses_them() {
    let sandbox = started(small());
    let pair = App::of(&sandbox).grant(2, "BBUser00000");
    let bearer = format!("Bearer {}", pair.access);
    let none: &[(&str, &str)] = &[];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let json_type = [("content-type", "application/json")];
    for (method, headers, status, detail) in [
        ("GET", none, 200, ""),
        ("HEAD", none, 403, ""),
        (
            "OPTIONS",
            none,
            403,
            "You do not have permission to perform this action.",
        ),
        (
            "DELETE",
            none,
            403,
            "You do not have permission to perform this action.",
        ),
        ("PUT", none, 415, "Unsupported media type \"\" in request."),
        (
            "PATCH",
            none,
            415,
            "Unsupported media type \"\" in request.",
        ),
        (
            "PUT",
            &json_type,
            403,
            "You do not have permission to perform this action.",
        ),
        (
            "POST",
            &form,
            415,
            "Unsupported media type \"application/x-www-form-urlencoded\" in request.",
        ),
    ] {
        for target in [
            "/v2/fhir/ExplanationOfBenefit",
            "/v3/fhir/Coverage",
            "/v2/fhir/Patient/-1",
        ] {
            if method == "GET" && target.ends_with("-1") {
                continue;
            }
            let mut sent = vec![("authorization", bearer.as_str())];
            sent.extend_from_slice(headers);
            let answer = send(sandbox.url(), method, target, &sent, b"").unwrap();
            assert_eq!(answer.status, status, "{method} {target}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
            if method != "HEAD" && status != 200 {
                assert_eq!(answer.json()["detail"], detail, "{method} {target}");
            }
        }
    }
    // Without a token nothing else is looked at.
    for method in ["HEAD", "OPTIONS", "PUT"] {
        let answer = send(sandbox.url(), method, "/v2/fhir/Patient", &[], b"").unwrap();
        assert_eq!(answer.status, 401, "{method}");
    }
}

#[test]
fn grant_types_that_no_app_has_are_told_apart() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let missing = |names: &str| json!({"status_code": 400, "message": format!("Missing Required Parameter(s): {names}")});
    let said = |error: &str, text: &str| json!({"error": error, "error_description": text});
    let assertion = "client_assertion_type";
    let cases: &[Case<'_>] = &[
        (
            &[("grant_type", "device_code")],
            400,
            json!({"error": "unsupported_grant_type"}),
        ),
        (
            &[("grant_type", "Authorization_Code")],
            400,
            json!({"error": "unsupported_grant_type"}),
        ),
        (
            &[("grant_type", "")],
            400,
            json!({"error": "unsupported_grant_type"}),
        ),
        (
            &[
                ("grant_type", "password"),
                ("username", "u"),
                ("password", "p"),
            ],
            400,
            said("invalid_grant", "Invalid credentials given."),
        ),
        (
            &[
                ("grant_type", "password"),
                ("username", "BBUser00000"),
                ("password", "PW00000!"),
            ],
            400,
            said("invalid_grant", "Invalid credentials given."),
        ),
        (
            &[("grant_type", "password")],
            400,
            said("invalid_request", "Request is missing username parameter."),
        ),
        (
            &[("grant_type", "password"), ("username", "u")],
            400,
            said("invalid_request", "Request is missing password parameter."),
        ),
        (
            &[("grant_type", "client_credentials")],
            400,
            missing("scope, client_assertion_type, client_assertion"),
        ),
        (
            &[("grant_type", "client_credentials"), ("scope", "openid")],
            400,
            missing("client_assertion_type, client_assertion"),
        ),
        (
            &[
                ("grant_type", "client_credentials"),
                ("scope", "openid"),
                (assertion, "x"),
            ],
            400,
            missing("client_assertion"),
        ),
        (
            &[
                ("grant_type", "client_credentials"),
                ("scope", "openid"),
                (assertion, "x"),
                ("client_assertion", "x"),
            ],
            403,
            json!({"status_code": 403, "message": "Request denied"}),
        ),
    ];
    for version in [2, 3] {
        for (sent, status, body) in cases {
            let mut form = sent.to_vec();
            form.extend([
                ("client_id", app.id.as_str()),
                ("client_secret", app.secret.as_str()),
            ]);
            let answer = post_form(sandbox.url(), &format!("/v{version}/o/token/"), &form);
            assert_eq!(
                (answer.status, answer.json()),
                (*status, body.clone()),
                "{sent:?}"
            );
        }
    }
    let wrong = [
        ("grant_type", "password"),
        ("username", "u"),
        ("password", "p"),
        ("client_id", app.id.as_str()),
        ("client_secret", "wrong"),
    ];
    assert_eq!(post_form(sandbox.url(), "/v2/o/token/", &wrong).status, 401);
}

#[test]
fn another_person_s_patient_is_unknown_to_the_backend_in_v3_and_hidden_in_v2() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    for (version, api) in [
        (2, claimlake_contract::ApiVersion::V2),
        (3, claimlake_contract::ApiVersion::V3),
    ] {
        let pair = app.grant(version, "BBUser00000");
        let others = sandbox.truth(api)[1..].to_vec();
        let mut ids: Vec<String> = others.into_iter().map(|other| other.patient).collect();
        ids.extend(["1".to_owned(), "-999".to_owned(), "abc".to_owned()]);
        for id in ids {
            let target = format!("/v{version}/fhir/Patient/{id}");
            let answer = crate::client::get_as(sandbox.url(), &target, &pair.access);
            assert_eq!(answer.status, 404);
            let expected = match version {
                2 => json!({"detail": "Not found."}),
                _ => json!({
                    "resourceType": "OperationOutcome",
                    "issue": [{
                        "severity": "error",
                        "code": "processing",
                        "diagnostics": format!("Resource Patient/{id} is not known"),
                    }],
                }),
            };
            assert_eq!(answer.json(), expected);
        }
    }
}

#[test]
fn every_answer_says_how_it_varies_and_what_a_browser_may_do() {
    let sandbox = started(small());
    let pair = App::of(&sandbox).grant(3, "BBUser00000");
    let bearer = format!("Bearer {}", pair.access);
    let own: &[(&str, &str)] = &[("authorization", &bearer)];
    let spanish: &[(&str, &str)] = &[("accept-language", "es-MX,es;q=0.9")];
    const ANSWERED: &str = "Accept, Accept-Language, origin, Cookie";
    const REFUSED: &str = "Accept, Accept-Language, origin";
    const PAGE: &str = "Accept-Language, origin, Cookie";
    for (target, headers, status, vary, language) in [
        ("/v3/fhir/Coverage?_count=50", own, 200, ANSWERED, "en"),
        ("/v3/fhir/Coverage", &[], 401, REFUSED, "en"),
        ("/v3/fhir/Coverage?_count=51", own, 400, REFUSED, "en"),
        ("/v3/connect/userinfo", own, 200, REFUSED, "en"),
        ("/v3/fhir/metadata", &[], 200, PAGE, "en"),
        ("/v3/fhir/Observation", own, 404, PAGE, "en"),
        ("/v3/o/token/", &[], 405, PAGE, "en"),
        ("/v3/o/authorize", spanish, 301, PAGE, "es"),
        ("/nowhere?lang=es", &[], 404, PAGE, "es"),
        ("/health", &[], 200, PAGE, "en"),
    ] {
        let answer = send(sandbox.url(), "GET", target, headers, b"").unwrap();
        assert_eq!(answer.status, status, "{target}");
        for (name, value) in [
            ("vary", vary),
            ("content-language", language),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{target} {name}");
        }
    }
    let gzip = [
        ("authorization", bearer.as_str()),
        ("accept-encoding", "gzip"),
    ];
    let packed = send(sandbox.url(), "GET", "/v3/fhir/Coverage", &gzip, b"").unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(
        packed.header("vary"),
        Some("Accept, Accept-Language, origin, Cookie, Accept-Encoding")
    );
    assert_eq!(get(sandbox.url(), "/health").header("vary"), Some(PAGE));
}
