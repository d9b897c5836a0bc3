//! Which patients have rows in the snapshots of a lake, the kept ones included. `forget`
//! needs this to find patients that the vault does not know.

use std::collections::BTreeSet;
use std::path::Path;

use claimlake_contract::{ApiVersion, LakeTable, PatientId, ResourceType};

use crate::error::{LoadError, Result};
use crate::forget::person_resources::each_key;
use crate::forget::run_tables::{column, reader, text};
use crate::merge::keys;
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::lake::Lake;

/// Whether a lake holds a snapshot; where there is no folder, it does not.
///
/// # Errors
///
/// The folder cannot be read.
pub fn has_snapshot(lake: &Path) -> Result<bool> {
    Ok(!Lake::at(lake).numbers()?.is_empty())
}

/// The patients that the current snapshot names, and with `kept` also those of the other snapshots.
///
/// # Errors
///
/// A snapshot cannot be read or is damaged.
pub fn patients_of_lake(lake: &Path, kept: bool) -> Result<BTreeSet<(ApiVersion, PatientId)>> {
    let lake = Lake::at(lake);
    let mut patients = BTreeSet::new();
    let current = PreviousSnapshot::current(&lake)?;
    let others = match kept {
        true => lake.numbers()?,
        false => Vec::new(),
    };
    let is_other = |number: &u64| {
        let current = current.as_ref();
        current.is_none_or(|current| current.manifest.snapshot != *number)
    };
    for number in others.into_iter().filter(is_other) {
        add_patients(&PreviousSnapshot::read(&lake, number)?, &mut patients)?;
    }
    if let Some(current) = &current {
        add_patients(current, &mut patients)?;
    }
    Ok(patients)
}

/// Adds the patients of the keys (the subject of each resource, and the id of each Patient
/// resource) and those of the tables about runs, which name patients without any resource.
fn add_patients(
    before: &PreviousSnapshot,
    patients: &mut BTreeSet<(ApiVersion, PatientId)>,
) -> Result<()> {
    let mut add = |api: Option<&str>, id: Option<&str>| {
        let api: Option<ApiVersion> = api.and_then(|api| api.parse().ok());
        patients.extend(api.zip(id).map(|(api, id)| (api, PatientId::new(id))));
    };
    each_key(before, |row| {
        let api = row.text(keys::API);
        add(api, row.text(keys::PATIENT));
        if row.text(keys::RESOURCE_TYPE) == Some(ResourceType::PATIENT) {
            add(api, row.text(keys::ID));
        }
        Ok(())
    })?;
    let of_runs = |table: &&LakeTable| table.resource.is_none();
    for table in before.manifest.tables.iter().filter(of_runs) {
        for file in &table.files {
            let path = before.folder.join(&file.path);
            for batch in reader(&path)? {
                let batch =
                    batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
                let apis = column(&batch, "source_api");
                let patients = column(&batch, "patient_id");
                for row in 0..batch.num_rows() {
                    add(text(apis, row), text(patients, row));
                }
            }
        }
    }
    Ok(())
}
