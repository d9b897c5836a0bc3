//! What becomes of each column in a de-identified copy: `pipelines/deidentify`, which is built in.

use std::path::Path;

use anyhow::Context as _;
use claimlake_deidentify::{Policy, Profile, ZipAreas};
use claimlake_loader::sha256_hex;

const SAFE_HARBOR: &str = include_str!("../../../../pipelines/deidentify/safe_harbor.toml");
const LIMITED_DATA_SET: &str =
    include_str!("../../../../pipelines/deidentify/limited_data_set.toml");
const ZIP_AREAS: &str = include_str!("../../../../pipelines/deidentify/zip3.csv");

/// A policy, with the ZIP areas it shows.
pub(crate) struct Deidentification {
    pub(crate) policy: Policy,
    pub(crate) areas: ZipAreas,
    /// Of both as text.
    pub(crate) sha256: String,
}

/// The built-in policy of a profile, or that of a file.
pub(crate) fn deidentification(
    profile: Profile,
    file: Option<&Path>,
) -> anyhow::Result<Deidentification> {
    let (text, name) = match (file, profile) {
        (Some(file), _) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file);
            (text.with_context(|| format!("reading {name}"))?, name)
        }
        (None, Profile::SafeHarbor) => (SAFE_HARBOR.to_owned(), "safe_harbor.toml".to_owned()),
        (None, Profile::LimitedDataSet) => (
            LIMITED_DATA_SET.to_owned(),
            "limited_data_set.toml".to_owned(),
        ),
    };
    let policy: Policy = toml::from_str(&text).with_context(|| format!("reading {name}"))?;
    anyhow::ensure!(
        policy.profile == profile,
        "{name} is a policy for {}, not for {}",
        policy.profile.as_str(),
        profile.as_str()
    );
    policy.check().with_context(|| name)?;
    Ok(Deidentification {
        sha256: sha256_hex(&format!("{text}\n{ZIP_AREAS}")),
        areas: ZipAreas::parse(ZIP_AREAS)?,
        policy,
    })
}

#[cfg(test)]
mod tests {
    use claimlake_deidentify::Profile;

    use super::{SAFE_HARBOR, deidentification};

    #[test]
    fn the_built_in_policies_can_be_read_and_another_profile_is_refused() {
        for profile in [Profile::SafeHarbor, Profile::LimitedDataSet] {
            deidentification(profile, None).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        std::fs::write(&file, SAFE_HARBOR).unwrap();
        deidentification(Profile::SafeHarbor, Some(&file)).unwrap();
        let wrong = deidentification(Profile::LimitedDataSet, Some(&file));
        let words = wrong.err().unwrap().to_string();
        assert!(words.contains("is a policy for safe-harbor"), "{words}");
    }
}
