//! Which API version a resource came from, by the CMS URLs inside it.

use claimlake_contract::ApiVersion;
use memchr::memmem;

use super::documents::Documents;
use super::input::Input;
use super::resources::{Found, found_in};
use crate::LandingError;

const CMS_HOST: &[u8] = b"bluebutton.cms.gov/";

/// v3 puts its code systems below `/fhir/`, v2 below `/resources/`.
pub(super) fn of_resource(text: &[u8]) -> Option<ApiVersion> {
    memmem::find_iter(text, CMS_HOST).find_map(|position| {
        let path = &text[position + CMS_HOST.len()..];
        if path.starts_with(b"fhir/") {
            Some(ApiVersion::V3)
        } else if path.starts_with(b"resources/") {
            Some(ApiVersion::V2)
        } else {
            None
        }
    })
}

/// The version that more resources of the input say they are from.
pub(super) fn majority(input: &Input) -> Result<Option<ApiVersion>, LandingError> {
    let mut documents = Documents::new(input.open()?);
    let (mut v2, mut v3) = (0u64, 0u64);
    // Damage is dealt with where the input is landed; here it only ends the count.
    while let Ok(Some(piece)) = documents.next() {
        for found in found_in(&documents, &piece) {
            let Found::Resource { text, .. } = found else {
                continue;
            };
            match of_resource(text) {
                Some(ApiVersion::V2) => v2 += 1,
                Some(ApiVersion::V3) => v3 += 1,
                None => {}
            }
        }
    }
    Ok(match v2.cmp(&v3) {
        std::cmp::Ordering::Greater => Some(ApiVersion::V2),
        std::cmp::Ordering::Less => Some(ApiVersion::V3),
        std::cmp::Ordering::Equal => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ApiVersion, of_resource};

    #[test]
    fn the_first_telling_cms_url_decides() {
        let neutral = br#"{"system":"https://bluebutton.cms.gov/identifiers/CLM"}"#;
        assert_eq!(of_resource(neutral), None);
        let v3 = br#"{"a":"https://bluebutton.cms.gov/identifiers/x","b":"https://bluebutton.cms.gov/fhir/CodeSystem/y"}"#;
        assert_eq!(of_resource(v3), Some(ApiVersion::V3));
        let v2 = br#"{"url":"https://bluebutton.cms.gov/resources/variables/ms_cd"}"#;
        assert_eq!(of_resource(v2), Some(ApiVersion::V2));
    }
}
