//! A business identifier: a system and a value, compared exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

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
