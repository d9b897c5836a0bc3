//! Searches and reads: paging, limits, order, filters and refusals of the two backends.

use claimlake_contract::ApiVersion;
use claimlake_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};

use crate::client::{Answer, get_as, send};
use crate::grant::App;
use crate::happy::{ids, link, started};

/// A sandbox whose first person with many claims has consented in both versions.
struct Asker {
    sandbox: Sandbox,
    token: String,
    person: usize,
}

impl Asker {
    fn new() -> Self {
        let sandbox = started(SandboxConfig {
            patients: 12,
            eobs_mean: 40,
            ..SandboxConfig::default()
        });
        let truth = sandbox.truth(ApiVersion::V3);
        let person = (0..truth.len())
            .filter(|person| !truth[*person].prior_authorization_ids.is_empty())
            .max_by_key(|person| truth[*person].eob_ids.len())
            .expect("somebody with prior authorizations");
        let token = App::of(&sandbox).grant(3, &truth[person].login).access;
        Self {
            sandbox,
            token,
            person,
        }
    }

    fn get(&self, target: &str) -> Answer {
        get_as(self.sandbox.url(), target, &self.token)
    }

    fn eob(&self, version: u8, query: &str) -> Answer {
        self.get(&format!("/v{version}/fhir/ExplanationOfBenefit?{query}"))
    }

    /// Every id of a search, followed page by page.
    fn all(&self, version: u8, query: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = Some(format!(
            "/v{version}/fhir/ExplanationOfBenefit?_count=50&{query}"
        ));
        while let Some(target) = next {
            let bundle = self.get(&target).json();
            found.extend(ids(&bundle));
            next = link(&bundle, "next").map(|url| url[self.sandbox.url().len()..].to_owned());
        }
        found
    }
}

#[test]
fn page_sizes_and_offsets_outside_their_limits_are_refused_with_the_rule() {
    let asker = Asker::new();
    for (query, detail) in [
        ("_count=51", "value must be at most 50"),
        ("_count=-1", "value must be at least 0"),
        ("_count=abc", "expected int"),
        ("_count=", "expected int"),
        ("startIndex=x", "expected int"),
        ("type=bad", "the type parameter value is not valid"),
        (
            "_lastUpdated=2025-01-01",
            "the _lastUpdated operator is not valid",
        ),
        (
            "_lastUpdated=eq2025-01-01",
            "the _lastUpdated operator is not valid",
        ),
        (
            "service-date=2025",
            "the service-date operator is not valid",
        ),
    ] {
        for version in [2, 3] {
            let answer = asker.eob(version, query);
            let expected = json!({"detail": detail});
            assert_eq!(
                (answer.status, answer.json()),
                (400, expected),
                "v{version} {query}"
            );
        }
    }
    assert_eq!(
        ids(&asker.eob(2, "_count=3&_count=5").json()).len(),
        5,
        "the last one wins"
    );
    assert_eq!(ids(&asker.eob(2, "").json()).len(), 10, "ten by default");
    assert_eq!(ids(&asker.eob(3, "count=7").json()).len(), 7);
}

#[test]
fn past_the_end_v2_refuses_and_v3_answers_nothing() {
    let asker = Asker::new();
    let total = asker.eob(2, "_count=1").json()["total"].as_u64().unwrap();
    let answer = asker.eob(2, &format!("startIndex={total}"));
    let text = format!(
        "An error occurred contacting the upstream server:Value for startIndex ({total}) must be \
         less than than result size ({total})"
    );
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({"detail": text}))
    );
    let answer = asker.eob(3, "_offset=5000");
    let bundle = answer.json();
    assert_eq!((answer.status, ids(&bundle).len()), (200, 0));
    assert_eq!((link(&bundle, "next"), bundle.get("total")), (None, None));
    assert_eq!(asker.eob(3, "_offset=-1").status, 500);
}

#[test]
fn v2_sorts_claim_ids_as_text_and_v3_as_numbers_with_prior_authorizations_last() {
    let asker = Asker::new();
    let second = asker.all(2, "");
    let numbers: Vec<&str> = second
        .iter()
        .map(|id| id.split_once('-').unwrap().1)
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    let third = asker.all(3, "_source=NCH,DDPS,FISS,MCS,VMS,CWF");
    let split = third.iter().position(|id| id.len() == 36).expect("a UUID");
    let claims: Vec<i64> = third[..split]
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    assert!(claims.is_sorted());
    assert!(third[split..].iter().all(|id| id.len() == 36));
}

#[test]
fn v3_leaves_out_shared_systems_and_prior_authorizations_unless_they_are_asked_for() {
    let asker = Asker::new();
    let truth = asker.sandbox.truth(ApiVersion::V3)[asker.person].clone();
    let mut default = asker.all(3, "");
    default.sort();
    assert_eq!(default, truth.eob_ids);
    let mut authorizations = asker.all(3, "_source=CWF&_lastUpdated=ge2099-01-01");
    authorizations.sort();
    assert_eq!(
        authorizations, truth.prior_authorization_ids,
        "dates do not touch them"
    );
    let id = &authorizations[0];
    let read = asker.get(&format!("/v3/fhir/ExplanationOfBenefit/{id}"));
    assert_eq!(
        (read.status, read.json()["resourceType"].as_str()),
        (400, Some("OperationOutcome"))
    );
    let unknown = asker.eob(3, "_source=XYZ");
    assert_eq!(
        (unknown.status, unknown.json()["resourceType"].as_str()),
        (400, Some("OperationOutcome"))
    );
}

