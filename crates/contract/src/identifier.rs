//! A business identifier: a system and a value, compared exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `system` of identifiers that name one person and nobody else.
pub const PERSONAL_SYSTEMS: [&str; 11] = [
    "http://hl7.org/fhir/sid/us-mbi",
    "http://hl7.org/fhir/sid/us-medicare",
    "http://terminology.hl7.org/NamingSystem/cmsMBI",
    "https://bluebutton.cms.gov/resources/variables/bene_id",
    "http://bluebutton.cms.hhs.gov/identifier#bene_id",
    "https://bluebutton.cms.gov/resources/identifier/mbi-hash",
    "https://bluebutton.cms.gov/resources/identifier/hicn-hash",
    "http://bluebutton.cms.hhs.gov/identifier#hicnHash",
    "http://bluebutton.cms.hhs.gov/identifier#mbiHash",
    "urn:oid:2.16.840.1.113883.4.927",
    "urn:oid:2.16.840.1.113883.4.572",
];

/// A system and a value. As text it is `system|value`, as in a FHIR search; a value alone has no
/// system.
///
/// It is PHI: `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Identifier {
    system: Option<String>,
    value: String,
}

impl Identifier {
    /// An identifier; an empty system is none.
    #[must_use]
    pub fn new(system: Option<&str>, value: impl Into<String>) -> Self {
        Self {
            system: system.filter(|text| !text.is_empty()).map(str::to_owned),
            value: value.into(),
        }
    }

    /// The system.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether its system names one person and nobody else.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.system()
            .is_some_and(|system| PERSONAL_SYSTEMS.contains(&system))
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.system {
            Some(system) => write!(f, "{system}|{}", self.value),
            None if self.value.contains('|') => write!(f, "|{}", self.value),
            None => f.write_str(&self.value),
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier(redacted)")
    }
}

impl From<String> for Identifier {
    fn from(text: String) -> Self {
        match text.split_once('|') {
            Some((system, value)) => Self::new(Some(system), value),
            None => Self::new(None, text),
        }
    }
}

impl From<Identifier> for String {
    fn from(identifier: Identifier) -> Self {
        identifier.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Identifier;

    #[test]
    fn a_system_is_personal_by_its_whole_name() {
        let personal = |system| Identifier::new(Some(system), "1S00E00AA32").is_personal();
        assert!(personal("http://hl7.org/fhir/sid/us-mbi"));
        assert!(personal(
            "https://bluebutton.cms.gov/resources/variables/bene_id"
        ));
        for other in [
            "https://columbia.example/mrn",
            "https://x.example/mbi",
            "https://x.example/bene_id/of/another",
            "http://hl7.org/fhir/sid/us-mbi/",
        ] {
            assert!(!personal(other), "{other}");
        }
        assert!(!Identifier::new(None, "1S00E00AA32").is_personal());
    }

    #[test]
    fn an_identifier_is_read_as_it_is_written() {
        for text in [
            "http://hl7.org/fhir/sid/us-mbi|1S0",
            "1S0",
            "urn:oid:1.2|a|b",
            "|a|b",
        ] {
            assert_eq!(Identifier::from(text.to_owned()).to_string(), text);
        }
    }
}
