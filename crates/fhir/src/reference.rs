//! The references of a line as they were sent, and what each of them names.

use std::fmt;

use claimlake_contract::Identifier;
use serde_json::Value;

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

/// What the text of a reference names ([FHIR R4 2.3.0.1](https://hl7.org/fhir/R4/references.html#literal)).
/// Its texts are PHI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceForm<'t> {
    /// `#id`: a resource within the line.
    Contained(&'t str),
    /// `urn:uuid:…`, `urn:oid:…`, an address that has no `Type/id` at its end: the entry of a
    /// Bundle with this `fullUrl`.
    Urn(String),
    /// `Type?identifier=system|value`: whichever resource has it; none of what is not understood.
    Conditional(&'t str, Option<Vec<ReferenceQuery>>),
    /// `Type/id`, relative or absolute, without its version.
    Restful {
        /// All of it but the version.
        url: &'t str,
        /// The type.
        resource: &'t str,
        /// The id.
        id: &'t str,
    },
    /// Something else.
    Other,
}

/// One parameter of a conditional reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceQuery {
    /// `_id=…`
    Id(String),
    /// `identifier=system|value`; without a bar, the value in any system.
    Identifier {
        /// Whether the system is left open.
        any_system: bool,
        /// What is looked for.
        identifier: Identifier,
    },
}

impl ReferenceQuery {
    /// A query of the resources that have exactly this identifier.
    #[must_use]
    pub fn exactly(identifier: &Identifier) -> Self {
        Self::Identifier {
            any_system: false,
            identifier: identifier.clone(),
        }
    }
}

/// The member that says whose a resource is.
pub fn subject_member(resource: &str) -> Option<&'static str> {
    match resource {
        "ExplanationOfBenefit" | "Claim" | "ClaimResponse" => Some("patient"),
        "Coverage" => Some("beneficiary"),
        _ => None,
    }
}

/// Whom a resource says it is about; none where it does not say.
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

/// The identifier of an `Identifier` element.
pub fn identifier_of(element: &Value) -> Option<Identifier> {
    let value = element["value"]
        .as_str()
        .filter(|value| !value.is_empty())?;
    Some(Identifier::new(element["system"].as_str(), value))
}

/// The id in `Patient/<id>`, relative or absolute, with or without a version.
pub fn patient_in_reference(reference: &str) -> Option<&str> {
    let (before, rest) = reference.rsplit_once("Patient/")?;
    if !before.is_empty() && !before.ends_with('/') {
        return None;
    }
    rest.split('/').next().filter(|id| !id.is_empty())
}

/// Whether a line may hold references that its Bundle alone explains.
pub fn may_hold_others(line: &[u8]) -> bool {
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

/// The identifiers of a resource.
pub fn identifiers_of(resource: &Value) -> Vec<Identifier> {
    let list = resource["identifier"].as_array().into_iter().flatten();
    list.filter_map(identifier_of).collect()
}

/// The identifiers by which a line says whose it is: of a logical or conditional reference, or of
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

/// The types that are looked for.
pub const TARGET_TYPES: [&str; 6] = [
    "Patient",
    "Coverage",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
];

/// The type, if it is one of those that are looked for.
pub fn target_type(resource: &str) -> Option<&'static str> {
    TARGET_TYPES.into_iter().find(|known| *known == resource)
}

/// What the text of a reference names.
#[must_use]
pub fn reference_form(text: &str) -> ReferenceForm<'_> {
    if let Some(id) = text.strip_prefix('#') {
        return ReferenceForm::Contained(id);
    }
    let scheme = text.get(..4).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("urn:") {
        return ReferenceForm::Urn(normalized_url(text));
    }
    if let Some((before, query)) = text.split_once('?') {
        let resource = before.rsplit('/').next().unwrap_or_default();
        return match is_type(resource) {
            true => ReferenceForm::Conditional(resource, queries(query)),
            false => ReferenceForm::Other,
        };
    }
    let url = text.split('#').next().unwrap_or_default();
    let url = url.rsplit_once("/_history/").map_or(url, |(url, _)| url);
    let Some((before, id)) = url.rsplit_once('/') else {
        return ReferenceForm::Other;
    };
    let resource = before.rsplit('/').next().unwrap_or_default();
    if is_type(resource) && !id.is_empty() {
        return ReferenceForm::Restful { url, resource, id };
    }
    match text.contains("://") {
        true => ReferenceForm::Urn(text.to_owned()),
        false => ReferenceForm::Other,
    }
}

/// A `fullUrl` as it is compared: UUIDs may be written in any case.
pub fn normalized_url(url: &str) -> String {
    let is_uuid = url
        .get(..9)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:uuid:"));
    match is_uuid {
        true => url.to_ascii_lowercase(),
        false => url.to_owned(),
    }
}

