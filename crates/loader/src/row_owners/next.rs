//! Writes the group files of the snapshot that is being built.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use claimlake_contract::{LakeFile, LakeTable, Progress};
use rayon::prelude::*;

use crate::error::Result;
use crate::publish::access::Access;
use crate::row_owners::group_file;
use crate::row_owners::runs::Runs;
use crate::row_owners::snapshot::SnapshotOwners;
use crate::row_owners::spool::SpooledOwners;
use crate::row_owners::table_files::{TableFiles, tables_by_group};
use crate::table::carry::{Carried, carry};

/// From what the files are made.
pub(crate) struct NextOwners<'a> {
    /// The built tables, each with the owners noted for the partitions that were written.
    pub(crate) built: Vec<(&'a LakeTable, &'a SpooledOwners)>,
    /// The previous snapshot's folder and owners.
    pub(crate) before: Option<(&'a Path, &'a SnapshotOwners<'a>)>,
    /// The folder of the snapshot that is being built.
    pub(crate) snapshot: &'a Path,
    pub(crate) access: Access,
}

/// Writes the files of the groups in which something changed, and links the others. Returns their
/// entries in the manifest.
pub(crate) fn write(input: &NextOwners<'_>, progress: &dyn Progress) -> Result<Vec<LakeFile>> {
    let groups = tables_by_group(input.built.iter().map(|(table, _)| *table));
    let spooled: HashMap<&str, &SpooledOwners> = input
        .built
        .iter()
        .map(|(table, spooled)| (table.layout.name.as_str(), *spooled))
        .collect();
    let task = progress.begin(
        "recording which resource each row belongs to",
        "partitions",
        Some(groups.len() as u64),
    );
    let groups: Vec<_> = groups.into_iter().collect();
    let files = groups
        .par_iter()
        .map(|(name, tables)| {
            let file = input.group(name, tables, &spooled);
            progress.advance(task, 1);
            file
        })
        .collect();
    progress.end(task);
    files
}

impl<'a> NextOwners<'a> {
    /// The file of one group. Tables that were not written in this partition keep their owners from
    /// the previous snapshot.
    fn group(
        &self,
        group: &str,
        tables: &BTreeMap<&str, TableFiles<'_>>,
        spooled: &HashMap<&str, &SpooledOwners>,
    ) -> Result<LakeFile> {
        let partition = group.split_once('/').map_or("", |(_, partition)| partition);
        let is_written = |table: &str| {
            let spooled = spooled.get(table);
            spooled.is_some_and(|spooled| spooled.has(partition))
        };
        if !tables.keys().any(|table| is_written(table))
            && let Some((before, file)) = self.unchanged(group, tables)
        {
            let carried = Carried::default();
            carry(file, before, self.snapshot, &self.access, &carried)?;
            return Ok(file.clone());
        }
        let mut all = Vec::with_capacity(tables.len());
        for (table, files) in tables {
            let written = spooled
                .get(table)
                .and_then(|spooled| spooled.runs(partition));
            let runs: Runs<'_> = match (written, self.before) {
                (Some(written), _) => Box::new(written),
                (None, Some((_, before))) => before.runs(group, table)?,
                (None, None) => Box::new(std::iter::empty()),
            };
            all.push((*table, files.rows(), runs));
        }
        group_file::write(self.snapshot, group, all, &self.access)
    }

    /// The file of the group in the previous snapshot, if the group has exactly the same tables
    /// with the same files there.
    fn unchanged(
        &self,
        group: &str,
        tables: &BTreeMap<&str, TableFiles<'_>>,
    ) -> Option<(&'a Path, &'a LakeFile)> {
        let (folder, before) = self.before?;
        let before = before.group(group)?;
        (before.tables == *tables).then_some((folder, before.file?))
    }
}
