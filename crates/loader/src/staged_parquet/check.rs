//! Checks whether what another program staged is complete and consistent: every resource of the
//! keys has its row in the tables that have exactly one row per resource, and every row belongs to
//! a resource of the keys.
//!
//! It cannot find single rows that are missing from tables with many rows per resource; `verify`
//! can, if landing is in the same data directory.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use claimlake_contract::{LANDING_ORDER_COLUMN, StagedTable, period_type};
use serde::Serialize;

use super::bodies::StagedBodies;
use crate::error::{LoadError, Result};
use crate::merge::keys::{self, KeyRow};
use crate::merge::staged_keys::as_key_file;
use crate::staged_run::{Checksums, StagedRun, landing_orders};

/// What a view states about the rows of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// The table.
    pub table: String,
    /// Whether each resource that has rows has exactly one in it.
    pub has_one_row: bool,
    /// The column that holds the id of the resource, where there is one.
    pub id_column: Option<String>,
}

/// What is wrong with a folder that another program staged; all counts are 0 where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StagedProblems {
    /// Resources of the keys that must have rows.
    pub resources: u64,
    /// Tables without any Parquet file: one without rows still has one.
    pub tables_without_files: Vec<String>,
    /// By table with one row for each resource: how many resources have none.
    pub without_row: BTreeMap<String, Share>,
    /// By such a table: how many resources have several rows.
    pub with_several_rows: BTreeMap<String, u64>,
    /// By table: rows whose landing order belongs to no resource of its type that has rows.
    pub rows_of_none: BTreeMap<String, u64>,
    /// By table: rows whose id is another than their key's.
    pub rows_of_another: BTreeMap<String, u64>,
    /// Keys that have the landing order of another key.
    pub same_order: u64,
    /// Resources that have the content hash of another resource, which has another id and so
    /// another text.
    pub same_hash: u64,
}

/// A count and the total it is part of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Those that are counted.
    pub count: u64,
    /// All of the kind.
    pub of: u64,
}

impl StagedProblems {
    /// Whether something is missing that another part of the folder says there is.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.tables_without_files.is_empty() || !self.without_row.is_empty()
    }

    /// Whether parts of the folder contradict each other.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        let by_table = [
            &self.with_several_rows,
            &self.rows_of_none,
            &self.rows_of_another,
        ];
        by_table.iter().any(|tables| !tables.is_empty()) || self.same_order + self.same_hash > 0
    }
}

/// One row of the keys.
struct StagedKey {
    order: u64,
    /// A hash of the id of its resource.
    id: u64,
    /// The position of its type among those that were met.
    of_type: usize,
    has_rows: bool,
    is_of_period: bool,
}

/// Checks a sealed folder; the bodies that it says it holds can then be compared with landing.
///
/// Holds some 60 bytes for each resource.
///
/// # Errors
///
/// A file cannot be read, or the keys lack a column.
pub fn check_staged_parquet(
    folder: &Path,
    shapes: &[TableShape],
) -> Result<(StagedProblems, StagedBodies)> {
    let run = StagedRun::open(folder)?;
    let mut problems = StagedProblems::default();
    let mut bodies = StagedBodies::default();
    let mut types = Vec::new();
    let mut staged = read_keys(&run, &mut types, &mut bodies)?;
    staged.sort_unstable_by_key(|key| key.order);
    let of_resource = |key: &&StagedKey| key.has_rows && !key.is_of_period;
    problems.resources = staged.iter().filter(of_resource).count() as u64;
    let same = |pair: &&[StagedKey; 2]| pair[0].order == pair[1].order;
    problems.same_order = staged.array_windows().filter(same).count() as u64;
    problems.same_hash = bodies.shared();
    for table in run.tables() {
        let name = &table.layout.name;
        let shape = shapes.iter().find(|shape| shape.table == *name);
        let position = |of: &str| types.iter().position(|known| known == of);
        let of_type = position(table.resource.as_str());
        let of_period = position(&period_type(table.resource.as_str(), name));
        if table.files.is_empty() {
            problems.tables_without_files.push(name.clone());
            let expected = |key: &&StagedKey| key.has_rows && Some(key.of_type) == of_type;
            let of = staged.iter().filter(expected).count() as u64;
            if of > 0 && shape.is_some_and(|shape| shape.has_one_row) {
                let all = Share { count: of, of };
                problems.without_row.insert(name.clone(), all);
            }
            continue;
        }
        let of_types = (of_type, of_period);
        check_table(&run, table, shape, of_types, &staged, &mut problems)?;
    }
    Ok((problems, bodies))
}

