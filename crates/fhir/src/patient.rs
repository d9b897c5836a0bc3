//! Whose a line is, and by which names a Patient is known: what a removal must know of FHIR.

use std::fmt;

use claimlake_contract::{
    ApiVersion, Identifier, PatientId, Person, ReferenceRecord, ResourceType,
};
use serde_json::Value;

use crate::identifier::{identifier_of, identifiers_of, is_personal};
use crate::member::resource_id;
use crate::strings::each_string;
use crate::subject::{named_identifiers, patient_in_reference, subject_of};

/// The system that a Coverage's `subscriberId` is of, which it does not say.
pub const SUBSCRIBER_SYSTEM: &str = "http://hl7.org/fhir/sid/us-mbi";

/// Whether the resource of a line belongs to the person or names them: by a reference, by the
/// target of a resolved one, or by a personal identifier.
///
/// A Patient is known by its id. Identifiers are compared by exact system and value, and only if
/// nothing else states whose the line is.
#[must_use]
pub fn is_about(
    person: &Person,
    api: ApiVersion,
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
) -> bool {
    let mut resolved = references.iter().filter_map(ReferenceRecord::patient);
    if resolved.any(|id| person.has_id(api, id)) {
        return true;
    }
    if !may_name(person, api, line) {
        return false;
    }
    let own_id = match resource.as_str() {
        "Patient" => resource_id(line),
        _ => None,
    };
    if own_id.as_deref().is_some_and(|id| person.has_id(api, id)) {
        return true;
    }
    let mut found = false;
    each_string(line, &mut |text| {
        found |= patient_in_reference(text).is_some_and(|id| person.has_id(api, id));
    });
    found
        || (own_id.is_none()
            && !names_its_patient(resource, line, references)
            && has_identifier(person, resource, line))
}

/// Whether a line names its patient, by a reference or by what one was resolved to.
pub fn names_its_patient(
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
) -> bool {
    if references.iter().any(|record| record.patient().is_some()) {
        return true;
    }
    let subject = subject_of(resource.as_str(), line);
    let reference = subject.and_then(|subject| subject.reference);
    reference.is_some_and(|text| patient_in_reference(&text).is_some())
}

/// Whether a line, which is not the person's by [`is_about`], names another patient: by a reference, or
/// by an identifier of a system in which the person's own is known.
pub fn names_another_patient(
    person: &Person,
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
) -> bool {
    let has_system = |system: Option<&str>| {
        let mut own = person.identifiers.iter();
        own.any(|own| own.system() == system)
    };
    names_its_patient(resource, line, references)
        || named_identifiers(resource.as_str(), line)
            .iter()
            .any(|named| is_personal(named) && has_system(named.system()))
}

/// Whether a line has an identifier of the person: as an element, in a conditional reference, or as
/// a Coverage's `subscriberId`, which has no system of its own.
fn has_identifier(person: &Person, resource: &ResourceType, line: &[u8]) -> bool {
    let Some(value) = claimlake_json::tree(line) else {
        return false;
    };
    let named = named_identifiers(resource.as_str(), line);
    if named.iter().any(|identifier| is_theirs(person, identifier)) {
        return true;
    }
    let subscriber = value["subscriberId"].as_str();
    let is_subscriber = |own: &Identifier| Some(own.value()) == subscriber;
    person.identifiers.iter().any(is_subscriber) || contains_identifier(person, &value)
}

fn contains_identifier(person: &Person, value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|one| contains_identifier(person, one)),
        Value::Object(members) => {
            identifier_of(value).is_some_and(|one| is_theirs(person, &one))
                || members.values().any(|one| contains_identifier(person, one))
        }
        _ => false,
    }
}

/// Whether the person has exactly this identifier. One without a system was noted by an older version
/// and matches in any personal system.
fn is_theirs(person: &Person, identifier: &Identifier) -> bool {
    person.identifiers.contains(identifier)
        || (is_personal(identifier)
            && person
                .identifiers
                .contains(&Identifier::new(None, identifier.value())))
}