fn is_type(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The parameters; none where one is not understood, so that nothing is taken for the answer.
fn queries(query: &str) -> Option<Vec<ReferenceQuery>> {
    let mut found = Vec::new();
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=')?;
        // In a query a plus is a space; a plus itself is sent as %2B.
        let value = percent_decoded(&value.replace('+', " "))?;
        found.push(match name {
            "_id" => ReferenceQuery::Id(value),
            "identifier" => token(&value),
            _ => return None,
        });
    }
    Some(found)
}

/// `system|value`. FHIR writes a bar, comma, dollar or backslash within either behind a backslash.
fn token(text: &str) -> ReferenceQuery {
    let mut system = None;
    let mut value = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next_if(|next| matches!(next, '|' | ',' | '$' | '\\'));
                value.push(escaped.unwrap_or(character));
            }
            '|' if system.is_none() => system = Some(std::mem::take(&mut value)),
            _ => value.push(character),
        }
    }
    let any_system = system.is_none();
    let system = system.filter(|system| !system.is_empty());
    ReferenceQuery::Identifier {
        any_system,
        identifier: Identifier::new(system.as_deref(), &value),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use claimlake_contract::Identifier;

    use super::{ReferenceForm, ReferenceQuery, named_identifiers, reference_form};

    fn by_identifier(any_system: bool, system: Option<&str>, value: &str) -> Vec<ReferenceQuery> {
        let identifier = Identifier::new(system, value);
        vec![ReferenceQuery::Identifier {
            any_system,
            identifier,
        }]
    }

    #[test]
    fn the_forms_of_references_are_told_apart() {
        let restful = |url, id| ReferenceForm::Restful {
            url,
            resource: "Patient",
            id,
        };
        let cases: Vec<(&str, ReferenceForm<'_>)> = vec![
            ("Patient/1", restful("Patient/1", "1")),
            ("Patient/1/_history/2", restful("Patient/1", "1")),
            (
                "https://h.example/fhir/Patient/1",
                restful("https://h.example/fhir/Patient/1", "1"),
            ),
            ("#p", ReferenceForm::Contained("p")),
            ("urn:uuid:0B6E", ReferenceForm::Urn("urn:uuid:0b6e".into())),
            ("URN:UUID:0b6e", ReferenceForm::Urn("urn:uuid:0b6e".into())),
            ("urn:oid:1.2.3", ReferenceForm::Urn("urn:oid:1.2.3".into())),
            (
                "Patient?identifier=http://s.example|v",
                ReferenceForm::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("http://s.example"), "v")),
                ),
            ),
            (
                "Patient?identifier=http%3A%2F%2Fs.example%7Cv",
                ReferenceForm::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("http://s.example"), "v")),
                ),
            ),
            (
                "Patient?identifier=v",
                ReferenceForm::Conditional("Patient", Some(by_identifier(true, None, "v"))),
            ),
            (
                "Patient?identifier=|v",
                ReferenceForm::Conditional("Patient", Some(by_identifier(false, None, "v"))),
            ),
            (
                "https://h.example/fhir/Patient?_id=7",
                ReferenceForm::Conditional("Patient", Some(vec![ReferenceQuery::Id("7".into())])),
            ),
            (
                "Patient?identifier=s|A+B%2BC",
                ReferenceForm::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("s"), "A B+C")),
                ),
            ),
            (
                r"Patient?identifier=s|a\|b\\\,c\d",
                ReferenceForm::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("s"), r"a|b\,c\d")),
                ),
            ),
            (
                "Patient?identifier=a%5C%7Cb",
                ReferenceForm::Conditional("Patient", Some(by_identifier(true, None, "a|b"))),
            ),
            (
                "Patient?identifier=s|a|b",
                ReferenceForm::Conditional("Patient", Some(by_identifier(false, Some("s"), "a|b"))),
            ),
            (
                "http://a.example/x/77",
                ReferenceForm::Urn("http://a.example/x/77".into()),
            ),
            (
                "http://a.example",
                ReferenceForm::Urn("http://a.example".into()),
            ),
            (
                "http://a.example/x/",
                ReferenceForm::Urn("http://a.example/x/".into()),
            ),
            ("a.example/x/77", ReferenceForm::Other),
            (
                "Patient?name=x",
                ReferenceForm::Conditional("Patient", None),
            ),
            (
                "Patient?identifier=%7",
                ReferenceForm::Conditional("Patient", None),
            ),
            ("patient/1", ReferenceForm::Other),
            ("1", ReferenceForm::Other),
            ("", ReferenceForm::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(reference_form(text), expected, "{text}");
        }
    }

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