/// Reads `_keys` into memory. `types` collects the resource types that occur, so that a key holds a
/// number instead of a text; ids are kept as 64-bit hashes.
fn read_keys(
    run: &StagedRun,
    types: &mut Vec<String>,
    bodies: &mut StagedBodies,
) -> Result<Vec<StagedKey>> {
    let mut staged = Vec::new();
    for batch in run.keys() {
        let batch = std::sync::Arc::new(as_key_file(&batch?, run)?);
        for row in 0..batch.num_rows() {
            let key = KeyRow { batch: &batch, row };
            let resource_type = key.text(keys::RESOURCE_TYPE).unwrap_or_default();
            let of_type = types.iter().position(|known| known == resource_type);
            let of_type = of_type.unwrap_or_else(|| {
                types.push(resource_type.to_owned());
                types.len() - 1
            });
            let has_rows = !key.is_tombstone();
            let period = key.period();
            if has_rows && period.is_none() {
                bodies.add(key.resource(), key.content_hash());
            }
            let id = match period {
                Some(period) => period.resource_id,
                None => key.text(keys::ID).unwrap_or_default(),
            };
            staged.push(StagedKey {
                order: key.order(),
                id: hash_of_id(id),
                of_type,
                has_rows,
                is_of_period: period.is_some(),
            });
        }
    }
    Ok(staged)
}

/// Used to notice a row with the id of another resource; a collision would hide one such row, and
/// nothing else depends on it.
fn hash_of_id(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}

/// Compares the rows of one table with the keys. `staged` is sorted by landing order; `of_type` is
/// `None` if no key has the table's resource type, and `of_period` if it has no keys of periods: a
/// row of neither is one too many.
fn check_table(
    run: &StagedRun,
    table: &StagedTable,
    shape: Option<&TableShape>,
    (of_type, of_period): (Option<usize>, Option<usize>),
    staged: &[StagedKey],
    problems: &mut StagedProblems,
) -> Result<()> {
    let name = &table.layout.name;
    let Some(schema) = run.schema(table)? else {
        return Ok(());
    };
    let id_column = shape.and_then(|shape| shape.id_column.as_deref());
    let wanted = [id_column, Some(LANDING_ORDER_COLUMN)];
    let wanted = wanted.into_iter().flatten();
    let columns: Vec<usize> = wanted
        .filter_map(|column| schema.index_of(column).ok())
        .collect();
    let has_one_row = shape.is_some_and(|shape| shape.has_one_row);
    let mut rows = match has_one_row {
        true => vec![0_u8; staged.len()],
        false => Vec::new(),
    };
    let (mut of_none, mut of_another) = (0, 0);
    for batch in run.batches(table, Some(&columns), Checksums::Trust) {
        let batch = batch?;
        let orders = landing_orders(&batch).ok_or_else(|| {
            let reason = format!("the table {name} has no fit column {LANDING_ORDER_COLUMN}");
            LoadError::staged(&run.folder, reason)
        })?;
        let ids = id_column.and_then(|column| batch.column_by_name(column));
        let mut last = None;
        for (row, order) in orders.iter().enumerate() {
            let found = match last {
                Some((of, found)) if of == *order => found,
                _ => staged.binary_search_by_key(order, |key| key.order).ok(),
            };
            last = Some((*order, found));
            let key = found.map(|index| (index, &staged[index]));
            let is_of_table = |key: &StagedKey| {
                let key_type = Some(key.of_type);
                key.has_rows && (key_type == of_type || key_type == of_period)
            };
            match key.filter(|(_, key)| is_of_table(key)) {
                None => of_none += 1,
                Some((index, key)) => {
                    if let Some(rows) = rows.get_mut(index) {
                        *rows = rows.saturating_add(1);
                    }
                    let id = ids.and_then(|ids| text_at(ids.as_ref(), row));
                    of_another += u64::from(id.is_some_and(|id| hash_of_id(id) != key.id));
                }
            }
        }
    }
    let mut note = |into: fn(&mut StagedProblems) -> &mut BTreeMap<String, u64>, count: u64| {
        if count > 0 {
            into(problems).insert(name.clone(), count);
        }
    };
    note(|problems| &mut problems.rows_of_none, of_none);
    note(|problems| &mut problems.rows_of_another, of_another);
    if has_one_row {
        let expected = staged
            .iter()
            .zip(&rows)
            .filter(|(key, _)| key.has_rows && Some(key.of_type) == of_type);
        let (mut none, mut several) = (Share::default(), 0);
        for (_, rows) in expected {
            none.of += 1;
            none.count += u64::from(*rows == 0);
            several += u64::from(*rows > 1);
        }
        note(|problems| &mut problems.with_several_rows, several);
        if none.count > 0 {
            problems.without_row.insert(name.clone(), none);
        }
    }
    Ok(())
}

/// The value of a text column, with 32-bit or 64-bit offsets; `None` for null and for columns of
/// another type.
fn text_at(column: &dyn Array, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    let text = column.as_string_opt::<i32>();
    text.map(|texts| texts.value(row))
        .or_else(|| Some(column.as_string_opt::<i64>()?.value(row)))
}
