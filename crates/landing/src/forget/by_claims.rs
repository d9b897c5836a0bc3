//! Patients that did not land, by the identifiers that claims and coverages name them by.

use std::collections::BTreeSet;

use claimlake_contract::{
    ApiVersion, Identifier, LandingLayout, PatientId, ReferenceRecord, ResourceType,
};
use claimlake_fhir::{
    SUBSCRIBER_SYSTEM, identifier_of, is_personal, named_identifiers, names_its_patient,
    patient_in_reference, subject_of,
};
use serde_json::Value;

use crate::run_lines::each_line;
use crate::{LandingError, landing_runs};

/// What claims and coverages say of a person whose Patient is not here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedByClaims {
    /// The identifiers, as the lines have them.
    pub identifiers: BTreeSet<Identifier>,
    /// The ids that the same lines name their patient by.
    pub patients: BTreeSet<(ApiVersion, PatientId)>,
}

/// Looks for claims and coverages that name their patient by what somebody typed: the value of an
/// identifier that names one person, or `system|value`.
///
/// An identifier that may be several people's counts only as `system|value`, and only where a line
/// names its patient by it: a provider has identifiers, too.
///
/// # Errors
/// When the raw zone cannot be listed.
pub fn named_by_claims(
    layout: &LandingLayout,
    wanted: &str,
) -> Result<NamedByClaims, LandingError> {
    let mut found = NamedByClaims::default();
    for run in landing_runs(layout)?.sealed {
        let (api, resource) = (run.manifest.api, &run.manifest.resource);
        if resource.as_str() != ResourceType::PATIENT {
            each_line(&run, |line, references| {
                look_at(wanted, api, resource, line, references, &mut found);
            });
        }
    }
    Ok(found)
}

fn look_at(
    wanted: &str,
    api: ApiVersion,
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
    found: &mut NamedByClaims,
) {
    let value = wanted.rsplit('|').next().unwrap_or_default();
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    // An escape may hide any letter.
    if value.is_empty() || !(has(value.as_bytes()) || has(b"\\u") || has(b"?identifier=")) {
        return;
    }
    let names_one = |one: &Identifier| is_personal(one) || one.system().is_none();
    let is_wanted =
        |one: &Identifier| one.to_string() == wanted || (one.value() == wanted && names_one(one));
    let mut named = named_identifiers(resource.as_str(), line);
    named.retain(is_wanted);
    if !named.is_empty() {
        let resolved = references.iter().filter_map(ReferenceRecord::patient);
        let mut ids: Vec<PatientId> = resolved.map(PatientId::new).collect();
        let subject = subject_of(resource.as_str(), line);
        let reference = subject.and_then(|subject| subject.reference);
        ids.extend(
            reference
                .as_deref()
                .and_then(patient_in_reference)
                .map(PatientId::new),
        );
        found.patients.extend(ids.into_iter().map(|id| (api, id)));
        found.identifiers.extend(named);
    }
    if names_its_patient(resource, line, references) {
        return;
    }
    let Some(body) = claimlake_json::tree(line) else {
        return;
    };
    if let Some(subscriber) = body["subscriberId"].as_str() {
        let subscriber = Identifier::new(Some(SUBSCRIBER_SYSTEM), subscriber);
        found.identifiers.extend(Some(subscriber).filter(is_wanted));
    }
    collect(&body, &mut |one| {
        if is_personal(&one) && is_wanted(&one) {
            found.identifiers.insert(one);
        }
    });
}

/// Calls `visit` with every `Identifier` element.
fn collect(value: &Value, visit: &mut dyn FnMut(Identifier)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|one| collect(one, visit)),
        Value::Object(members) => {
            if let Some(identifier) = identifier_of(value) {
                visit(identifier);
            }
            members.values().for_each(|one| collect(one, visit));
        }
        _ => {}
    }
}
