//! Which resources of a snapshot belong to a person: their Patient resources, and all resources
//! whose key names one of these as the patient. The keys decide, not the tables: not every table
//! has a column with the patient.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, LakeFile, Person, ResourceType};

use crate::error::Result;
use crate::merge::keys::{self, KeyFile, KeyRow};
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::access::Access;
use crate::row_owners::snapshot::SnapshotOwners;
use claimlake_columnar::GroupKey as ResourceKey;

/// A person and the person's resources in one snapshot.
pub(super) struct PersonResources<'a> {
    pub(super) person: &'a Person,
    /// The keys of the person's resources in this snapshot, and of their periods.
    pub(super) keys: HashSet<ResourceKey>,
    /// How many resources there are, periods not counted.
    pub(super) resources: u64,
}

impl<'a> PersonResources<'a> {
    /// Finds the resources by reading all keys of the snapshot once. `resources` are added if the
    /// snapshot has them.
    ///
    /// # Errors
    ///
    /// The key file cannot be read.
    pub(super) fn find(
        person: &'a Person,
        resources: &[(ApiVersion, ResourceType, String)],
        before: &PreviousSnapshot,
    ) -> Result<Self> {
        let known: HashSet<ResourceKey> = resources
            .iter()
            .map(|(api, resource, id)| ResourceKey::new(api.as_str(), resource.as_str(), id))
            .collect();
        let mut keys = HashSet::new();
        let mut resources = 0;
        each_key(before, |row| {
            let api = row.text(keys::API).and_then(|api| api.parse().ok());
            let has = |id: Option<&str>| {
                let id = api.zip(id);
                id.is_some_and(|(api, id)| person.has_id(api, id))
            };
            let is_patient = row.text(keys::RESOURCE_TYPE) == Some(ResourceType::PATIENT);
            if has(row.text(keys::PATIENT))
                || (is_patient && has(row.text(keys::ID)))
                || known.contains(&row.own_resource())
            {
                keys.insert(row.resource());
                resources += u64::from(!row.is_of_period());
            }
            Ok(())
        })?;
        Ok(Self {
            person,
            keys,
            resources,
        })
    }

    /// The number of rows that belong to these resources, by table; tables without any are left
    /// out.
    pub(super) fn owned_rows(&self, before: &PreviousSnapshot) -> Result<BTreeMap<String, u64>> {
        let owners = SnapshotOwners::new(&before.folder, &before.manifest);
        let mut rows = BTreeMap::new();
        if self.keys.is_empty() {
            return Ok(rows);
        }
        let is_of_person = |resource: &ResourceKey| self.keys.contains(resource);
        for group in owners.group_names() {
            owners.scan(group, is_of_person, |table, _, count| {
                *rows.entry(table.to_owned()).or_default() += u64::from(count);
            })?;
        }
        Ok(rows)
    }

    /// Writes the key file of the new snapshot: all keys of the old one without those of the
    /// person. No tombstone is left, since its id would identify the person.
    pub(super) fn write_other_keys(
        &self,
        before: &PreviousSnapshot,
        snapshot: &Path,
        access: Access,
    ) -> Result<Option<LakeFile>> {
        let mut output = KeyFile::create(snapshot, &access)?;
        each_key(before, |row| match self.keys.contains(&row.resource()) {
            true => Ok(()),
            false => output.push(row),
        })?;
        output.finish().map(Some)
    }
}

/// Calls `visit` with every key of a snapshot, in the order of the file. A snapshot without a key
/// file has no resources.
pub(super) fn each_key(
    before: &PreviousSnapshot,
    mut visit: impl FnMut(KeyRow<'_>) -> Result<()>,
) -> Result<()> {
    let Some(file) = &before.manifest.keys else {
        return Ok(());
    };
    for batch in keys::read(&before.folder.join(&file.path))? {
        let batch = Arc::new(batch?);
        for row in 0..batch.num_rows() {
            visit(KeyRow { batch: &batch, row })?;
        }
    }
    Ok(())
}
