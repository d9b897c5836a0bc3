//! Whose a line is, and by which names a Patient is known: what forgetting must know of FHIR.

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

/// Whether the resource of a line is the person's, or speaks of them: by a reference, by what one
/// was resolved to, or by an identifier that is theirs alone.
///
/// A Patient is known by its id; identifiers are compared by exact system and value, and only where
/// nothing else says whose the line is.
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
    if !may_speak_of(person, api, line) {
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

/// Whether it is known whose the line is. That they are not the person was seen before.
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

/// Whether a line says that it is not the person's: by whom it names, or by an identifier that is
/// not one of theirs though theirs of that system is known. That it is not theirs was seen before.
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
    person.identifiers.iter().any(is_subscriber) || holds_identifier(person, &value)
}

fn holds_identifier(person: &Person, value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|one| holds_identifier(person, one)),
        Value::Object(members) => {
            identifier_of(value).is_some_and(|one| is_theirs(person, &one))
                || members.values().any(|one| holds_identifier(person, one))
        }
        _ => false,
    }
}

/// Whether the person has exactly this identifier. One without a system was written down by an
/// older version, and is any that names one person.
fn is_theirs(person: &Person, identifier: &Identifier) -> bool {
    person.identifiers.contains(identifier)
        || (is_personal(identifier)
            && person
                .identifiers
                .contains(&Identifier::new(None, identifier.value())))
}

/// Whose a line is or of whom it speaks, by id: those for whom [`is_about`] says so by one.
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

/// The people that a line's references name, and for a Patient the person's own id.
#[must_use]
pub fn patients_named(resource: &ResourceType, line: &[u8]) -> Vec<PatientId> {
    let mut people = Vec::new();
    if resource.as_str() == "Patient" {
        people.extend(resource_id(line).map(PatientId::new));
    }
    each_string(line, &mut |text| {
        people.extend(patient_in_reference(text).map(PatientId::new));
        // The id of a Patient whose fullUrl is made of it.
        people.extend(text.strip_prefix("urn:uuid:").map(PatientId::new));
    });
    people.sort();
    people.dedup();
    people
}

/// By which names a Patient is known.
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

/// The names of a Patient; none where the line is not one.
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

/// The identifiers by which a line says whose it is: those of a Patient that name one person, and
/// all that a claim or coverage names its patient by.
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

/// Whether raw text, JSON or not, holds one of the person's names as a word of its own.
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

/// A quick look that never says no where the answer is yes: an escape may hide any letter.
fn may_speak_of(person: &Person, api: ApiVersion, line: &[u8]) -> bool {
    let names = person
        .ids_of(api)
        .chain(person.identifiers.iter().map(Identifier::value));
    let mut names = names;
    names.any(|name| memchr::memmem::find(line, name.as_bytes()).is_some())
        || memchr::memmem::find(line, b"\\u").is_some()
}

#[cfg(test)]
mod tests;
