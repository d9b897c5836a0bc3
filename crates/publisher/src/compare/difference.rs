//! Differences between a target and the lake, and what mends them.

use std::collections::BTreeMap;
use std::fmt;

use super::files::Read;
use crate::state::TableState;

/// What mends a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Publish again.
    Publish,
    /// Remove the named files at the target, then publish: they are sent again.
    RemoveFiles,
    /// Remove everything at the target, then publish.
    Anew,
    /// The local lake is damaged: `verify` says what to do.
    Local,
}

/// Something that is not as it has to be. Texts have names of tables, columns and files, and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What mends it.
    pub repair: Repair,
    words: String,
}

impl Difference {
    pub(crate) fn new(repair: Repair, words: String) -> Self {
        Self { repair, words }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// What the state says about tables and files, against the manifest of the lake.
pub(super) fn of_tables(
    local: &[TableState],
    state: &[TableState],
    differences: &mut Vec<Difference>,
) {
    let mut differs = |words| differences.push(Difference::new(Repair::Publish, words));
    for table in local {
        let Some(other) = state.iter().find(|other| other.name == table.name) else {
            differs(format!("the state has no table {}", table.name));
            continue;
        };
        let files = |table: &TableState| -> BTreeMap<String, (u64, u64, String)> {
            let files = table.files.iter();
            let content = |file: &crate::state::FileState| {
                let content = (file.bytes, file.rows, file.sha256.clone());
                (file.path.clone(), content)
            };
            files.map(content).collect()
        };
        if files(table) != files(other) || table.rows != other.rows {
            differs(format!(
                "table {}: the state has {} files and {} rows, the lake {} and {}, or other ones",
                table.name,
                other.files.len(),
                other.rows,
                table.files.len(),
                table.rows
            ));
        }
    }
    for other in state.iter().filter(|other| !other.files.is_empty()) {
        if !local.iter().any(|table| table.name == other.name) {
            differs(format!("the lake has no table {}", other.name));
        }
    }
}

/// Rows and sums as they were read at both places. Where files are damaged these are named instead.
pub(super) fn of_contents(here: &Read, there: &Read, differences: &mut Vec<Difference>) {
    if !here.differences.is_empty() || !there.differences.is_empty() {
        return;
    }
    for (table, rows) in &here.rows {
        let found = there.rows.get(table).copied().unwrap_or_default();
        if found != *rows {
            let words = format!("table {table}: {found} rows were read there, {rows} here");
            differences.push(Difference::new(Repair::Publish, words));
        }
    }
    for ((table, column), sum) in &here.sums {
        if there.sums.get(&(table.clone(), column.clone())) != Some(sum) {
            let words = format!("table {table}: the sum of {column} is another one there");
            differences.push(Difference::new(Repair::Publish, words));
        }
    }
}
