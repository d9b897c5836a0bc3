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
    let mut counts = ApiVersion::ALL.map(|api| (0u64, api));
    // Damage is dealt with where the input is landed; here it only ends the count.
    while let Ok(Some(piece)) = documents.next() {
        for found in found_in(&documents, &piece) {
            let Found::Resource { text, .. } = found else {
                continue;
            };
            let said = api_version_of(text);
            let counted = counts.iter_mut().find(|(_, api)| said == Some(*api));
            counted.into_iter().for_each(|(count, _)| *count += 1);
        }
    }
    counts.sort_unstable();
    let [_, (second, _), (first, api)] = counts;
    Ok((first > second).then_some(api))
}
