//! Which files of which tables belong to a group.

use std::collections::BTreeMap;

use claimlake_contract::{LakeFile, LakeTable};

use crate::row_owners::group::{group_of, partition_in_table};

/// A table's files in a partition, in the order of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableFiles<'a> {
    pub(crate) table: &'a str,
    pub(crate) files: Vec<&'a LakeFile>,
}

impl TableFiles<'_> {
    /// The number of rows in all of them.
    pub(crate) fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// For each group, its tables with their files. Files without rows, and tables about runs, are left
/// out.
pub(crate) fn tables_by_group<'a>(
    tables: impl IntoIterator<Item = &'a LakeTable>,
) -> BTreeMap<String, BTreeMap<&'a str, TableFiles<'a>>> {
    let mut groups: BTreeMap<String, BTreeMap<&str, TableFiles<'_>>> = BTreeMap::new();
    for table in tables {
        let name = table.layout.name.as_str();
        for file in table.files.iter().filter(|file| file.rows > 0) {
            let Some(group) = group_of(table, partition_in_table(file, name)) else {
                continue;
            };
            let of_group = groups.entry(group).or_default();
            let of_table = of_group.entry(name).or_insert_with(|| TableFiles {
                table: name,
                files: Vec::new(),
            });
            of_table.files.push(file);
        }
    }
    groups
}
