//! What the text of a reference names ([FHIR R4 2.3.0.1](https://hl7.org/fhir/R4/references.html#literal)).

use std::fmt;

use claimlake_contract::Identifier;

/// What the text of a reference names. Its texts are PHI: `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
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
        /// The whole reference without its version.
        url: &'t str,
        /// The type.
        resource: &'t str,
        /// The id.
        id: &'t str,
    },
    /// Something else.
    Other,
}

impl fmt::Debug for ReferenceForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceForm(redacted)")
    }
}

/// One parameter of a conditional reference. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for ReferenceQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceQuery(redacted)")
    }
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

/// The parameters; `None` if one is not understood, so that nothing is taken for the answer.
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
    use super::{ReferenceForm, ReferenceQuery, reference_form};

    /// A form in one line: `restful <url> <type> <id>`, `identifier <system>|<value>` and so on.
    fn shown(form: &ReferenceForm<'_>) -> String {
        let query = |query: &ReferenceQuery| match query {
            ReferenceQuery::Id(id) => format!("id {id}"),
            ReferenceQuery::Identifier {
                any_system,
                identifier,
            } => {
                let system = identifier.system().unwrap_or(match any_system {
                    true => "any",
                    false => "none",
                });
                format!("identifier {system} {}", identifier.value())
            }
        };
        match form {
            ReferenceForm::Contained(id) => format!("contained {id}"),
            ReferenceForm::Urn(url) => format!("url {url}"),
            ReferenceForm::Conditional(resource, None) => format!("{resource}?"),
            ReferenceForm::Conditional(resource, Some(queries)) => {
                let queries: Vec<String> = queries.iter().map(query).collect();
                format!("{resource}? {}", queries.join(" and "))
            }
            ReferenceForm::Restful { url, resource, id } => format!("{url} is {resource} {id}"),
            ReferenceForm::Other => "other".to_owned(),
        }
    }

    #[test]
    fn each_form_of_a_reference_is_recognized() {
        let cases = [
            ("Patient/1", "Patient/1 is Patient 1"),
            ("Patient/1/_history/2", "Patient/1 is Patient 1"),
            (
                "http://h/fhir/Patient/1",
                "http://h/fhir/Patient/1 is Patient 1",
            ),
            ("#p", "contained p"),
            ("urn:uuid:0B6E", "url urn:uuid:0b6e"),
            ("URN:UUID:0b6e", "url urn:uuid:0b6e"),
            ("urn:oid:1.2.3", "url urn:oid:1.2.3"),
            (
                "Patient?identifier=http://s|v",
                "Patient? identifier http://s v",
            ),
            (
                "Patient?identifier=http%3A%2F%2Fs%7Cv",
                "Patient? identifier http://s v",
            ),
            ("Patient?identifier=v", "Patient? identifier any v"),
            ("Patient?identifier=|v", "Patient? identifier none v"),
            ("http://h/fhir/Patient?_id=7", "Patient? id 7"),
            (
                "Patient?_id=7&identifier=s|v",
                "Patient? id 7 and identifier s v",
            ),
            (
                "Patient?identifier=s|A+B%2BC",
                "Patient? identifier s A B+C",
            ),
            (
                r"Patient?identifier=s|a\|b\\\,c\d",
                r"Patient? identifier s a|b\,c\d",
            ),
            ("Patient?identifier=a%5C%7Cb", "Patient? identifier any a|b"),
            ("Patient?identifier=s|a|b", "Patient? identifier s a|b"),
            ("http://a.example/x/77", "url http://a.example/x/77"),
            ("http://a.example", "url http://a.example"),
            ("http://a.example/x/", "url http://a.example/x/"),
            ("a.example/x/77", "other"),
            ("Patient?name=x", "Patient?"),
            ("Patient?identifier=%7", "Patient?"),
            ("patient/1", "other"),
            ("1", "other"),
            ("", "other"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(&reference_form(text)), expected, "{text}");
        }
    }
}
