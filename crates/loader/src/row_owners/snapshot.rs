//! The owners of a published snapshot's rows, in the present format or an earlier one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use claimlake_contract::{LakeFile, LakeManifest};

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::row_owners::earlier::EarlierOwners;
use crate::row_owners::group::group_of_file;
use crate::row_owners::group_file;
use crate::row_owners::runs::Runs;
use crate::row_owners::table_files::{TableFiles, tables_by_group};
use claimlake_columnar::GroupKey as ResourceKey;

/// A published snapshot. Each file is compared with the manifest once, before it is first read.
pub(crate) struct SnapshotOwners<'a> {
    folder: &'a Path,
    groups: BTreeMap<String, Group<'a>>,
    /// Set if the manifest lists no owner files, so that the snapshot is of an earlier version.
    earlier: Option<EarlierOwners<'a>>,
}

/// The tables of a resource type that share a partition, and their owner file.
#[derive(Default)]
pub(crate) struct Group<'a> {
    pub(crate) tables: BTreeMap<&'a str, TableFiles<'a>>,
    pub(crate) file: Option<&'a LakeFile>,
    is_checked: Mutex<bool>,
}

impl<'a> SnapshotOwners<'a> {
    /// Sorts the files of the manifest into groups; reads nothing.
    pub(crate) fn new(folder: &'a Path, manifest: &'a LakeManifest) -> Self {
        let group = |(name, tables)| {
            let group = Group {
                tables,
                ..Group::default()
            };
            (name, group)
        };
        let mut groups: BTreeMap<String, Group<'a>> = tables_by_group(&manifest.tables)
            .into_iter()
            .map(group)
            .collect();
        for file in manifest.owners.iter().flatten() {
            if let Some(group) = groups.get_mut(group_of_file(file)) {
                group.file = Some(file);
            }
        }
        let is_earlier = manifest.owners.is_none();
        Self {
            folder,
            groups,
            earlier: is_earlier.then(|| EarlierOwners::new(folder, manifest)),
        }
    }

    /// The group with this name.
    pub(crate) fn group(&self, name: &str) -> Option<&Group<'a>> {
        self.groups.get(name)
    }

    /// The names of all groups, sorted.
    pub(crate) fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The owners of a table's rows in a group; empty if it has no rows there.
    ///
    /// # Errors
    ///
    /// The owner file is missing from the manifest or differs from it.
    pub(crate) fn runs(&self, group: &str, table: &str) -> Result<Runs<'_>> {
        let of_group = self.groups.get(group);
        let files = of_group.and_then(|of_group| of_group.tables.get(table));
        let (Some(of_group), Some(files)) = (of_group, files) else {
            return Ok(Box::new(std::iter::empty()));
        };
        if let Some(earlier) = &self.earlier {
            return Ok(earlier.runs(files));
        }
        let path = self.checked(group, of_group)?;
        group_file::runs(&path, table, files.rows())
    }

    /// Calls `visit` for each table and each resource of a group for which `is_looked_for` returns
    /// true, with the number of rows.
    pub(crate) fn scan(
        &self,
        group: &str,
        is_looked_for: impl Fn(&ResourceKey) -> bool,
        mut visit: impl FnMut(&str, ResourceKey, u32),
    ) -> Result<()> {
        let Some(of_group) = self.groups.get(group) else {
            return Ok(());
        };
        let Some(earlier) = &self.earlier else {
            let path = self.checked(group, of_group)?;
            return group_file::scan(&path, is_looked_for, visit);
        };
        for (table, files) in &of_group.tables {
            for run in earlier.runs(files) {
                let (resource, rows) = run?;
                if is_looked_for(&resource) {
                    visit(table, resource, rows);
                }
            }
        }
        Ok(())
    }

    /// The path of a group's file, after it was compared with the manifest.
    fn checked(&self, group: &str, of_group: &Group<'_>) -> Result<std::path::PathBuf> {
        let Some(file) = of_group.file else {
            let reason = format!("the manifest names no owners of the rows in {group}");
            return Err(LoadError::damaged(self.folder, reason));
        };
        let is_checked = of_group.is_checked.lock();
        let mut is_checked = is_checked.unwrap_or_else(PoisonError::into_inner);
        if !*is_checked {
            check_file(self.folder, file)?;
            *is_checked = true;
        }
        Ok(self.folder.join(&file.path))
    }
}
