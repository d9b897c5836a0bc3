//! Searches: order, filters and what each backend leaves out.

use claimlake_contract::ApiVersion;
use claimlake_sandbox::{Sandbox, SandboxConfig};
use serde_json::json;

use crate::app::{App, started};
use crate::client::Answer;
use crate::flow::follow;

/// A sandbox whose patient with the most claims has consented in both versions.
struct Asker {
    sandbox: Sandbox,
    app: App,
    token: String,
    patient: usize,
}

impl Asker {
    fn new() -> Self {
        let (sandbox, app) = started(SandboxConfig {
            patients: 12,
            eobs_mean: 40,
            ..SandboxConfig::default()
        });
        let truth = sandbox.truth(ApiVersion::V3);
        let patient = (0..truth.len())
            .filter(|patient| !truth[*patient].prior_authorization_ids.is_empty())
            .max_by_key(|patient| truth[*patient].eob_ids.len())
            .expect("somebody with prior authorizations");
        Self {
            token: app.grant(3, &truth[patient].login).access,
            sandbox,
            app,
            patient,
        }
    }

    fn eob(&self, version: u8, query: &str) -> Answer {
        let target = format!("/v{version}/fhir/ExplanationOfBenefit?{query}");
        self.app.get_as(&self.token, &target)
    }

    /// Every id of a search, followed page by page.
    fn all(&self, version: u8, query: &str) -> Vec<String> {
        let first = format!("/v{version}/fhir/ExplanationOfBenefit?_count=50&{query}");
        follow(&self.app, &self.token, &first, &|_| {})
    }

    fn sorted(&self, version: u8, query: &str) -> Vec<String> {
        let mut ids = self.all(version, query);
        ids.sort();
        ids
    }
}

#[test]
fn past_the_end_v2_refuses() {
    let asker = Asker::new();
    let total = asker.eob(2, "_count=1").at("/total");
    let answer = asker.eob(2, &format!("startIndex={total}"));
    let text = format!(
        "An error occurred contacting the upstream server:Value for startIndex ({total}) must be \
         less than than result size ({total})"
    );
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({"detail": text}))
    );
}

#[test]
fn v2_sorts_claim_ids_as_text_and_v3_as_numbers_with_prior_authorizations_last() {
    let asker = Asker::new();
    let second = asker.all(2, "");
    let numbers = second.iter().map(|id| id.split_once('-').unwrap().1);
    assert!(numbers.is_sorted(), "{second:?}");
    let third = asker.all(3, "_source=NCH,DDPS,FISS,MCS,VMS,CWF");
    let split = third.iter().position(|id| id.len() == 36).expect("a UUID");
    let claims = third[..split].iter().map(|id| id.parse::<i64>().unwrap());
    assert!(claims.is_sorted());
    assert!(third[split..].iter().all(|id| id.len() == 36));
}

#[test]
fn v3_leaves_out_shared_systems_and_prior_authorizations_unless_they_are_asked_for() {
    let asker = Asker::new();
    let truth = &asker.sandbox.truth(ApiVersion::V3)[asker.patient];
    assert_eq!(asker.sorted(3, ""), truth.eob_ids);
    let authorizations = asker.sorted(3, "_source=CWF&_lastUpdated=ge2099-01-01");
    assert_eq!(
        authorizations, truth.prior_authorization_ids,
        "dates do not touch them"
    );
    let target = format!("/v3/fhir/ExplanationOfBenefit/{}", authorizations[0]);
    let read = asker.app.get_as(&asker.token, &target);
    assert_eq!(
        (read.status, read.at("/resourceType")),
        (400, "OperationOutcome".into())
    );
}

#[test]
fn types_and_dates_narrow_a_search_and_are_repeated_in_its_links() {
    let asker = Asker::new();
    let (carrier, pde) = (asker.all(2, "type=carrier"), asker.all(2, "type=PDE"));
    assert!(carrier.iter().all(|id| id.starts_with("carrier-")));
    assert!(!pde.is_empty() && pde.iter().all(|id| id.starts_with("pde-")));
    let both = asker.all(2, "type=carrier,pde").len();
    assert_eq!(both, carrier.len() + pde.len());
    assert_eq!(
        asker.all(2, "type=carrier&type=pde"),
        pde,
        "the last one wins"
    );
    let next = asker.eob(2, "_count=1&type=carrier").link("next");
    assert!(next.unwrap().contains("type=carrier"));
    let before = asker.all(2, "service-date=lt2025-06-01").len();
    let after = asker.all(2, "service-date=ge2025-06-01").len();
    assert!(before > 0 && after > 0);
    assert_eq!(before + after, asker.all(2, "").len());
    assert_eq!(asker.all(2, "_lastUpdated=ge2099-01-01").len(), 0);
}

#[test]
fn the_weekly_load_brings_what_an_increment_finds() {
    let asker = Asker::new();
    let updated = asker.eob(2, "_count=1").at("/meta/lastUpdated");
    let updated = updated.as_str().unwrap().replace('+', "%2B");
    let since = format!("_lastUpdated=gt{updated}");
    assert_eq!(asker.all(2, &since).len(), 0);
    for _ in 0..4 {
        asker.sandbox.advance_week();
    }
    let found = asker.all(2, &since);
    let all = asker.sorted(2, "");
    assert_eq!(
        all,
        asker.sandbox.truth(ApiVersion::V2)[asker.patient].eob_ids
    );
    assert!(!found.is_empty() && found.iter().all(|id| all.contains(id)));
}
