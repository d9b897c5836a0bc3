//! Patients whose id changes: the crosswalk is resolved again after a refresh has been answered, so
//! that the new id shows one refresh later.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::records::{Found, Kind, PatientTruth, Records, Search};

/// Records under patient ids that may change. What does not depend on an id is read from the
/// records themselves.
#[derive(Debug)]
pub(crate) struct RecordsWithChangedIds {
    records: Box<dyn Records>,
    changes: Mutex<HashMap<(usize, ApiVersion), Change>>,
}

#[derive(Debug, Clone, Default)]
struct Change {
    /// The id in force, where it is no longer the first one.
    id: Option<String>,
    /// The id that the next refresh brings.
    next: Option<String>,
}

impl RecordsWithChangedIds {
    pub(crate) fn new(records: Box<dyn Records>) -> Self {
        Self {
            records,
            changes: Mutex::default(),
        }
    }

    fn changes(&self) -> MutexGuard<'_, HashMap<(usize, ApiVersion), Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// First and present id of a patient whose id has changed.
    fn renamed(&self, patient: usize, space: ApiVersion) -> Option<(String, String)> {
        let id = self.changes().get(&(patient, space))?.id.clone()?;
        Some((self.records.patient_id(patient, space), id))
    }

    /// The id that the records have for a client's `id`; `None` for an id no longer in force.
    fn first_id(&self, space: ApiVersion, id: &str) -> Option<String> {
        let changed: Vec<(usize, String)> = self
            .changes()
            .iter()
            .filter(|((_, of), _)| *of == space)
            .filter_map(|((patient, _), change)| Some((*patient, change.id.clone()?)))
            .collect();
        for (patient, now) in changed {
            let first = self.records.patient_id(patient, space);
            if id == now || id.ends_with(&format!("-{now}")) {
                return Some(replaced(id.as_bytes(), &now, &first));
            }
            if id == first || id.ends_with(&format!("-{first}")) {
                return None;
            }
        }
        Some(id.to_owned())
    }
}

/// `body` with one id in place of another, where the id is complete.
fn replaced(body: &[u8], old: &str, new: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest: &str = &text;
    while let Some(at) = rest.find(old) {
        let (before, found) = rest.split_at(at);
        let after = found.get(old.len()..).unwrap_or_default();
        out.push_str(before);
        let goes_on = after.starts_with(|next: char| next.is_ascii_digit());
        out.push_str(if goes_on { old } else { new });
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Deref for RecordsWithChangedIds {
    type Target = dyn Records;

    fn deref(&self) -> &Self::Target {
        &*self.records
    }
}

impl RecordsWithChangedIds {
    pub(crate) fn patient_id(&self, patient: usize, space: ApiVersion) -> String {
        match self.renamed(patient, space) {
            Some((_, id)) => id,
            None => self.records.patient_id(patient, space),
        }
    }

    pub(crate) fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize> {
        self.records.find_patient(&self.first_id(space, id)?, space)
    }

    pub(crate) fn search(
        &self,
        patient: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found {
        let mut found = self.records.search(patient, space, kind, search, now);
        if let Some((first, id)) = self.renamed(patient, space) {
            for resource in &mut found.resources {
                *resource = Bytes::from(replaced(resource, &first, &id));
            }
        }
        found
    }

    pub(crate) fn read(
        &self,
        space: ApiVersion,
        kind: Kind,
        id: &str,
        now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        let first_id = self.first_id(space, id)?;
        let (patient, body) = self.records.read(space, kind, &first_id, now)?;
        let body = match self.renamed(patient, space) {
            Some((first, id)) => Bytes::from(replaced(&body, &first, &id)),
            None => body,
        };
        Some((patient, body))
    }

    pub(crate) fn truth(&self, patient: usize, space: ApiVersion) -> PatientTruth {
        let mut truth = self.records.truth(patient, space);
        if let Some((first, id)) = self.renamed(patient, space) {
            truth.patient = id.clone();
            for coverage in &mut truth.coverage_ids {
                *coverage = replaced(coverage.as_bytes(), &first, &id);
            }
            truth.coverage_ids.sort();
        }
        truth
    }

    /// The patient gets another id in one id space, in force after their next refresh.
    pub(crate) fn change_id(&self, patient: usize, space: ApiVersion) {
        if !self.records.has_fixed_ids() {
            let id = format!("{}7", self.patient_id(patient, space));
            self.changes().entry((patient, space)).or_default().next = Some(id);
        }
    }

    /// A refresh of the patient's tokens has been answered.
    pub(crate) fn refreshed(&self, patient: usize) {
        for ((of, _), change) in self.changes().iter_mut() {
            if *of == patient
                && let Some(next) = change.next.take()
            {
                change.id = Some(next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn an_id_is_replaced_where_it_is_complete() {
        let body = br#"{"id":"part-a--12","a":"Patient/-12","b":"-123"}"#;
        assert_eq!(
            replaced(body, "-12", "-99"),
            r#"{"id":"part-a--99","a":"Patient/-99","b":"-123"}"#
        );
    }
}
