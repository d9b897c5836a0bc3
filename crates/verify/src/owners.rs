//! Which patients claims and coverages name, and whether those patients have landed.

use claimlake_contract::ApiVersion;

use crate::buckets::{BUCKETS, bucket_of};
use crate::error::Error;
use crate::findings::Findings;
use crate::key_hash::KeyMap;
use crate::landed::{Landed, ResourceKey};
use crate::report::Check;

/// How many resources name each patient, and the place of one of them.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    named: KeyMap<ResourceKey, Named>,
}

#[derive(Debug)]
struct Named {
    api: ApiVersion,
    resources: u64,
    place: String,
}

impl Owners {
    /// Counts a resource of the patient.
    pub(crate) fn add(
        &mut self,
        patient: ResourceKey,
        api: ApiVersion,
        place: impl FnOnce() -> String,
    ) {
        let named = self.named.entry(patient).or_insert_with(|| Named {
            api,
            resources: 0,
            place: place(),
        });
        named.resources += 1;
    }

    pub(crate) fn merge(&mut self, other: Owners) {
        for (patient, more) in other.named {
            let named = self.named.entry(patient).or_insert(Named {
                resources: 0,
                ..more
            });
            named.resources += more.resources;
        }
    }

    /// Takes away what does not count.
    pub(crate) fn remove(&mut self, other: &Owners) {
        for (patient, less) in &other.named {
            if let Some(named) = self.named.get_mut(patient) {
                named.resources = named.resources.saturating_sub(less.resources);
            }
        }
    }

    /// Claims and coverages without a known patient, and, where Patients of the API version have landed at
    /// all, those of a patient who has not.
    ///
    /// # Errors
    ///
    /// What was noted of landing cannot be read.
    pub(crate) fn check(
        self,
        without: Findings,
        landed: &Landed,
        with_patients: &[ApiVersion],
    ) -> Result<Check, Error> {
        let mut check = without.check(Check::warning(
            "patients",
            "claims and coverages are of a patient who is here",
        ));
        let mut missing: Vec<Named> = Vec::new();
        let mut by_bucket: Vec<Vec<(ResourceKey, Named)>> = Vec::new();
        by_bucket.resize_with(BUCKETS, Vec::new);
        for (patient, named) in self.named {
            check.checked += named.resources;
            let is_looked_for = named.resources > 0 && with_patients.contains(&named.api);
            let bucket = by_bucket.get_mut(bucket_of(patient.number()));
            if let (true, Some(bucket)) = (is_looked_for, bucket) {
                bucket.push((patient, named));
            }
        }
        for (number, named) in by_bucket.into_iter().enumerate() {
            if named.is_empty() {
                continue;
            }
            let landed = landed.bucket(number)?;
            let absent = named.into_iter().filter(|(key, _)| !landed.has(*key));
            missing.extend(absent.map(|(_, named)| named));
        }
        missing.sort_by(|one, other| one.place.cmp(&other.place));
        check.failed += missing.iter().map(|named| named.resources).sum::<u64>();
        check.name_places(missing.iter().map(|named| {
            let others = named.resources - 1;
            format!(
                "{} and {others} more: no Patient with the id that it names is here",
                named.place
            )
        }));
        Ok(check)
    }
}
