//! Which version of the Blue Button API a resource came from.

use claimlake_contract::ApiVersion;
use memchr::memmem;

const CMS_HOST: &[u8] = b"bluebutton.cms.gov/";

/// How the profiles of claims begin in the CARIN Blue Button guide, all its versions alike.
const CARIN_CLAIM: &[u8] =
    b"\"http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit";

/// The API version that a resource came from, by the first CMS URL inside it that
/// names one. v3 has its code systems below `/fhir/`, v2 below `/resources/`.
///
/// CMS's claims state CARIN's profiles too, and all of them have CMS URLs: a claim with such a profile and
/// without a CMS URL is another payer's. Of Patients and Coverages a profile says nothing, since those of
/// CMS v3 can be without CMS URLs.
#[must_use]
pub fn api_version_of(text: &[u8]) -> Option<ApiVersion> {
    let by_cms = cms_version_of(text);
    by_cms.or_else(|| memmem::find(text, CARIN_CLAIM).map(|_| ApiVersion::Carin))
}

fn cms_version_of(text: &[u8]) -> Option<ApiVersion> {
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

    #[test]
    fn the_profile_of_a_claim_decides_where_no_cms_url_does() {
        let other = br#"{"resourceType":"ExplanationOfBenefit","meta":{"profile":["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Pharmacy|2.1.0"]}}"#;
        assert_eq!(api_version_of(other), Some(ApiVersion::Carin));
        let cms = br#"{"meta":{"profile":["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Pharmacy"]},"x":"https://bluebutton.cms.gov/resources/variables/pde_id"}"#;
        assert_eq!(api_version_of(cms), Some(ApiVersion::V2));
        // A Patient of CMS v3 looks like that.
        let patient = br#"{"meta":{"profile":["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient"]}}"#;
        assert_eq!(api_version_of(patient), None);
    }
}