#[test]
fn types_and_dates_narrow_a_search_and_are_repeated_in_its_links() {
    let asker = Asker::new();
    let (carrier, pde) = (asker.all(2, "type=carrier"), asker.all(2, "type=PDE"));
    assert!(carrier.iter().all(|id| id.starts_with("carrier-")));
    assert!(!pde.is_empty() && pde.iter().all(|id| id.starts_with("pde-")));
    assert_eq!(
        asker.all(2, "type=carrier,pde").len(),
        carrier.len() + pde.len()
    );
    assert_eq!(
        asker.all(2, "type=carrier&type=pde"),
        pde,
        "the last one wins"
    );
    let bundle = asker.eob(2, "_count=1&type=carrier").json();
    assert!(link(&bundle, "next").unwrap().contains("type=carrier"));
    let all = asker.all(2, "").len();
    let (before, after) = (
        asker.all(2, "service-date=lt2025-06-01").len(),
        asker.all(2, "service-date=ge2025-06-01").len(),
    );
    assert_eq!((before + after, before > 0 && after > 0), (all, true));
    assert_eq!(asker.all(2, "_lastUpdated=ge2099-01-01").len(), 0);
}

#[test]
fn the_weekly_load_brings_what_an_increment_finds() {
    let asker = Asker::new();
    let updated = asker.eob(2, "_count=1").json()["meta"]["lastUpdated"].clone();
    let since = format!(
        "_lastUpdated=gt{}",
        updated.as_str().unwrap().replace('+', "%2B")
    );
    assert_eq!(asker.all(2, &since).len(), 0);
    for _ in 0..4 {
        asker.sandbox.advance_week();
    }
    let found = asker.all(2, &since);
    assert!(!found.is_empty());
    let mut all = asker.all(2, "");
    all.sort();
    assert_eq!(
        all,
        asker.sandbox.truth(ApiVersion::V2)[asker.person].eob_ids
    );
    assert!(found.iter().all(|id| all.contains(id)));
}

#[test]
fn only_the_person_of_the_token_can_be_asked_about() {
    let asker = Asker::new();
    let truth = asker.sandbox.truth(ApiVersion::V2);
    let (own, other) = (
        &truth[asker.person],
        &truth[(asker.person + 1) % truth.len()],
    );
    let status = |target: String| asker.get(&target).status;
    let eob = |patient: &str| status(format!("/v2/fhir/ExplanationOfBenefit?patient={patient}"));
    assert_eq!(eob(&own.patient), 200);
    assert_eq!(eob(&format!("Patient/{}", own.patient)), 403);
    assert_eq!(eob(&other.patient), 403);
    assert_eq!(
        status(format!(
            "/v3/fhir/ExplanationOfBenefit?patient={}",
            own.patient
        )),
        403,
        "the id of the other version"
    );
    assert_eq!(
        status(format!(
            "/v2/fhir/Coverage?beneficiary=Patient/{}",
            own.patient
        )),
        200
    );
    assert_eq!(
        status(format!("/v2/fhir/Coverage?beneficiary={}", other.patient)),
        403
    );
    assert_eq!(
        status(format!("/v2/fhir/Patient?_id={}", other.patient)),
        404
    );
    assert_eq!(status(format!("/v2/fhir/Patient/{}", other.patient)), 404);
    let foreign = truth
        .iter()
        .find(|person| person.login != own.login && !person.eob_ids.is_empty());
    let id = &foreign.unwrap().eob_ids[0];
    assert_eq!(status(format!("/v2/fhir/ExplanationOfBenefit/{id}")), 404);
}

#[test]
fn other_formats_methods_and_strict_unknown_parameters_are_refused() {
    let asker = Asker::new();
    let bearer = format!("Bearer {}", asker.token);
    let ask = |method: &str, target: &str, extra: (&str, &str)| {
        let headers = [("authorization", bearer.as_str()), extra];
        send(asker.sandbox.url(), method, target, &headers, b"").unwrap()
    };
    let target = "/v3/fhir/ExplanationOfBenefit?foo=1&_sort=x";
    for accept in ["application/fhir+xml", "text/html"] {
        let answer = ask("GET", target, ("accept", accept));
        assert_eq!(answer.status, 406);
        assert_eq!(
            answer.json()["detail"],
            "Could not satisfy the request Accept header."
        );
    }
    let plain = ask("GET", target, ("accept", "*/*"));
    assert_eq!(plain.header("content-type"), Some("application/fhir+json"));
    let strict = ask("GET", target, ("prefer", "handling=strict"));
    let expected: Value = json!({"error": "Invalid parameters: ['foo', '_sort']"});
    assert_eq!((strict.status, strict.json()), (400, expected));
    let second = target.replace("/v3/", "/v2/");
    assert_eq!(
        ask("GET", &second, ("prefer", "handling=strict")).status,
        200
    );
    let posted = ask(
        "POST",
        "/v2/fhir/Patient/_search",
        ("content-type", "text/x"),
    );
    assert_eq!(posted.status, 415);
    assert_eq!(ask("DELETE", target, ("accept", "*/*")).status, 403);
    let in_query = format!("/v2/fhir/Patient?access_token={}", asker.token);
    assert_eq!(ask("GET", &in_query, ("accept", "*/*")).status, 400);
}
