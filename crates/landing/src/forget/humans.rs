//! Which Patients are the same human.

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::Identifier;
use claimlake_fhir::PatientNames;

use super::find::PatientKey;

/// Of each Patient another one of the same human, the first of them of itself.
pub(super) struct Humans(BTreeMap<PatientKey, PatientKey>);

impl Humans {
    /// By links alone.
    pub(super) fn linked(by_key: &BTreeMap<PatientKey, PatientNames>) -> Self {
        let alone = by_key.keys().map(|key| (key.clone(), key.clone()));
        let mut humans = Self(alone.collect());
        for (key, names) in by_key {
            for link in &names.links {
                humans.unite(key, &(key.0, link.clone()));
            }
        }
        humans
    }

    /// And by identifiers that one human has.
    pub(super) fn unite_by_identifiers(
        &mut self,
        by_key: &BTreeMap<PatientKey, PatientNames>,
        shared: &BTreeSet<Identifier>,
    ) {
        let mut first: BTreeMap<&Identifier, &PatientKey> = BTreeMap::new();
        for (key, names) in by_key {
            for identifier in names.identifiers.iter().filter(|one| one.is_personal()) {
                if !shared.contains(identifier) {
                    self.unite(key, first.entry(identifier).or_insert(key));
                }
            }
        }
    }

    /// The first Patient of the same human; the Patient itself where it has not landed.
    pub(super) fn of<'h>(&'h self, key: &'h PatientKey) -> &'h PatientKey {
        let mut first = key;
        while let Some(before) = self.0.get(first).filter(|before| *before != first) {
            first = before;
        }
        first
    }

    /// Patients that have not landed are nobody.
    fn unite(&mut self, one: &PatientKey, two: &PatientKey) {
        if !(self.0.contains_key(one) && self.0.contains_key(two)) {
            return;
        }
        let (one, two) = (self.of(one), self.of(two));
        let (first, last) = (one.min(two).clone(), one.max(two).clone());
        self.0.insert(last, first);
    }
}
