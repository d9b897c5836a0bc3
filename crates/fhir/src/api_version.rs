//! Which version of the Blue Button API a resource came from.

use claimlake_contract::ApiVersion;
use memchr::memmem;

const CMS_HOST: &[u8] = b"bluebutton.cms.gov/";

/// The API version that a resource came from, by the first CMS URL inside it that
/// names one. v3 has its code systems below `/fhir/`, v2 below `/resources/`.
#[must_use]
pub fn api_version_of(text: &[u8]) -> Option<ApiVersion> {
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

#[cfg(test)]
mod tests {
    use super::{ApiVersion, api_version_of};

    #[test]
    fn the_first_cms_url_of_a_version_decides() {
        let neutral = br#"{"system":"https://bluebutton.cms.gov/identifiers/CLM"}"#;
        assert_eq!(api_version_of(neutral), None);
        let v3 = br#"{"a":"https://bluebutton.cms.gov/identifiers/x","b":"https://bluebutton.cms.gov/fhir/CodeSystem/y"}"#;
        assert_eq!(api_version_of(v3), Some(ApiVersion::V3));
        let v2 = br#"{"url":"https://bluebutton.cms.gov/resources/variables/ms_cd"}"#;
        assert_eq!(api_version_of(v2), Some(ApiVersion::V2));
    }
}
