//! The references of a line as they were sent, and what each of them asks for.

use claimlake_contract::Identifier;
use serde_json::Value;

/// A reference as sent: a text, an identifier, or both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub(crate) reference: Option<String>,
    pub(crate) identifier: Option<Identifier>,
}

/// What the text of a reference asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked<'t> {
    /// `#id`: a resource within the line.
    Contained(&'t str),
    /// `urn:uuid:…`, `urn:oid:…`, an address that has no `Type/id` at its end: the entry of a
    /// Bundle with this `fullUrl`.
    Urn(String),
    /// `Type?identifier=system|value`: whichever resource has it; none of what is not understood.
    Conditional(&'t str, Option<Vec<Query>>),
    /// `Type/id`, relative or absolute, without its version.
    Restful {
        url: &'t str,
        resource: &'t str,
        id: &'t str,
    },
    /// Something else.
    Other,
}

/// One parameter of a conditional reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Query {
    /// `_id=…`
    Id(String),
    /// `identifier=system|value`; without a bar, the value in any system.
    Identifier {
        any_system: bool,
        identifier: Identifier,
    },
}

/// The member that says whose a resource is.
pub(crate) fn subject_member(resource: &str) -> Option<&'static str> {
    match resource {
        "ExplanationOfBenefit" | "Claim" | "ClaimResponse" => Some("patient"),
        "Coverage" => Some("beneficiary"),
        _ => None,
    }
}

