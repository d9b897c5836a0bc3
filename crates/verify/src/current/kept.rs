//! Compares the loader's own file of decisions, on which the next load builds, with the tables.

use std::collections::HashMap;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::CurrentRule;

use crate::error::Error;
use crate::lake::Snapshot;
use crate::parquet_rows::{for_each_batch, text, texts};
use crate::report::Check;
use claimlake_loader::partition_value;

/// The decision about a resource, and whether a row of it was seen.
type Known = (Option<bool>, bool);

/// Compares the decisions with the rows of the rule's tables; `key` is the column with the ids of
/// their resources. The second check names tables with files from before the rule named these
/// tables.
pub(super) fn check(
    snapshot: &Snapshot,
    rule: &CurrentRule,
    key: &str,
    [check, older]: [&mut Check; 2],
) -> Result<(), Error> {
    let mut known: HashMap<[u8; 16], Known> = HashMap::new();
    let visit = |of: &str, key: [u8; 16], current: Option<bool>| {
        if of == rule.table {
            known.insert(key, (current, false));
        }
    };
    let read = claimlake_loader::current_resources(&snapshot.folder, &snapshot.manifest, visit);
    if let Err(error) = read {
        check.fail(|| error.to_string());
        return Ok(());
    }
    for name in rule.tables() {
        let Some(table) = snapshot.table(name) else {
            continue;
        };
        let has_column = compare(snapshot, (table, rule), key, &mut known, check)?;
        older.expect(has_column, || {
            format!("table '{name}' has files without '{}'", rule.column)
        });
        let is_damaged = |file: &LakeFile| snapshot.damaged.contains(&file.path);
        // A damaged file is reported by its own hash; the decisions in it are unknown.
        if name == rule.table && !table.files.iter().any(is_damaged) {
            let without = known.values().filter(|(_, is_seen)| !is_seen).count();
            check.expect(without == 0, || {
                format!("keys/current.arrow: {without} resources have no row in '{name}'")
            });
        }
    }
    Ok(())
}

/// Compares the decisions with the rows of one table; returns whether all of its files have the
/// column.
fn compare(
    snapshot: &Snapshot,
    (table, rule): (&LakeTable, &CurrentRule),
    key: &str,
    known: &mut HashMap<[u8; 16], Known>,
    check: &mut Check,
) -> Result<bool, Error> {
    let Some(resource) = &table.resource else {
        return Ok(true);
    };
    let mut has_column = true;
    for file in snapshot.intact_files(table) {
        let mut line = 0_u64;
        // A column that the table is partitioned by is in the path only.
        let [api_in_path, id_in_path] =
            ["source_api", key].map(|name| partition_value(&file.path, name));
        let columns = ["source_api", key, rule.column.as_str()];
        for_each_batch(&snapshot.folder.join(&file.path), columns, |batch| {
            let (apis, ids) = (texts(batch, "source_api"), texts(batch, key));
            let current = batch.column_by_name(&rule.column);
            let current = current.and_then(|column| column.as_boolean_opt());
            has_column &= current.is_some();
            for row in 0..batch.num_rows() {
                line += 1;
                let api = text(apis, row).or(api_in_path.as_deref());
                let id = text(ids, row).or(id_in_path.as_deref());
                let (Some(api), Some(id)) = (api, id) else {
                    continue;
                };
                let said = current.filter(|column| column.is_valid(row));
                let said = said.map(|column| column.value(row));
                let key = claimlake_loader::resource_key(api, resource.as_str(), id);
                let place = |what: &str| format!("{}, row {line}: {what}", file.path);
                match known.get_mut(&key) {
                    None => check.fail(|| place("keys/current.arrow does not know it")),
                    Some((_, is_seen)) if current.is_none() => *is_seen = true,
                    Some((known, is_seen)) => {
                        *is_seen = true;
                        check.expect(*known == said, || {
                            place("keys/current.arrow says otherwise of it")
                        });
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(has_column)
}
