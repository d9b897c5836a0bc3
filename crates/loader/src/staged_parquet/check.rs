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
use super::sorted_keys::{SortedKeys, StagedKey, hash_of_id};
use crate::error::{LoadError, Result};
use crate::merge::record_sorter::{RecordSorter, SortedRecords};
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

/// The folder in the staged one for what is sorted on disk. Its files have no names.
const SPILL: &str = "_checking";

/// About the bytes of memory that sorting the rows of a table takes.
const BUDGET: usize = 32 << 20;

/// Checks a sealed folder; the bodies that it says it holds can then be compared with landing.
///
/// Keys and the places of rows are sorted, in the folder where memory does not suffice: about 150 MB
/// with 4 million resources.
///
/// # Errors
///
/// A file cannot be read, the keys lack a column, or the disk is full.
pub fn check_staged_parquet(
    folder: &Path,
    shapes: &[TableShape],
) -> Result<(StagedProblems, StagedBodies)> {
    let run = StagedRun::open(folder)?;
    let spill = folder.join(SPILL);
    let mut problems = StagedProblems::default();
    let mut bodies = StagedBodies::new(&spill)?;
    let keys = SortedKeys::read(&run, &spill, &mut bodies)?;
    problems.resources = keys.resources.iter().sum();
    problems.same_order = keys.same_order;
    problems.same_hash = bodies.shared()?;
    for table in run.tables() {
        let name = &table.layout.name;
        let shape = shapes.iter().find(|shape| shape.table == *name);
        let of_type = keys.type_number(table.resource.as_str());
        if table.files.is_empty() {
            problems.tables_without_files.push(name.clone());
            let of = of_type.map_or(0, |of_type| keys.of_type(of_type));
            if of > 0 && shape.is_some_and(|shape| shape.has_one_row) {
                let all = Share { count: of, of };
                problems.without_row.insert(name.clone(), all);
            }
            continue;
        }
        let table = Checked {
            table,
            has_one_row: shape.is_some_and(|shape| shape.has_one_row),
            id_column: shape.and_then(|shape| shape.id_column.as_deref()),
            of_type,
            of_period: keys.type_number(&period_type(table.resource.as_str(), name)),
        };
        if let Some(rows) = table.rows(&run, &spill)? {
            table.compare(rows, &keys, &mut problems)?;
        }
    }
    Ok((problems, bodies))
}

/// A table that is compared with the keys.
struct Checked<'a> {
    table: &'a StagedTable,
    has_one_row: bool,
    id_column: Option<&'a str>,
    /// The type of its resources; `None` if no key has it.
    of_type: Option<u16>,
    /// The type of their periods. A row of neither is one too many.
    of_period: Option<u16>,
}

/// Neighbouring rows of one landing order and one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rows {
    order: u64,
    /// A hash of the id.
    id: Option<u64>,
    rows: u64,
}

impl Rows {
    const BYTES: usize = 25;

    fn to_record(self) -> [u8; Self::BYTES] {
        let mut record = [0; Self::BYTES];
        record[..8].copy_from_slice(&self.order.to_be_bytes());
        record[8] = u8::from(self.id.is_some());
        record[9..17].copy_from_slice(&self.id.unwrap_or_default().to_be_bytes());
        record[17..].copy_from_slice(&self.rows.to_be_bytes());
        record
    }

    fn of_record(record: &[u8; Self::BYTES]) -> Self {
        let number = |from: usize| {
            let bytes = record.get(from..).and_then(|bytes| bytes.first_chunk());
            u64::from_be_bytes(bytes.copied().unwrap_or_default())
        };
        Self {
            order: number(0),
            id: (record[8] != 0).then(|| number(9)),
            rows: number(17),
        }
    }
}

impl Checked<'_> {
    /// The places of all rows, by landing order; `None` if the table has no file.
    fn rows(
        &self,
        run: &StagedRun,
        spill: &Path,
    ) -> Result<Option<SortedRecords<{ Rows::BYTES }>>> {
        let name = &self.table.layout.name;
        let Some(schema) = run.schema(self.table)? else {
            return Ok(None);
        };
        let wanted = [self.id_column, Some(LANDING_ORDER_COLUMN)];
        let wanted = wanted.into_iter().flatten();
        let columns: Vec<usize> = wanted
            .filter_map(|column| schema.index_of(column).ok())
            .collect();
        let mut sorter = RecordSorter::new(name, spill.join("rows"), BUDGET)?;
        let mut last: Option<Rows> = None;
        for batch in run.batches(self.table, Some(&columns), Checksums::Trust) {
            let batch = batch?;
            let orders = landing_orders(&batch).ok_or_else(|| {
                let reason = format!("the table {name} has no fit column {LANDING_ORDER_COLUMN}");
                LoadError::staged(&run.folder, reason)
            })?;
            let ids = self
                .id_column
                .and_then(|column| batch.column_by_name(column));
            for (row, order) in orders.iter().enumerate() {
                let id = ids.and_then(|ids| text_at(ids.as_ref(), row));
                let next = Rows {
                    order: *order,
                    id: id.map(hash_of_id),
                    rows: 1,
                };
                match &mut last {
                    Some(last) if (last.order, last.id) == (next.order, next.id) => last.rows += 1,
                    _ => {
                        if let Some(last) = last.replace(next) {
                            sorter.push(&last.to_record())?;
                        }
                    }
                }
            }
        }
        if let Some(last) = last {
            sorter.push(&last.to_record())?;
        }
        sorter.finish().map(Some)
    }

    fn is_of_table(&self, key: &StagedKey) -> bool {
        let of_key = Some(key.of_type);
        key.has_rows && (of_key == self.of_type || of_key == self.of_period)
    }

    /// Goes through rows and keys, both in landing order.
    fn compare(
        &self,
        rows: SortedRecords<{ Rows::BYTES }>,
        keys: &SortedKeys,
        problems: &mut StagedProblems,
    ) -> Result<()> {
        let (mut of_none, mut of_another, mut several) = (0, 0, 0);
        let mut none = Share::default();
        let mut end_of = |key: &StagedKey, rows: u64| {
            if key.has_rows && Some(key.of_type) == self.of_type {
                none.of += 1;
                none.count += u64::from(rows == 0);
                several += u64::from(rows > 1);
            }
        };
        let mut keys = keys.by_order()?;
        let mut key = keys.next().transpose()?;
        let mut rows_of_key = 0;
        for record in rows {
            let found = Rows::of_record(&record?);
            while let Some(before) = key.filter(|key| key.order < found.order) {
                end_of(&before, std::mem::take(&mut rows_of_key));
                key = keys.next().transpose()?;
            }
            let own = key.filter(|key| key.order == found.order);
            match own.filter(|key| self.is_of_table(key)) {
                None => of_none += found.rows,
                Some(key) => {
                    rows_of_key += found.rows;
                    if found.id.is_some_and(|id| id != key.id) {
                        of_another += found.rows;
                    }
                }
            }
        }
        while let Some(last) = key {
            end_of(&last, std::mem::take(&mut rows_of_key));
            key = keys.next().transpose()?;
        }
        let name = &self.table.layout.name;
        let note = |tables: &mut BTreeMap<String, u64>, count: u64| {
            if count > 0 {
                tables.insert(name.clone(), count);
            }
        };
        note(&mut problems.rows_of_none, of_none);
        note(&mut problems.rows_of_another, of_another);
        if self.has_one_row {
            note(&mut problems.with_several_rows, several);
            if none.count > 0 {
                problems.without_row.insert(name.clone(), none);
            }
        }
        Ok(())
    }
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