/// Whom a resource says it is about; none where it does not say.
pub(crate) fn subject_of(resource: &str, line: &[u8]) -> Option<Subject> {
    let name = subject_member(resource)?;
    let member = crate::json::member(line, 0, name)?;
    let value = crate::json::tree(&line[member.value])?;
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
pub(crate) fn identifier_of(element: &Value) -> Option<Identifier> {
    let value = element["value"]
        .as_str()
        .filter(|value| !value.is_empty())?;
    Some(Identifier::new(element["system"].as_str(), value))
}

/// Whether a line may hold references that its Bundle alone explains.
pub(crate) fn may_hold_others(line: &[u8]) -> bool {
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    // An escape may hide any letter.
    has(b"\"urn:") || has(b"?identifier=") || has(b"?_id=") || has(b"\\u")
}

/// The texts of all references in a line, each once.
pub(crate) fn reference_texts(line: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(value) = crate::json::tree(line) {
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
pub(crate) fn contained_identifiers(line: &[u8], id: &str) -> Vec<Identifier> {
    let Some(resource) = crate::json::tree(line) else {
        return Vec::new();
    };
    let contained = resource["contained"].as_array().into_iter().flatten();
    let patient = contained
        .filter(|one| one["resourceType"] == "Patient")
        .find(|one| one["id"].as_str() == Some(id));
    patient.map_or(Vec::new(), identifiers_of)
}

/// The identifiers of a resource.
pub(crate) fn identifiers_of(resource: &Value) -> Vec<Identifier> {
    let list = resource["identifier"].as_array().into_iter().flatten();
    list.filter_map(identifier_of).collect()
}

/// The identifiers by which a line says whose it is: of a logical or conditional reference, or of
/// a patient that it contains.
pub(crate) fn named_identifiers(resource: &str, line: &[u8]) -> Vec<Identifier> {
    let Some(subject) = subject_of(resource, line) else {
        return Vec::new();
    };
    let mut named: Vec<Identifier> = subject.identifier.into_iter().collect();
    match subject.reference.as_deref().map(asked) {
        Some(Asked::Contained(id)) => named.extend(contained_identifiers(line, id)),
        Some(Asked::Conditional(_, Some(queries))) => {
            named.extend(queries.into_iter().filter_map(|query| match query {
                Query::Identifier { identifier, .. } => Some(identifier),
                Query::Id(_) => None,
            }));
        }
        _ => {}
    }
    named
}

/// What the text of a reference asks for.
pub(crate) fn asked(text: &str) -> Asked<'_> {
    if let Some(id) = text.strip_prefix('#') {
        return Asked::Contained(id);
    }
    let scheme = text.get(..4).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("urn:") {
        return Asked::Urn(normalized_url(text));
    }
    if let Some((before, query)) = text.split_once('?') {
        let resource = before.rsplit('/').next().unwrap_or_default();
        return match is_type(resource) {
            true => Asked::Conditional(resource, queries(query)),
            false => Asked::Other,
        };
    }
    let url = text.split('#').next().unwrap_or_default();
    let url = url.rsplit_once("/_history/").map_or(url, |(url, _)| url);
    let Some((before, id)) = url.rsplit_once('/') else {
        return Asked::Other;
    };
    let resource = before.rsplit('/').next().unwrap_or_default();
    if is_type(resource) && !id.is_empty() {
        return Asked::Restful { url, resource, id };
    }
    match text.contains("://") {
        true => Asked::Urn(text.to_owned()),
        false => Asked::Other,
    }
}

/// A `fullUrl` as it is compared: UUIDs may be written in any case.
pub(crate) fn normalized_url(url: &str) -> String {
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
fn queries(query: &str) -> Option<Vec<Query>> {
    let mut found = Vec::new();
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=')?;
        // In a query a plus is a space; a plus itself is sent as %2B.
        let value = percent_decoded(&value.replace('+', " "))?;
        found.push(match name {
            "_id" => Query::Id(value),
            "identifier" => token(&value),
            _ => return None,
        });
    }
    Some(found)
}

/// `system|value`. FHIR writes a bar, comma, dollar or backslash within either behind a backslash.
fn token(text: &str) -> Query {
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
    Query::Identifier {
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

    use super::{Asked, Query, asked, named_identifiers};

    fn by_identifier(any_system: bool, system: Option<&str>, value: &str) -> Vec<Query> {
        let identifier = Identifier::new(system, value);
        vec![Query::Identifier {
            any_system,
            identifier,
        }]
    }

    #[test]
    fn the_forms_of_references_are_told_apart() {
        let restful = |url, id| Asked::Restful {
            url,
            resource: "Patient",
            id,
        };
        let cases: Vec<(&str, Asked<'_>)> = vec![
            ("Patient/1", restful("Patient/1", "1")),
            ("Patient/1/_history/2", restful("Patient/1", "1")),
            (
                "https://h.example/fhir/Patient/1",
                restful("https://h.example/fhir/Patient/1", "1"),
            ),
            ("#p", Asked::Contained("p")),
            ("urn:uuid:0B6E", Asked::Urn("urn:uuid:0b6e".into())),
            ("URN:UUID:0b6e", Asked::Urn("urn:uuid:0b6e".into())),
            ("urn:oid:1.2.3", Asked::Urn("urn:oid:1.2.3".into())),
            (
                "Patient?identifier=http://s.example|v",
                Asked::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("http://s.example"), "v")),
                ),
            ),
            (
                "Patient?identifier=http%3A%2F%2Fs.example%7Cv",
                Asked::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("http://s.example"), "v")),
                ),
            ),
            (
                "Patient?identifier=v",
                Asked::Conditional("Patient", Some(by_identifier(true, None, "v"))),
            ),
            (
                "Patient?identifier=|v",
                Asked::Conditional("Patient", Some(by_identifier(false, None, "v"))),
            ),
            (
                "https://h.example/fhir/Patient?_id=7",
                Asked::Conditional("Patient", Some(vec![Query::Id("7".into())])),
            ),
            (
                "Patient?identifier=s|A+B%2BC",
                Asked::Conditional("Patient", Some(by_identifier(false, Some("s"), "A B+C"))),
            ),
            (
                r"Patient?identifier=s|a\|b\\\,c\d",
                Asked::Conditional(
                    "Patient",
                    Some(by_identifier(false, Some("s"), r"a|b\,c\d")),
                ),
            ),
            (
                "Patient?identifier=a%5C%7Cb",
                Asked::Conditional("Patient", Some(by_identifier(true, None, "a|b"))),
            ),
            (
                "Patient?identifier=s|a|b",
                Asked::Conditional("Patient", Some(by_identifier(false, Some("s"), "a|b"))),
            ),
            (
                "http://a.example/x/77",
                Asked::Urn("http://a.example/x/77".into()),
            ),
            ("http://a.example", Asked::Urn("http://a.example".into())),
            (
                "http://a.example/x/",
                Asked::Urn("http://a.example/x/".into()),
            ),
            ("a.example/x/77", Asked::Other),
            ("Patient?name=x", Asked::Conditional("Patient", None)),
            ("Patient?identifier=%7", Asked::Conditional("Patient", None)),
            ("patient/1", Asked::Other),
            ("1", Asked::Other),
            ("", Asked::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(asked(text), expected, "{text}");
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
