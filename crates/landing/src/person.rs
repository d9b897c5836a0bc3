//! Whose a line is, and by which names a Patient is known: what forgetting must know of FHIR.

use std::fmt;

use claimlake_contract::{ApiVersion, PatientId, Person, ResourceType};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Parts of the `system` of identifiers that name one person and nobody else.
const PERSONAL: [&str; 4] = ["us-mbi", "mbi", "bene_id", "hicn"];

/// Whether the resource of a line is the person's, or speaks of them.
#[must_use]
pub fn is_about(person: &Person, api: ApiVersion, resource: &ResourceType, line: &[u8]) -> bool {
    if !may_speak_of(person, api, line) {
        return false;
    }
    let is_patient = resource.as_str() == "Patient";
    if is_patient && top_id(line).is_some_and(|id| person.has_id(api, &id)) {
        return true;
    }
    let mut found = false;
    each_string(line, &mut |text| {
        found |= patient_of(text).is_some_and(|id| person.has_id(api, id))
            || person.identifiers.contains(text);
    });
    found
}

/// The people that a line's references name, and for a Patient the person's own id.
#[must_use]
pub fn people_of(resource: &ResourceType, line: &[u8]) -> Vec<PatientId> {
    let mut people = Vec::new();
    if resource.as_str() == "Patient" {
        people.extend(top_id(line).map(PatientId::new));
    }
    each_string(line, &mut |text| {
        people.extend(patient_of(text).map(PatientId::new));
    });
    people.sort();
    people.dedup();
    people
}

/// By which names a Patient is known.
pub(crate) struct PatientNames {
    pub(crate) id: PatientId,
    /// Those that name one person.
    pub(crate) personal: Vec<String>,
    /// All.
    pub(crate) identifiers: Vec<String>,
    /// Other Patients that are the same person.
    pub(crate) links: Vec<PatientId>,
}

/// The names of a Patient; none where the line is not one.
pub(crate) fn names_of(line: &[u8]) -> Option<PatientNames> {
    let patient: Value = serde_json::from_slice(line).ok()?;
    let mut names = PatientNames {
        id: PatientId::new(patient["id"].as_str()?),
        personal: Vec::new(),
        identifiers: Vec::new(),
        links: Vec::new(),
    };
    for identifier in patient["identifier"].as_array().into_iter().flatten() {
        let Some(value) = identifier["value"].as_str() else {
            continue;
        };
        names.identifiers.push(value.to_owned());
        let system = identifier["system"].as_str().unwrap_or_default();
        let system = system.to_ascii_lowercase();
        if PERSONAL.iter().any(|personal| system.contains(personal)) {
            names.personal.push(value.to_owned());
        }
    }
    for link in patient["link"].as_array().into_iter().flatten() {
        let reference = link["other"]["reference"].as_str().unwrap_or_default();
        names
            .links
            .extend(patient_of(reference).map(PatientId::new));
    }
    Some(names)
}

/// The identifiers of a Patient that name one person.
#[must_use]
pub fn personal_identifiers(resource: &ResourceType, line: &[u8]) -> Vec<String> {
    match resource.as_str() {
        "Patient" => names_of(line).map_or(Vec::new(), |names| names.personal),
        _ => Vec::new(),
    }
}

/// Whether raw text, JSON or not, holds one of the person's names as a word of its own.
pub(crate) fn mentions(person: &Person, text: &[u8]) -> bool {
    let names = person.ids.iter().map(|(_, id)| id.expose());
    let mut names = names.chain(person.identifiers.iter().map(String::as_str));
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
        .chain(person.identifiers.iter().map(String::as_str));
    let mut names = names;
    names.any(|name| memchr::memmem::find(line, name.as_bytes()).is_some())
        || memchr::memmem::find(line, b"\\u00").is_some()
}

/// The resource's own id, unescaped.
pub(crate) fn top_id(line: &[u8]) -> Option<String> {
    let member =
        crate::json::Members::new(line, 0).find(|member| &line[member.key.clone()] == b"id")?;
    serde_json::from_slice(&line[member.value]).ok()
}

/// The id in `Patient/<id>`, relative or absolute, with or without a version.
fn patient_of(reference: &str) -> Option<&str> {
    let (before, rest) = reference.rsplit_once("Patient/")?;
    if !before.is_empty() && !before.ends_with('/') {
        return None;
    }
    rest.split('/').next().filter(|id| !id.is_empty())
}

/// Tells of every string value of a JSON text, unescaped; of a broken one, those before the break.
fn each_string(line: &[u8], tell: &mut dyn FnMut(&str)) {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    // What cannot be read further is no resource and was rejected long before.
    let _ = Strings(tell).deserialize(&mut deserializer);
}

struct Strings<'a>(&'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Strings<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strings<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Strings(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<serde::de::IgnoredAny>()?.is_some() {
            members.next_value_seed(Strings(&mut *self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, PatientId, Person, ResourceType};

    use super::{is_about, mentions, people_of};

    fn person() -> Person {
        let mut person = Person::default();
        person.ids.insert((ApiVersion::V2, PatientId::new("-17")));
        person.identifiers.insert("1S00E00AA32".into());
        person
    }

    fn is_theirs(api: ApiVersion, resource: &str, line: &str) -> bool {
        let resource: ResourceType = resource.parse().unwrap();
        is_about(&person(), api, &resource, line.as_bytes())
    }

    #[test]
    fn a_claim_is_the_persons_by_its_reference_however_it_is_written() {
        for reference in [
            "Patient/-17",
            "https://x.example/v2/fhir/Patient/-17",
            r"Patient\/-17",
            r"Patient/\u002d17",
            "Patient/-17/_history/2",
        ] {
            let line = format!(r#"{{"id":"a","n":1.50,"patient":{{"reference":"{reference}"}}}}"#);
            assert!(is_theirs(ApiVersion::V2, "ExplanationOfBenefit", &line));
            assert!(!is_theirs(ApiVersion::V3, "ExplanationOfBenefit", &line));
        }
    }

    #[test]
    fn a_longer_id_and_a_claim_of_that_id_are_others() {
        for line in [
            r#"{"id":"-17","patient":{"reference":"Patient/-18"}}"#,
            r#"{"id":"a","patient":{"reference":"Patient/-170"}}"#,
            r#"{"id":"a","patient":{"reference":"NotAPatient/-17"}}"#,
        ] {
            assert!(!is_theirs(ApiVersion::V2, "ExplanationOfBenefit", line));
        }
        assert!(is_theirs(ApiVersion::V2, "Patient", r#"{"id":"-17"}"#));
        assert!(is_theirs(
            ApiVersion::V3,
            "Patient",
            r#"{"id":"9","identifier":[{"value":"1S00E00AA32"}]}"#
        ));
    }

    #[test]
    fn broken_text_mentions_a_name_as_a_word_only() {
        assert!(mentions(&person(), br#"{"id":"-17","#));
        assert!(mentions(&person(), b"x,1S00E00AA32,y"));
        assert!(!mentions(&person(), b"2026-170"));
        assert!(!mentions(&person(), b"11S00E00AA32"));
    }

    #[test]
    fn the_people_of_a_line_are_told_once_each() {
        let line =
            br#"{"id":"-17","link":[{"other":{"reference":"Patient/5"}},{"r":"Patient/5"}]}"#;
        let people = people_of(&ResourceType::patient(), line);
        let people: Vec<&str> = people.iter().map(PatientId::expose).collect();
        assert_eq!(people, ["-17", "5"]);
    }
}
