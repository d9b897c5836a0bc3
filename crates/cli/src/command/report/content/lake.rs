//! The snapshot that is read.

use std::path::Path;

use claimlake_contract::LakeTable;

use crate::pipeline::ReportColumns;

/// A snapshot, which of its columns to read, and what could not be read.
pub(super) struct Lake<'l> {
    /// Its folder.
    pub(super) folder: &'l Path,
    /// Its tables; any of them may be missing.
    pub(super) tables: &'l [LakeTable],
    /// The columns that are read.
    pub(super) columns: &'l ReportColumns,
    /// Files that could not be read, and why; they are in no number.
    pub(super) unreadable: Vec<String>,
}

impl<'l> Lake<'l> {
    /// A table by its name.
    pub(super) fn table(&self, name: &str) -> Option<&'l LakeTable> {
        self.tables.iter().find(|table| table.layout.name == name)
    }
}