/// Calls `visit` with the id of every patient that a line names: those that [`is_about`] finds by id.
pub fn each_patient_named(
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
    mut visit: impl FnMut(&str),
) {
    for id in references.iter().filter_map(ReferenceRecord::patient) {
        visit(id);
    }
    if resource.as_str() == "Patient"
        && let Some(id) = resource_id(line)
    {
        visit(&id);
    }
    each_string(line, &mut |text| {
        if let Some(id) = patient_in_reference(text) {
            visit(id);
        }
    });
}

/// The patients that a line's references name, and for a Patient its own id.
#[must_use]
pub fn patients_named(resource: &ResourceType, line: &[u8]) -> Vec<PatientId> {
    let mut patients = Vec::new();
    if resource.as_str() == "Patient" {
        patients.extend(resource_id(line).map(PatientId::new));
    }
    each_string(line, &mut |text| {
        patients.extend(patient_in_reference(text).map(PatientId::new));
        // A Patient whose `fullUrl` is made from its id.
        patients.extend(text.strip_prefix("urn:uuid:").map(PatientId::new));
    });
    patients.sort();
    patients.dedup();
    patients
}

/// The names by which a Patient is known.
pub struct PatientNames {
    /// `Patient.id`.
    pub id: PatientId,
    /// All, with their systems.
    pub identifiers: Vec<Identifier>,
    /// Other Patients that are the same person.
    pub links: Vec<PatientId>,
    /// `Patient.birthDate`.
    pub birth_date: Option<String>,
}

impl fmt::Debug for PatientNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientNames(redacted)")
    }
}

impl PatientNames {
    /// Adds what another body of the same Patient says.
    pub fn add(&mut self, other: PatientNames) {
        self.identifiers.extend(other.identifiers);
        self.links.extend(other.links);
        self.birth_date = other.birth_date.or(self.birth_date.take());
    }
}

/// The names of a Patient; `None` if the line is not one.
pub fn patient_names(line: &[u8]) -> Option<PatientNames> {
    let patient = claimlake_json::tree(line)?;
    let links = patient["link"].as_array().into_iter().flatten();
    let links = links.filter_map(|link| patient_in_reference(link["other"]["reference"].as_str()?));
    Some(PatientNames {
        id: PatientId::new(patient["id"].as_str()?),
        identifiers: identifiers_of(&patient),
        links: links.map(PatientId::new).collect(),
        birth_date: patient["birthDate"].as_str().map(str::to_owned),
    })
}

/// The identifiers by which a line names its patient: those of a Patient that belong to one person
/// only, and all by which a claim or coverage refers to its patient.
#[must_use]
pub fn personal_identifiers(resource: &ResourceType, line: &[u8]) -> Vec<Identifier> {
    if resource.as_str() != "Patient" {
        return named_identifiers(resource.as_str(), line);
    }
    let patient = claimlake_json::tree(line);
    let mut identifiers = patient.map_or(Vec::new(), |patient| identifiers_of(&patient));
    identifiers.retain(is_personal);
    identifiers
}

/// Whether raw text, JSON or not, has one of the person's names as a word of its own.
pub fn mentions(person: &Person, text: &[u8]) -> bool {
    let names = person.ids.iter().map(|(_, id)| id.expose());
    let mut names = names.chain(person.identifiers.iter().map(Identifier::value));
    names.any(|name| !name.is_empty() && has_word(text, name.as_bytes()))
}

fn has_word(text: &[u8], word: &[u8]) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    memchr::memmem::find_iter(text, word).any(|start| {
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        !joins(before) && !joins(text.get(start + word.len()))
    })
}

/// A quick search that is never false where [`is_about`] is true: an escape may hide any letter.
fn may_name(person: &Person, api: ApiVersion, line: &[u8]) -> bool {
    let identifiers = person.identifiers.iter().map(Identifier::value);
    let mut names = person.ids_of(api).chain(identifiers);
    names.any(|name| memchr::memmem::find(line, name.as_bytes()).is_some())
        || memchr::memmem::find(line, b"\\u").is_some()
}

#[cfg(test)]
mod tests;
