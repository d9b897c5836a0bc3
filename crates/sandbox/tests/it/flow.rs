//! A well-behaved client from consent to the last page, in both versions.

use claimlake_contract::ApiVersion;
use claimlake_sandbox::SandboxConfig;

use crate::app::{App, REDIRECT, STATE, pair, small, started};

/// Every id of a search, followed page by page; `each` sees every page.
pub(crate) fn follow(
    app: &App,
    token: &str,
    first: &str,
    each: &dyn Fn(&crate::client::Answer),
) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(target) = next {
        let page = app.get_as(token, &target);
        assert_eq!(page.status, 200, "{}", page.text());
        each(&page);
        found.extend(page.ids());
        next = page
            .link("next")
            .map(|url| url.strip_prefix(&app.base).unwrap().to_owned());
    }
    found
}

#[test]
fn a_client_that_follows_next_collects_every_claim_once_in_both_versions() {
    let (sandbox, app) = started(small());
    for (version, api) in [(2, ApiVersion::V2), (3, ApiVersion::V3)] {
        let pair = app.grant(version, "BBUser00001");
        let truth = &sandbox.truth(api)[1];
        assert_eq!(pair.body["patient"], truth.patient);
        assert_eq!(pair.body["expires_in"], 3600);
        let get = |target: &str| app.get_as(&pair.access, &format!("/v{version}/{target}"));
        let first = format!("/v{version}/fhir/ExplanationOfBenefit?_count=7");
        let mut seen = follow(&app, &pair.access, &first, &|page| match version {
            2 => assert_eq!(page.at("/total"), truth.eob_ids.len()),
            _ => assert_eq!(page.at("/total").is_null(), page.link("next").is_some()),
        });
        seen.sort();
        assert_eq!(seen, truth.eob_ids);
        let mut coverage = get("fhir/Coverage").ids();
        coverage.sort();
        assert_eq!(coverage, truth.coverage_ids);
        let patient = get(&format!("fhir/Patient/{}", truth.patient));
        assert_eq!(patient.at("/resourceType"), "Patient");
        let claim = get(&format!("fhir/ExplanationOfBenefit/{}", seen[0]));
        assert_eq!(claim.at("/id"), *seen[0]);
        assert_eq!(get("connect/userinfo").at("/patient"), truth.patient);
    }
}

#[test]
fn auto_consent_answers_authorize_with_the_redirect_for_the_login_asked_for_or_the_next() {
    let (sandbox, app) = started(SandboxConfig {
        auto_consent: true,
        ..small()
    });
    let consent = |login: Option<&str>| {
        let query = app.authorize_query(&[("login", login)]);
        let answer = app.get(&format!("/v2/o/authorize/?{query}"));
        assert!(answer.location().starts_with(REDIRECT));
        assert_eq!(answer.sent("state").as_deref(), Some(STATE));
        let code = answer.sent("code").unwrap();
        assert_eq!(code.len(), 30);
        pair(&app.exchange(2, &code, &[])).body["patient"].clone()
    };
    let truth = sandbox.truth(ApiVersion::V2);
    assert_eq!(consent(Some("BBUser00002")), truth[2].patient);
    assert_eq!(consent(None), truth[0].patient);
    assert_eq!(consent(None), truth[1].patient);
}

#[test]
fn the_default_app_has_the_same_credentials_for_the_same_seed() {
    let ((first, _), (second, _)) = (started(small()), started(small()));
    let (other, _) = started(SandboxConfig { seed: 2, ..small() });
    assert_eq!(first.client_id(), second.client_id());
    assert_ne!(first.client_id(), other.client_id());
    assert_eq!(first.client_id().len(), 40);
    assert_eq!(first.client_secret().expose().len(), 128);
    assert_eq!(
        first.logins(),
        ["BBUser00000", "BBUser00001", "BBUser00002"]
    );
}
