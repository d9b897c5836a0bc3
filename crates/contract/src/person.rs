//! A person under all their names: patient ids, identifiers, the app's own names.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ApiVersion, Identifier, PatientId};

/// A person with all known ids.
///
/// All of it is PHI: `Debug` shows counts only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The patient ids, each in the id space of an API version.
    pub ids: BTreeSet<(ApiVersion, PatientId)>,
    /// Identifiers that name only this person, whatever the API version, such as the MBI.
    pub identifiers: BTreeSet<Identifier>,
    /// The app's own names of the person.
    pub external_ids: BTreeSet<String>,
}

impl Person {
    /// Whether the person has this patient id.
    #[must_use]
    pub fn has_id(&self, api: ApiVersion, id: &str) -> bool {
        self.ids_of(api).any(|own| own == id)
    }

    /// The patient ids in one id space.
    pub fn ids_of(&self, api: ApiVersion) -> impl Iterator<Item = &str> {
        self.ids
            .iter()
            .filter(move |(of, _)| *of == api)
            .map(|(_, id)| id.expose())
    }

    /// Every name at all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ids
            .iter()
            .map(|(_, id)| id.expose())
            .chain(self.identifiers.iter().map(Identifier::value))
            .chain(self.external_ids.iter().map(String::as_str))
    }

    /// Whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({} names, redacted)", self.names().count())
    }
}

#[cfg(test)]
mod tests {
    use super::Person;
    use crate::{ApiVersion, Identifier, PatientId};

    #[test]
    fn debug_output_shows_no_name() {
        let mut person = Person::default();
        person
            .ids
            .insert((ApiVersion::V2, PatientId::new("-20140000008325")));
        let mbi = Identifier::new(Some("http://hl7.org/fhir/sid/us-mbi"), "1S00E00AA32");
        person.identifiers.insert(mbi);
        let shown = format!("{person:?}");
        assert_eq!(shown, "Person(2 names, redacted)");
        assert!(person.has_id(ApiVersion::V2, "-20140000008325"));
        assert!(!person.has_id(ApiVersion::V3, "-20140000008325"));
    }
}
