//! The way of a well-behaved client, in both versions.

use claimlake_sandbox::{Sandbox, SandboxConfig, start};

use crate::client::{get, get_as, parameter};
use crate::grant::{App, REDIRECT, STATE};

pub(crate) fn started(config: SandboxConfig) -> Sandbox {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(start(config))
        .unwrap()
}

pub(crate) fn small() -> SandboxConfig {
    SandboxConfig {
        patients: 3,
        ..SandboxConfig::default()
    }
}

pub(crate) fn link(bundle: &serde_json::Value, relation: &str) -> Option<String> {
    bundle["link"]
        .as_array()?
        .iter()
        .find(|link| link["relation"] == relation)
        .map(|link| link["url"].as_str().unwrap().to_owned())
}

pub(crate) fn ids(bundle: &serde_json::Value) -> Vec<String> {
    bundle["entry"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_client_that_follows_next_collects_every_claim_once_in_both_versions() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    for (version, api) in [
        (2, claimlake_contract::ApiVersion::V2),
        (3, claimlake_contract::ApiVersion::V3),
    ] {
        let pair = app.grant(version, "BBUser00001");
        let truth = sandbox.truth(api)[1].clone();
        assert_eq!(pair.body["patient"], truth.patient);
        assert_eq!(pair.body["expires_in"], 3600);
        let mut seen = Vec::new();
        let mut next = Some(format!("/v{version}/fhir/ExplanationOfBenefit?_count=7"));
        while let Some(target) = next {
            let answer = get_as(sandbox.url(), &target, &pair.access);
            let bundle = answer.json();
            assert_eq!(answer.status, 200, "{bundle}");
            seen.extend(ids(&bundle));
            next = link(&bundle, "next")
                .map(|url| url.strip_prefix(sandbox.url()).unwrap().to_owned());
            let is_last = next.is_none();
            match version {
                2 => assert_eq!(bundle["total"], truth.eob_ids.len()),
                _ => assert_eq!(bundle.get("total").is_some(), is_last),
            }
        }
        seen.sort();
        assert_eq!(seen, truth.eob_ids);
        let target = format!("/v{version}/fhir/Coverage");
        let mut coverage = ids(&get_as(sandbox.url(), &target, &pair.access).json());
        coverage.sort();
        assert_eq!(coverage, truth.coverage_ids);
        let target = format!("/v{version}/fhir/Patient/{}", truth.patient);
        let patient = get_as(sandbox.url(), &target, &pair.access).json();
        assert_eq!(patient["resourceType"], "Patient");
        let target = format!("/v{version}/fhir/ExplanationOfBenefit/{}", seen[0]);
        assert_eq!(
            get_as(sandbox.url(), &target, &pair.access).json()["id"],
            *seen[0]
        );
        let target = format!("/v{version}/connect/userinfo");
        let userinfo = get_as(sandbox.url(), &target, &pair.access).json();
        assert_eq!(userinfo["patient"], truth.patient);
    }
}

#[test]
fn auto_consent_answers_authorize_with_the_redirect_for_the_person_asked_for_or_the_next() {
    let sandbox = started(SandboxConfig {
        auto_consent: true,
        ..small()
    });
    let app = App::of(&sandbox);
    let consent = |login: Option<&str>| {
        let mut query = app.authorize_query();
        if let Some(login) = login {
            query.push(("login", login.into()));
        }
        let pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let target = format!("/v2/o/authorize/?{}", crate::client::encode(&pairs));
        let answer = get(sandbox.url(), &target);
        let location = answer.location().to_owned();
        assert!(location.starts_with(REDIRECT));
        assert_eq!(parameter(&location, "state").as_deref(), Some(STATE));
        let code = parameter(&location, "code").unwrap();
        assert_eq!(code.len(), 30);
        let body = app.exchange(2, &code).json();
        body["patient"].as_str().unwrap().to_owned()
    };
    let truth = sandbox.truth(claimlake_contract::ApiVersion::V2);
    assert_eq!(consent(Some("BBUser00002")), truth[2].patient);
    assert_eq!(consent(None), truth[0].patient);
    assert_eq!(consent(None), truth[1].patient);
}

#[test]
fn the_default_app_has_the_same_credentials_for_the_same_seed() {
    let first = started(small());
    let second = started(small());
    let other = started(SandboxConfig { seed: 2, ..small() });
    assert_eq!(first.client_id(), second.client_id());
    assert_ne!(first.client_id(), other.client_id());
    assert_eq!(first.client_id().len(), 40);
    assert_eq!(first.client_secret().expose().len(), 128);
    assert_eq!(
        first.logins(),
        ["BBUser00000", "BBUser00001", "BBUser00002"]
    );
}
