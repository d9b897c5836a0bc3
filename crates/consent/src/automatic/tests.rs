//! Consent to an app that is registered for less than everything.

use chrono::Utc;
use claimlake_contract::{ApiVersion, ResourceType, Secret};
use claimlake_sandbox::SandboxConfig;

use super::AutomaticConsent;
use crate::testing::{post_json, vault};
use crate::{App, ErrorKind};

const NO_DEMOGRAPHICS: &str = r#"{"name":"claims only","scopes":["openid","launch/patient",
    "patient/Coverage.read","patient/Coverage.rs",
    "patient/ExplanationOfBenefit.read","patient/ExplanationOfBenefit.rs"],
    "redirect_uris":["http://127.0.0.1/callback"]}"#;

#[tokio::test]
async fn an_app_without_demographic_data_is_used_with_fewer_resources() {
    let sandbox = claimlake_sandbox::start(SandboxConfig {
        patients: 1,
        auto_consent: true,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let made = post_json(sandbox.url(), "/_sandbox/apps", NO_DEMOGRAPHICS).await;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let secret = Secret::new(text("client_secret"));
    let app = App::new(sandbox.url(), text("client_id"), secret).unwrap();
    let login = &sandbox.logins()[0];
    for api in [ApiVersion::V2, ApiVersion::V3] {
        for (resources, allowed) in [
            (&["Patient", "Coverage", "ExplanationOfBenefit"][..], false),
            (&["Patient"], false),
            (&["Coverage", "ExplanationOfBenefit"], true),
            (&["ExplanationOfBenefit"], true),
            (&["Coverage"], true),
        ] {
            let data = tempfile::tempdir().unwrap();
            let vault = vault(data.path());
            let resources: Vec<ResourceType> = resources
                .iter()
                .map(|resource| resource.parse().unwrap())
                .collect();
            let consent = AutomaticConsent::begin(app.clone(), &vault, "http://127.0.0.1/callback")
                .unwrap()
                .for_resources(&resources);
            let stored = consent.consent(api, login, Utc::now).await;
            if allowed {
                let grant = vault.grant(&stored.unwrap().handle).unwrap();
                assert!(grant.patient.is_some());
                let granted = grant.scopes.to_string();
                assert!(
                    !granted.contains("Patient.") && !granted.contains("profile"),
                    "{granted}"
                );
                continue;
            }
            let error = stored.unwrap_err();
            let words = error.to_string();
            assert!(error.kind() == ErrorKind::Configuration, "{words}");
            assert!(
                words.contains("[source] resources") && words.contains("(asked for: Patient"),
                "{words}"
            );
        }
    }
}
