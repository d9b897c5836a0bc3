//! Which Patients are the same person.

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::{ApiVersion, Identifier, PatientId};
use claimlake_fhir::{PatientNames, is_personal};

/// A Patient: its id and the API version that the id is of.
pub(super) type PatientKey = (ApiVersion, PatientId);

/// Groups of Patients that are one person. Each Patient points to another one of its group, the
/// first one to itself.
pub(super) struct PersonGroups(BTreeMap<PatientKey, PatientKey>);

impl PersonGroups {
    /// Patients that are connected by `Patient.link` only.
    pub(super) fn linked(by_key: &BTreeMap<PatientKey, PatientNames>) -> Self {
        let alone = by_key.keys().map(|key| (key.clone(), key.clone()));
        let mut groups = Self(alone.collect());
        for (key, names) in by_key {
            for link in &names.links {
                groups.unite(key, &(key.0, link.clone()));
            }
        }
        groups
    }

    /// Unites those with an identifier that only one person has.
    pub(super) fn unite_by_identifiers(
        &mut self,
        by_key: &BTreeMap<PatientKey, PatientNames>,
        shared: &BTreeSet<Identifier>,
    ) {
        let mut first: BTreeMap<&Identifier, &PatientKey> = BTreeMap::new();
        for (key, names) in by_key {
            for identifier in names.identifiers.iter().filter(|one| is_personal(one)) {
                if !shared.contains(identifier) {
                    self.unite(key, first.entry(identifier).or_insert(key));
                }
            }
        }
    }

    /// The first Patient of the group, which represents it; the Patient itself where it has not landed.
    pub(super) fn of<'g>(&'g self, key: &'g PatientKey) -> &'g PatientKey {
        let mut first = key;
        while let Some(before) = self.0.get(first).filter(|before| *before != first) {
            first = before;
        }
        first
    }

    /// Makes two groups one; Patients that have not landed are in none.
    fn unite(&mut self, one: &PatientKey, two: &PatientKey) {
        if !(self.0.contains_key(one) && self.0.contains_key(two)) {
            return;
        }
        let (one, two) = (self.of(one), self.of(two));
        let (first, last) = (one.min(two).clone(), one.max(two).clone());
        self.0.insert(last, first);
    }
}
