//! Tests of the exchange against a server that answers from a list.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use claimlake_contract::{ApiVersion, Secret, SystemClock};
use claimlake_vault::{GrantState, KeySource, PendingAuthorization, Vault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::exchange_and_store;
use crate::oauth::endpoint::Endpoint;
use crate::oauth::{App, OauthError};

const NAMELESS: &str = r#"{"access_token":"a","expires_in":3600.0,"refresh_token":"r",
    "scope":"profile openid","access_grant_expiration":""}"#;

/// Serves a status and a body by path; 404 for every other one.
async fn serve(answers: &[(&'static str, u16, &'static str)]) -> String {
    let answers: HashMap<&str, (u16, &str)> = answers
        .iter()
        .map(|(path, status, body)| (*path, (*status, *body)))
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, body) = answers.get(path).copied().unwrap_or((404, "{}"));
            let answer = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

async fn exchange(
    answers: &[(&'static str, u16, &'static str)],
) -> Result<claimlake_vault::Grant, OauthError> {
    let data = tempfile::tempdir().unwrap();
    let key = KeySource::given(Secret::new("5".repeat(64)));
    let vault = Vault::open(data.path(), &key, Arc::new(SystemClock)).unwrap();
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
    let stored = exchange_and_store(&endpoint, &vault, &pending, &code, Utc::now).await?;
    Ok(vault.grant(&stored.handle).unwrap())
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
    assert!(matches!(&error, OauthError::Callback { reason } if reason.contains("60 seconds")));
    let error = exchange(&[("/v2/o/token/", 401, r#"{"error":"invalid_client"}"#)])
        .await
        .unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("client_secret_env"));
    let error = exchange(&[("/v2/o/token/", 200, "<html>")])
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
}
