//! The tables that views will make: their resource types and columns.

use std::collections::{BTreeMap, BTreeSet};

/// A table that a view makes.
#[derive(Debug, Default)]
pub(super) struct PlannedTable {
    /// The type of the resources whose rows it has.
    pub(super) resource: String,
    pub(super) columns: BTreeSet<String>,
}

/// Tables by their names.
pub(super) type PlannedTables = BTreeMap<String, PlannedTable>;
