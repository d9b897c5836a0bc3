//! The API version that most resources of an input came from.

use claimlake_contract::ApiVersion;
use claimlake_fhir::api_version_of;

use super::documents::Documents;
use super::input::Input;
use super::resources::{Found, found_in};
use crate::LandingError;

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
            match api_version_of(text) {
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
