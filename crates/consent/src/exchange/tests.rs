//! Tests of the exchange against a server that answers from a list.

use chrono::Utc;
use claimlake_contract::{ApiVersion, Secret};
use claimlake_vault::{GrantState, PendingAuthorization, Vault};

use super::exchange_and_store;
use crate::endpoint::Endpoint;
use crate::testing::{NEVER, serve, vault};
use crate::{App, ConsentError, ErrorKind};

const NAMELESS: &str = r#"{"access_token":"a","expires_in":3600.0,"refresh_token":"r",
    "scope":"profile openid","access_grant_expiration":""}"#;

async fn exchange(
    answers: &[(&'static str, u16, &'static str)],
) -> Result<claimlake_vault::Grant, ConsentError> {
    let data = tempfile::tempdir().unwrap();
    exchange_into(&vault(data.path()), answers).await
}

async fn exchange_into(
    vault: &Vault,
    answers: &[(&'static str, u16, &'static str)],
) -> Result<claimlake_vault::Grant, ConsentError> {
    let app = App::new(&serve(answers).await, "app", Secret::new("x")).unwrap();
    let endpoint = Endpoint::new(app).unwrap();
    let pending = PendingAuthorization {
        api: ApiVersion::V2,
        redirect_uri: "http://127.0.0.1/callback".into(),
        code_verifier: Secret::new("verifier"),
        external_id: None,
        again: false,
        created_at: Utc::now(),
    };
    let code = Secret::new("code");
    let stored = exchange_and_store(
        &endpoint,
        vault,
        &pending,
        &Secret::new("state"),
        &code,
        Utc::now,
    )
    .await?;
    Ok(vault.grant(&stored.handle).unwrap())
}

#[tokio::test]
async fn the_consent_is_stored_before_the_server_is_asked_whose_it_is() {
    for silent in [
        "/v2/connect/userinfo",
        "/v2/fhir/Patient",
        "/v2/fhir/Coverage",
        "/v2/fhir/ExplanationOfBenefit",
    ] {
        let data = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (vault(data.path()), vault(data.path()));
        let answers = [("/v2/o/token/", 200, NAMELESS), (silent, NEVER, "")];
        let exchanging = tokio::spawn(async move { exchange_into(&here, &answers).await });
        // The server is silent for as long as a request is waited for, which is longer.
        let mut looks = 0;
        let stored = loop {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            looks += 1;
            assert!(
                looks < 4_000,
                "{silent}: nothing is stored while the server is silent"
            );
            if let Some(grant) = elsewhere.grants().unwrap().pop() {
                break grant;
            }
            assert!(!exchanging.is_finished(), "{silent}");
        };
        // The process is gone; the consent is not.
        exchanging.abort();
        assert_eq!((stored.patient, stored.state), (None, GrantState::Active));
        let tokens = elsewhere.tokens(&stored.handle).unwrap();
        assert_eq!(tokens.refresh_token.unwrap().expose(), "r");
    }
}

#[tokio::test]
async fn a_known_patient_s_consent_stored_nameless_renews_their_grant() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let named = r#"{"access_token":"a0","refresh_token":"r0","patient":"-77"}"#;
    let first = exchange_into(&vault, &[("/v2/o/token/", 200, named)])
        .await
        .unwrap();
    let userinfo = ("/v2/connect/userinfo", 200, r#"{"patient":"-77"}"#);
    let second = exchange_into(&vault, &[("/v2/o/token/", 200, NAMELESS), userinfo])
        .await
        .unwrap();
    assert_eq!(second.handle, first.handle);
    assert_eq!(vault.grants().unwrap().len(), 1);
    let tokens = vault.tokens(&first.handle).unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), "r");
}

