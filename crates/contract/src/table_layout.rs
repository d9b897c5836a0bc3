//! How a table is laid out in the lake.

use serde::{Deserialize, Serialize};

/// Name and layout of one table. Columns and types are those of the staged Arrow schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLayout {
    /// The table's name: the folder in the snapshot.
    pub name: String,
    /// Partition columns, outermost first; they live in the path only. Empty: not partitioned.
    pub partition_by: Vec<String>,
    /// Columns that rows are sorted by within a partition, before the view's own row order.
    pub sort_by: Vec<String>,
    /// Columns with a bloom filter.
    pub bloom: BloomColumns,
}

/// Columns with a bloom filter, by name; names that a table does not have are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BloomColumns(pub Vec<String>);
