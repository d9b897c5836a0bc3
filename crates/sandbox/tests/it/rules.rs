//! The rule table of the authorization endpoint, introspection and discovery: what is sent, what comes back.

use serde_json::{Value, json};

use crate::client::{encode, get, parameter, post_form};
use crate::grant::{App, CHALLENGE, REDIRECT, STATE};
use crate::happy::{small, started};

/// The authorize query with one parameter replaced (or, by `None`, left out).
fn changed(app: &App, name: &str, value: Option<&str>) -> String {
    let mut query = app.authorize_query();
    query.retain(|(held, _)| *held != name);
    let mut pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
    if let Some(value) = value {
        pairs.push((name, value));
    }
    encode(&pairs)
}

fn message(text: &str) -> Value {
    json!({"status_code": 400, "message": text})
}

#[test]
fn authorize_answers_faults_of_the_request_itself_without_a_login() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let ask =
        |version: u8, query: &str| get(sandbox.url(), &format!("/v{version}/o/authorize/?{query}"));
    for (name, value, expected) in [
        (
            "state",
            None,
            message("Missing Required Parameter(s): state"),
        ),
        (
            "code_challenge",
            None,
            message("Missing Required Parameter(s): code_challenge"),
        ),
        (
            "state",
            Some("fifteen-letters"),
            message("State parameter should have a minimum of 16 characters"),
        ),
        (
            "code_challenge_method",
            Some("plain"),
            json!({
                "status_code": 400,
                "error": "invalid_request",
                "error_description": "code_challenge_method must be S256",
            }),
        ),
        (
            "scope",
            Some("patient/AuditEvent.rs"),
            message("Invalid scopes."),
        ),
    ] {
        for version in [2, 3] {
            let answer = ask(version, &changed(&app, name, value));
            assert_eq!(
                (answer.status, answer.json()),
                (400, expected.clone()),
                "{name}"
            );
        }
    }
    let no_scope = changed(&app, "scope", None);
    assert_eq!(ask(2, &no_scope).status, 302);
    let answer = ask(3, &no_scope);
    assert_eq!(
        answer.json(),
        message("Missing Required Parameter(s): scope")
    );
    let secret = ask(2, &changed(&app, "client_secret", Some("x")));
    assert_eq!(
        secret.text(),
        "Illegal query parameter [client_secret] detected"
    );
    assert_eq!(ask(2, &changed(&app, "client_id", None)).status, 401);
    assert_eq!(
        ask(2, &changed(&app, "client_id", Some("nobody"))).status,
        400
    );
    let slashless = get(sandbox.url(), &format!("/v2/o/authorize?{no_scope}"));
    assert_eq!(slashless.status, 301);
    assert_eq!(slashless.location(), format!("/v2/o/authorize/?{no_scope}"));
    let posted = post_form(
        sandbox.url(),
        "/v2/o/authorize/",
        &[("response_type", "code")],
    );
    let expected = json!({"status_code": 401, "message": "State required in POST body."});
    assert_eq!((posted.status, posted.json()), (401, expected));
}

#[test]
fn scope_redirect_and_response_type_are_looked_at_only_after_the_login() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let after_login = |name: &str, value: Option<&str>| {
        let target = format!("/v2/o/authorize/?{}", changed(&app, name, value));
        let page = app.consent_page_of(&target, "BBUser00000");
        get(sandbox.url(), &page)
    };
    for scope in ["offline_access", "patient/Observation.read openid", ""] {
        let answer = after_login("scope", Some(scope));
        assert_eq!(
            (answer.status, answer.json()),
            (400, message("Invalid scopes."))
        );
    }
    let evil = after_login("redirect_uri", Some("https://evil.example/cb"));
    assert_eq!(evil.status, 400);
    assert!(
        evil.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    for (value, error) in [
        (Some("token"), "unauthorized_client"),
        (Some("id_token"), "unsupported_response_type"),
        (None, "invalid_request"),
    ] {
        let answer = after_login("response_type", value);
        assert_eq!(answer.status, 302);
        assert!(answer.location().starts_with(REDIRECT));
        assert_eq!(
            parameter(answer.location(), "error").as_deref(),
            Some(error)
        );
        assert_eq!(
            parameter(answer.location(), "state").as_deref(),
            Some(STATE)
        );
    }
}

#[test]
fn introspection_needs_the_client_and_knows_live_tokens() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let pair = app.grant(2, "BBUser00000");
    let ask = |token: &str| {
        let pairs = [
            ("token", token),
            ("client_id", &app.id),
            ("client_secret", &app.secret),
        ];
        post_form(sandbox.url(), "/v2/o/introspect/", &pairs)
    };
    let live = ask(&pair.access).json();
    assert_eq!(
        (live["active"].as_bool(), live["username"].as_str()),
        (Some(true), Some("BBUser00000"))
    );
    assert_eq!(ask("unknown").status, 500);
    let anonymous = post_form(
        sandbox.url(),
        "/v2/o/introspect/",
        &[("token", &pair.access)],
    );
    assert_eq!((anonymous.status, anonymous.text().as_str()), (403, ""));
}

#[test]
fn discovery_advertises_the_slashless_forms_and_html_answers_what_is_no_route() {
    let sandbox = started(small());
    let base = sandbox.url();
    let openid = get(base, "/.well-known/openid-configuration").json();
    assert_eq!(
        openid["revocation_endpoint"],
        format!("{base}/v2/o/revoke_token")
    );
    assert_eq!(
        get(base, "/v1/connect/.well-known/openid-configuration").json(),
        openid
    );
    let third = get(base, "/.well-known/openid-configuration-v3").json();
    assert_eq!(third["token_endpoint"], format!("{base}/v3/o/token"));
    let smart = get(base, "/v3/fhir/.well-known/smart-configuration").json();
    assert_eq!(smart["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(
        get(base, "/v2/fhir/metadata").json()["resourceType"],
        "CapabilityStatement"
    );
    for path in [
        "/v2/fhir/.well-known/smart-configuration/",
        "/v2/fhir/Observation",
        "/v4/fhir/Patient",
        "/nowhere",
    ] {
        let answer = get(base, path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
    }
    assert_eq!(CHALLENGE.len(), 43);
}