#[tokio::test]
async fn an_app_without_demographic_data_learns_who_consented_from_what_it_may_read() {
    let coverage = r#"{"entry":[
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"Patient/-79"}}},
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"Patient/-79"}}}]}"#;
    let claims = r#"{"entry":[
        {"resource":{"resourceType":"ExplanationOfBenefit","patient":{"reference":"Patient/-79"}}}]}"#;
    let mixed = r#"{"entry":[
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"Patient/-79"}}},
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"Patient/-80"}}}]}"#;
    let absolute = r#"{"entry":[
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"https://x/Patient/-79"}}}]}"#;
    for (path, body, expected) in [
        ("/v2/fhir/Coverage", coverage, Some("-79")),
        ("/v2/fhir/ExplanationOfBenefit", claims, Some("-79")),
        ("/v2/fhir/Coverage", mixed, None),
        ("/v2/fhir/Coverage", absolute, None),
        (
            "/v2/fhir/Coverage",
            r#"{"resourceType":"Bundle","total":0}"#,
            None,
        ),
    ] {
        let grant = exchange(&[
            ("/v2/o/token/", 200, NAMELESS),
            ("/v2/connect/userinfo", 403, "{}"),
            ("/v2/fhir/Patient", 403, "{}"),
            (path, 200, body),
        ])
        .await
        .unwrap();
        let patient = grant.patient.as_ref().map(|patient| patient.expose());
        assert_eq!(patient, expected, "{body}");
    }
}

#[tokio::test]
async fn refused_scopes_say_what_to_take_out() {
    for body in [
        r#"{"error":"invalid_scope"}"#,
        r#"{"status_code":400,"message":"Invalid scopes."}"#,
    ] {
        let error = exchange(&[("/v2/o/token/", 400, body)]).await.unwrap_err();
        let text = error.to_string();
        assert!(
            error.kind() == ErrorKind::Configuration && text.contains("[source] resources"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_person_the_token_endpoint_does_not_name_is_asked_for() {
    let grant = exchange(&[
        ("/v2/o/token/", 200, NAMELESS),
        (
            "/v2/connect/userinfo",
            200,
            r#"{"sub":"-77","patient":"-77"}"#,
        ),
    ])
    .await
    .unwrap();
    assert_eq!(grant.patient.unwrap().expose(), "-77");
    assert_eq!(grant.grant_expires_at, None);

    let bundle = r#"{"entry":[{"resource":{"resourceType":"Patient","id":"-78"}}]}"#;
    let grant = exchange(&[
        ("/v2/o/token/", 200, NAMELESS),
        ("/v2/connect/userinfo", 403, "{}"),
        ("/v2/fhir/Patient", 200, bundle),
    ])
    .await
    .unwrap();
    assert_eq!(grant.patient.unwrap().expose(), "-78");
}

#[tokio::test]
async fn a_person_nobody_names_costs_no_token() {
    let two = r#"{"entry":[{"resource":{"resourceType":"Patient","id":"1"}},
        {"resource":{"resourceType":"Patient","id":"2"}}]}"#;
    let grant = exchange(&[
        ("/v2/o/token/", 200, NAMELESS),
        ("/v2/fhir/Patient", 200, two),
    ])
    .await
    .unwrap();
    assert_eq!((grant.patient, grant.state), (None, GrantState::Active));
}

#[tokio::test]
async fn a_refused_code_says_to_begin_again_and_a_wrong_secret_what_to_mend() {
    let error = exchange(&[("/v2/o/token/", 400, r#"{"error":"invalid_grant"}"#)])
        .await
        .unwrap_err();
    assert!(matches!(&error, ConsentError::Callback { reason } if reason.contains("60 seconds")));
    let error = exchange(&[("/v2/o/token/", 401, r#"{"error":"invalid_client"}"#)])
        .await
        .unwrap_err();
    assert!(
        error.kind() == ErrorKind::Configuration && error.to_string().contains("client_secret_env")
    );
    let error = exchange(&[("/v2/o/token/", 200, "<html>")])
        .await
        .unwrap_err();
    assert!(error.kind() == ErrorKind::TryLater, "{error}");
}
