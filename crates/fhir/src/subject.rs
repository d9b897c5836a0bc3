//! How a line names its patient, and what its other references say.

use std::fmt;

use claimlake_contract::{Identifier, ResourceType};
use serde_json::Value;

use crate::identifier::{identifier_of, identifiers_of};
use crate::reference::{ReferenceForm, ReferenceQuery, reference_form};

/// A reference as sent: a text, an identifier, or both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// `Reference.reference`.
    pub reference: Option<String>,
    /// `Reference.identifier`.
    pub identifier: Option<Identifier>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(redacted)")
    }
}

/// Whether a resource of this type is a patient's, and counted where it is not known whose: claims
/// and coverages.
#[must_use]
pub fn has_patient(resource: &ResourceType) -> bool {
    matches!(resource.as_str(), "ExplanationOfBenefit" | "Coverage")
}

/// The member in which a resource names its patient.
pub fn subject_member(resource: &str) -> Option<&'static str> {
    match resource {
        "ExplanationOfBenefit" | "Claim" | "ClaimResponse" => Some("patient"),
        "Coverage" => Some("beneficiary"),
        _ => None,
    }
}

/// The patient that a resource names, as sent; `None` if it names none.
pub fn subject_of(resource: &str, line: &[u8]) -> Option<Subject> {
    let name = subject_member(resource)?;
    let member = claimlake_json::member(line, 0, name)?;
    let value = claimlake_json::tree(&line[member.value])?;
    subject(&value)
}

fn subject(reference: &Value) -> Option<Subject> {
    let text = reference["reference"]
        .as_str()
        .filter(|text| !text.is_empty());
    let found = Subject {
        reference: text.map(str::to_owned),
        identifier: identifier_of(&reference["identifier"]),
    };
    (found.reference.is_some() || found.identifier.is_some()).then_some(found)
}

/// The id in `Patient/<id>`, relative or absolute, with or without a version.
pub fn patient_in_reference(reference: &str) -> Option<&str> {
    let (before, rest) = reference.rsplit_once("Patient/")?;
    if !before.is_empty() && !before.ends_with('/') {
        return None;
    }
    rest.split('/').next().filter(|id| !id.is_empty())
}

/// The identifiers of the resource that a line contains under `#id`.
pub fn contained_identifiers(line: &[u8], id: &str) -> Vec<Identifier> {
    let Some(resource) = claimlake_json::tree(line) else {
        return Vec::new();
    };
    let contained = resource["contained"].as_array().into_iter().flatten();
    let patient = contained
        .filter(|one| one["resourceType"] == "Patient")
        .find(|one| one["id"].as_str() == Some(id));
    patient.map_or(Vec::new(), identifiers_of)
}

/// The identifiers by which a line names its patient: of a logical or conditional reference, or of
/// a patient that it contains.
pub fn named_identifiers(resource: &str, line: &[u8]) -> Vec<Identifier> {
    let Some(subject) = subject_of(resource, line) else {
        return Vec::new();
    };
    let mut named: Vec<Identifier> = subject.identifier.into_iter().collect();
    match subject.reference.as_deref().map(reference_form) {
        Some(ReferenceForm::Contained(id)) => named.extend(contained_identifiers(line, id)),
        Some(ReferenceForm::Conditional(_, Some(queries))) => {
            named.extend(queries.into_iter().filter_map(|query| match query {
                ReferenceQuery::Identifier { identifier, .. } => Some(identifier),
                ReferenceQuery::Id(_) => None,
            }));
        }
        _ => {}
    }
    named
}

/// Whether a line may have references that only its Bundle explains; never no where the answer is yes.
pub fn may_have_other_references(line: &[u8]) -> bool {
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    // An escape may hide any letter.
    has(b"\"urn:") || has(b"?identifier=") || has(b"?_id=") || has(b"\\u")
}

/// The texts of all references in a line, each once.
pub fn reference_texts(line: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(value) = claimlake_json::tree(line) {
        collect(&value, &mut texts);
    }
    texts.sort();
    texts.dedup();
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, texts)),
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "reference" => texts.push(text.clone()),
                    other => collect(other, texts),
                }
            }
        }
        _ => {}
    }
}

/// The types of resources that references are resolved to.
pub const TARGET_TYPES: [&str; 6] = [
    "Patient",
    "Coverage",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
];

/// The type, if references are resolved to it.
pub fn target_type(resource: &str) -> Option<&'static str> {
    TARGET_TYPES.into_iter().find(|known| *known == resource)
}

#[cfg(test)]
mod tests {
    use claimlake_contract::Identifier;

    use super::named_identifiers;

    #[test]
    fn a_line_names_its_patient_by_identifiers_in_three_ways() {
        for line in [
            r#"{"patient":{"identifier":{"system":"s","value":"v"}}}"#,
            r#"{"patient":{"reference":"Patient?identifier=s|v"}}"#,
            r##"{"contained":[{"resourceType":"Patient","id":"p","identifier":[{"system":"s","value":"v"}]}],"patient":{"reference":"#p"}}"##,
        ] {
            let named = named_identifiers("ExplanationOfBenefit", line.as_bytes());
            assert_eq!(named, [Identifier::new(Some("s"), "v")], "{line}");
        }
    }
}
