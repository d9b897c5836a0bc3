//! Finds out which tables have rows to remove or to change in which partition. All other partitions
//! keep their files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::merge::resource_list::ResourceList;
use crate::row_owners::snapshot::SnapshotOwners;
use crate::table::plan::TablePlan;
use claimlake_columnar::GroupKey as ResourceKey;

/// Resources whose `is_current` changes, with the new value, by the table that decides what is
/// current.
pub(crate) type Flips = HashMap<String, HashMap<ResourceKey, Option<bool>>>;

/// The owners of the previous snapshot, and the resources to look for. A group is scanned at most
/// once, for all of its tables.
pub(crate) struct Touched<'a> {
    pub(crate) owners: SnapshotOwners<'a>,
    /// Resources whose old rows must go.
    outdated: &'a ResourceList,
    flips: &'a Flips,
    /// For each table that has the column `is_current`, the table that decides its values.
    decided_by: HashMap<&'a str, &'a str>,
    /// By group, the tables found; `None` until the group was scanned.
    tables: BTreeMap<String, Mutex<Option<HashSet<String>>>>,
}

impl<'a> Touched<'a> {
    /// Nothing is read yet.
    pub(crate) fn new(
        owners: SnapshotOwners<'a>,
        outdated: &'a ResourceList,
        flips: &'a Flips,
        plans: &'a [TablePlan],
    ) -> Self {
        let decided_by = plans.iter().filter_map(|plan| {
            let rule = plan.rule.as_ref()?;
            Some((plan.layout.name.as_str(), rule.table.as_str()))
        });
        let names = owners.group_names();
        Self {
            tables: names
                .map(|name| (name.to_owned(), Mutex::default()))
                .collect(),
            owners,
            outdated,
            flips,
            decided_by: decided_by.collect(),
        }
    }

    /// Whether a table has rows of such a resource in a group.
    ///
    /// # Errors
    ///
    /// The owner file is damaged or cannot be read.
    pub(crate) fn is_touched(&self, group: &str, table: &str) -> Result<bool> {
        let has_flips = self.flips.values().any(|flips| !flips.is_empty());
        let Some(tables) = self.tables.get(group) else {
            return Ok(false);
        };
        if self.outdated.is_empty() && !has_flips {
            return Ok(false);
        }
        let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = &*tables {
            return Ok(tables.contains(table));
        }
        let found = self.find(group)?;
        let is_touched = found.contains(table);
        *tables = Some(found);
        Ok(is_touched)
    }

    /// Scans a group.
    fn find(&self, group: &str) -> Result<HashSet<String>> {
        let is_looked_for = |resource: &ResourceKey| {
            self.outdated.contains(resource)
                || self
                    .flips
                    .values()
                    .any(|flips| flips.contains_key(resource))
        };
        let mut found = HashSet::new();
        self.owners
            .scan(group, is_looked_for, |table, resource, _| {
                let decided_by = self.decided_by.get(table);
                let flips = decided_by.and_then(|decided_by| self.flips.get(*decided_by));
                let is_flipped = flips.is_some_and(|flips| flips.contains_key(&resource));
                if (is_flipped || self.outdated.contains(&resource)) && !found.contains(table) {
                    found.insert(table.to_owned());
                }
            })?;
        Ok(found)
    }
}

impl std::fmt::Debug for Touched<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Touched").finish_non_exhaustive()
    }
}
