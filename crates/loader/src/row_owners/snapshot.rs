//! The owners of a snapshot's rows, whichever version published it.

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

/// A published snapshot. What is read of it is compared with the manifest first, once.
pub(crate) struct SnapshotOwners<'a> {
    folder: &'a Path,
    groups: BTreeMap<String, Group<'a>>,
    /// There where the manifest names no files of owners.
    earlier: Option<EarlierOwners<'a>>,
}

/// The tables of a resource type that share a partition.
#[derive(Default)]
pub(crate) struct Group<'a> {
    pub(crate) tables: BTreeMap<&'a str, TableFiles<'a>>,
    pub(crate) file: Option<&'a LakeFile>,
    is_checked: Mutex<bool>,
}

impl<'a> SnapshotOwners<'a> {
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

    pub(crate) fn group(&self, name: &str) -> Option<&Group<'a>> {
        self.groups.get(name)
    }

    pub(crate) fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The runs of the rows that a table has in a group.
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

    /// Calls `visit` with every resource of a group that is looked for, table by table, and its number
    /// of rows.
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

    /// The path of a group's file, which is as the manifest says.
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
