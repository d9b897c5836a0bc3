//! Business identifiers, and which of their systems name one person
//! ([Identifier](https://hl7.org/fhir/R4/datatypes.html#Identifier)).

use claimlake_contract::Identifier;
use serde_json::Value;

/// The systems whose identifiers name one person each, such as the MBI's.
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

/// Whether an identifier names exactly one person: by its system, compared exactly.
#[must_use]
pub fn is_personal(identifier: &Identifier) -> bool {
    let system = identifier.system();
    system.is_some_and(|system| PERSONAL_SYSTEMS.contains(&system))
}

/// The identifier of an `Identifier` element.
pub fn identifier_of(element: &Value) -> Option<Identifier> {
    let value = element["value"]
        .as_str()
        .filter(|value| !value.is_empty())?;
    Some(Identifier::new(element["system"].as_str(), value))
}

/// The identifiers of a resource.
pub fn identifiers_of(resource: &Value) -> Vec<Identifier> {
    let list = resource["identifier"].as_array().into_iter().flatten();
    list.filter_map(identifier_of).collect()
}

#[cfg(test)]
mod tests {
    use super::{Identifier, is_personal};

    #[test]
    fn a_system_is_personal_by_its_whole_name() {
        for (system, personal) in [
            (Some("http://hl7.org/fhir/sid/us-mbi"), true),
            (
                Some("https://bluebutton.cms.gov/resources/variables/bene_id"),
                true,
            ),
            (Some("https://columbia.example/mrn"), false),
            (Some("https://x.example/mbi"), false),
            (Some("https://x.example/bene_id/of/another"), false),
            (Some("http://hl7.org/fhir/sid/us-mbi/"), false),
            (None, false),
        ] {
            let identifier = Identifier::new(system, "1S00E00AA32");
            assert_eq!(is_personal(&identifier), personal, "{system:?}");
        }
    }
}
