//! What the vault has on record of each patient against landing.

use std::collections::HashMap;

use claimlake_contract::{LandingPatient, PatientState, RunId};
use claimlake_landing::LandingRuns;

use crate::key_hash::KeyMap;
use crate::landed::{GrantKey, grant_key};
use crate::report::Check;
use crate::request::VerifyRequest;

/// Compares the vault's state of each patient and resource type with landing; `landed` are the distinct
/// resources that were read of each patient.
pub(crate) fn check(
    request: &VerifyRequest<'_>,
    runs: &LandingRuns,
    landed: &KeyMap<GrantKey, u64>,
) -> Check {
    let mut check = Check::hard(
        "extract_status",
        "what is on record of each patient against what has landed",
    );
    let mut patients = HashMap::new();
    for run in &runs.sealed {
        let named = run.manifest.patients.iter();
        patients.extend(named.map(|patient| (&patient.grant, &patient.patient)));
    }
    let mut newest: HashMap<GrantKey, chrono::DateTime<chrono::Utc>> = HashMap::new();
    for run in &runs.sealed {
        let manifest = &run.manifest;
        for patient in &manifest.patients {
            let text = patient.last_updated.as_deref().unwrap_or_default();
            if let Ok(found) = chrono::DateTime::parse_from_rfc3339(text) {
                let key = grant_key(manifest.api, &manifest.resource, patient.grant.as_str());
                let newest = newest.entry(key).or_insert_with(|| found.to_utc());
                *newest = found.to_utc().max(*newest);
            }
        }
    }
    let on_record = by_run(runs);
    for state in &request.states {
        let key = grant_key(state.api, &state.resource, state.grant.as_str());
        let place = |what: &str| {
            format!(
                "{} of grant {} ({}): {what}",
                state.resource, state.grant, state.api
            )
        };
        if state.state == PatientState::Complete {
            let of_patient = patients
                .get(&state.grant)
                .map(|patient| grant_key(state.api, &state.resource, patient.expose()));
            let found = of_patient.and_then(|key| landed.get(&key)).copied();
            let found = found.unwrap_or(0);
            check.expect(found >= state.known, || {
                place(&format!(
                    "marked complete with {}, {found} have landed",
                    state.known
                ))
            });
        }
        let of_run = on_record.get(&(key, &state.run));
        let is_same = |patient: &&LandingPatient| {
            patient.state == state.state && patient.resources == state.landed
        };
        check.expect(
            of_run.is_none_or(|of_run| of_run.iter().any(is_same)),
            || {
                place(&format!(
                    "marked {} with {} landed in run {}, whose manifest in landing says otherwise",
                    state.state.as_str(),
                    state.landed,
                    state.run
                ))
            },
        );
        let ahead = match (state.watermark, newest.get(&key)) {
            (Some(watermark), Some(newest)) => watermark > *newest,
            (Some(_), None) => state.known > 0,
            _ => false,
        };
        check.expect(!ahead, || {
            place("the watermark is later than anything that landed")
        });
    }
    check
}

/// What landing's manifests say of each patient, run by run.
pub(crate) fn by_run(runs: &LandingRuns) -> HashMap<(GrantKey, &RunId), Vec<&LandingPatient>> {
    let mut found: HashMap<_, Vec<&LandingPatient>> = HashMap::new();
    for run in &runs.sealed {
        let manifest = &run.manifest;
        for patient in &manifest.patients {
            let key = grant_key(manifest.api, &manifest.resource, patient.grant.as_str());
            found.entry((key, &manifest.run)).or_default().push(patient);
        }
    }
    found
}
