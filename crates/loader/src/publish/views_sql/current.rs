//! The rows of resources that a rule calls current, of every table that has rows of such resources.

use std::collections::BTreeMap;

use claimlake_contract::{LakeManifest, LakeTable};

use super::names::quoted;
use super::plan::has_column;
use crate::current_rule::CurrentRule;

/// How the current rows of a table are found.
pub(super) struct CurrentRows<'m> {
    pub(super) table: &'m LakeTable,
    /// The column that says it.
    column: &'m str,
    /// If the table lacks the column: the table that has it, and the columns in both that identify
    /// a resource.
    by: Option<(&'m LakeTable, &'m [String])>,
}

/// For every table of the resource type of a rule's table. `keys` are, by resource type, the
/// columns that together identify a resource.
pub(super) fn current_rows<'m>(
    manifest: &'m LakeManifest,
    rules: &'m [CurrentRule],
    keys: &'m BTreeMap<String, Vec<String>>,
) -> Vec<CurrentRows<'m>> {
    let tables = manifest.tables.iter();
    tables
        .filter_map(|table| {
            rules
                .iter()
                .find_map(|rule| rows_of(table, manifest, rule, keys))
        })
        .collect()
}

fn rows_of<'m>(
    table: &'m LakeTable,
    manifest: &'m LakeManifest,
    rule: &'m CurrentRule,
    keys: &'m BTreeMap<String, Vec<String>>,
) -> Option<CurrentRows<'m>> {
    let resource = table.resource.as_ref()?;
    let ruled = manifest
        .tables
        .iter()
        .find(|ruled| ruled.layout.name == rule.table)?;
    if ruled.resource.as_ref() != Some(resource) {
        return None;
    }
    let column = rule.column.as_str();
    if has_column(table, column) {
        let by = None;
        return Some(CurrentRows { table, column, by });
    }
    let keys = keys.get(resource.as_str())?.as_slice();
    let has_keys = |table| keys.iter().all(|key| has_column(table, key));
    let is_found =
        has_column(ruled, column) && !keys.is_empty() && has_keys(table) && has_keys(ruled);
    let by = Some((ruled, keys));
    is_found.then_some(CurrentRows { table, column, by })
}

impl CurrentRows<'_> {
    /// The query. `relation` names a table of the lake, `semi_join` is how the engine calls it.
    pub(super) fn query(
        &self,
        quote: char,
        relation: impl Fn(&LakeTable) -> String,
        semi_join: &str,
    ) -> String {
        let (rows, column) = (relation(self.table), quoted(self.column, quote));
        let Some((ruled, keys)) = self.by else {
            return format!("SELECT * FROM {rows} WHERE {column}");
        };
        let keys: Vec<String> = keys.iter().map(|key| quoted(key, quote)).collect();
        let same: Vec<String> = keys
            .iter()
            .map(|key| format!("one.{key} = resource.{key}"))
            .collect();
        format!(
            "SELECT one.* FROM {rows} AS one {semi_join} (SELECT {} FROM {} WHERE {column}) AS resource ON {}",
            keys.join(", "),
            relation(ruled),
            same.join(" AND ")
        )
    }
}
