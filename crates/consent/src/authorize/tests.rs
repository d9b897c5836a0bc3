//! Tests of the authorization request and of reading callbacks.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use claimlake_contract::{ApiVersion, Secret};
use sha2::{Digest, Sha256};

use super::{AuthorizeRequest, Callback, CallbackKind, CallbackOutcome, read_callback, start};
use crate::App;
use crate::testing::vault;

#[test]
fn the_request_carries_what_the_server_asks_for_and_its_verifier_is_read_once() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let app = App::new("http://127.0.0.1:8380", "app-1", Secret::new("x")).unwrap();
    let mut request = AuthorizeRequest::new(ApiVersion::V3, "http://127.0.0.1:9999/callback");
    request.external_id = Some("member 7".into());
    let started = start(&app, &vault, &request, Utc::now()).unwrap();
    let pairs: HashMap<_, _> = started.url.query_pairs().into_owned().collect();
    assert_eq!(started.url.path(), "/v3/o/authorize/");
    assert_eq!(pairs["response_type"], "code");
    assert_eq!(pairs["client_id"], "app-1");
    assert_eq!(pairs["redirect_uri"], "http://127.0.0.1:9999/callback");
    assert_eq!(pairs["code_challenge_method"], "S256");
    assert_eq!(pairs["state"], started.state.expose());
    assert!(pairs["state"].len() >= 16);
    assert!(pairs["scope"].contains("patient/ExplanationOfBenefit.read"));
    assert!(!pairs.contains_key("client_secret"));

    let pending = vault.take_authorization(&started.state).unwrap().unwrap();
    let challenge = Sha256::digest(pending.code_verifier.expose().as_bytes());
    assert_eq!(pairs["code_challenge"], URL_SAFE_NO_PAD.encode(challenge));
    assert_eq!(pending.external_id.as_deref(), Some("member 7"));
    assert!(vault.take_authorization(&started.state).unwrap().is_none());
}

fn answer(text: &str) -> Callback {
    match read_callback(text).unwrap() {
        CallbackKind::Answer(callback) => callback,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_callback_is_read_from_a_whole_url_or_its_query() {
    for text in [
        "http://127.0.0.1:9999/callback?code=abc&state=0123456789abcdef",
        "?code=abc&state=0123456789abcdef",
        " 'myapp://cb?x=1&state=0123456789abcdef&code=abc#frag' ",
    ] {
        let callback = answer(text);
        assert_eq!(callback.state.expose(), "0123456789abcdef");
        assert!(matches!(callback.outcome, CallbackOutcome::Code(code) if code.expose() == "abc"));
    }
}

#[test]
fn a_denial_differs_from_a_refusal_and_the_refusal_is_cleaned() {
    let denied = answer("?error=access_denied&state=s");
    assert!(matches!(denied.outcome, CallbackOutcome::Denied));
    let refused = answer("?error=in%0Avalid%1B%5B31m_scope&state=s");
    let CallbackOutcome::Refused(error) = refused.outcome else {
        panic!("a refusal was expected");
    };
    assert_eq!(error.to_string(), "invalid31m_scope");
}

#[test]
fn a_callback_that_answers_no_request_is_called_what_it_is() {
    for (query, expected) in [
        ("?error=not_found", "not found"),
        ("?x=1&error=not_found#top", "not found"),
        // No parameters: nobody said anything of a person.
        ("?", "empty"),
        ("?x=1", "empty"),
        ("?state=&error=&code=", "empty"),
        ("?error=access_denied", "only access_denied"),
        (
            "?error=server_error&error_description=x",
            "only server_error",
        ),
        ("?error=%1B%5B31m", "only 31m"),
        ("?error=not_found&state=", "not found"),
    ] {
        let found = match read_callback(&format!("http://127.0.0.1:9999/callback{query}")) {
            Ok(CallbackKind::PersonNotFound) => "not found".to_owned(),
            Ok(CallbackKind::Empty) => "empty".to_owned(),
            Ok(CallbackKind::OnlyError(error)) => format!("only {error}"),
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn unusable_callbacks_are_refused_without_showing_them() {
    for text in [
        "http://127.0.0.1:9999/callback",
        "?code=secret-code",
        "?code=secret-code&code=other&state=s",
        "?code=secret-code&error=access_denied&state=s",
        "?state=s",
    ] {
        let error = read_callback(text).unwrap_err().to_string();
        assert!(!error.contains("secret-code"), "{error}");
    }
}
