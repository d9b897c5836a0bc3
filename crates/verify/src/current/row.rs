//! One row of a rule's table, and what the rule decides from this row alone.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::{Conditions, CurrentCase, CurrentRule};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Error;
use crate::lake::Snapshot;
use crate::parquet_rows::for_each_batch;
use claimlake_loader::{is_unknown_partition, partition_value};

/// The type of a claim, where the table has it.
const TYPE: &str = "eob_type";

/// The rows of a rule's table.
pub(super) struct Rows<'r> {
    snapshot: &'r Snapshot,
    pub(super) table: &'r LakeTable,
    rule: &'r CurrentRule,
}

/// The values by which versions are ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OrderKey {
    Null,
    Number(i64),
    Text(String),
}

/// What the rule decides from the columns of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowStatus {
    /// No case of the rule fits.
    Unknown,
    NotCurrent,
    Current,
    /// It states nothing: the newest of its versions is current.
    CurrentIfNewest,
}

/// A row as the rule sees it.
#[derive(Debug)]
pub(super) struct Row {
    /// The hash of what versions agree in; none: it has no other versions.
    pub(super) group: Option<u128>,
    pub(super) status: RowStatus,
    pub(super) is_stated: bool,
    pub(super) is_preliminary: bool,
    pub(super) is_final: bool,
    pub(super) order: Vec<OrderKey>,
    pub(super) claim_type: Option<String>,
    /// The value in the table.
    pub(super) current: Option<bool>,
}

impl<'r> Rows<'r> {
    pub(super) fn new(snapshot: &'r Snapshot, table: &'r LakeTable, rule: &'r CurrentRule) -> Self {
        Self {
            snapshot,
            table,
            rule,
        }
    }

    /// Where what is noted of the rows is kept.
    pub(super) fn scratch(&self) -> &'r std::path::Path {
        &self.snapshot.scratch
    }

    /// What `visit` makes of the rows of each file. It gets the number of the file, and that of the row
    /// from 1.
    pub(super) fn visit<T: Default + Send>(
        &self,
        visit: impl Fn(&mut T, (u32, u64), Row) + Sync,
    ) -> Result<Vec<T>, Error> {
        let files: Vec<(u32, &LakeFile)> = (0..).zip(&self.table.files).collect();
        let intact = files.into_par_iter();
        let intact = intact.filter(|(_, file)| !self.snapshot.damaged.contains(&file.path));
        let made = intact.map(|(number, file)| {
            let mut made = T::default();
            let cases = self.rule.cases.iter().flat_map(CurrentCase::columns);
            let names = cases.map(|(_, name)| name);
            let names = names.chain([self.rule.column.as_str(), TYPE]);
            let mut line = 0;
            for_each_batch(&self.snapshot.folder.join(&file.path), names, |batch| {
                for row in 0..batch.num_rows() {
                    line += 1;
                    let cells = Cells {
                        rows: self,
                        file,
                        batch,
                        row,
                    };
                    visit(&mut made, (number, line), cells.row()?);
                }
                Ok(())
            })?;
            Ok(made)
        });
        made.collect()
    }
}

/// The cells of one row.
struct Cells<'c> {
    rows: &'c Rows<'c>,
    file: &'c LakeFile,
    batch: &'c RecordBatch,
    row: usize,
}

impl Cells<'_> {
    fn row(&self) -> Result<Row, Error> {
        let rule = self.rows.rule;
        let current = self.batch.column_by_name(&rule.column);
        let current = current.and_then(|column| column.as_boolean_opt());
        let mut row = Row {
            group: None,
            status: RowStatus::Unknown,
            is_stated: false,
            is_preliminary: false,
            is_final: false,
            order: Vec::new(),
            claim_type: self.known(TYPE),
            current: current
                .filter(|column| column.is_valid(self.row))
                .map(|column| column.value(self.row)),
        };
        let cases = (0_u64..).zip(&rule.cases);
        let Some((number, case)) = cases.into_iter().find(|(_, case)| self.is_all(&case.when))
        else {
            return Ok(row);
        };
        row.is_stated = case.stated_by.keys().any(|name| self.known(name).is_some());
        row.is_preliminary = self.is_any(&case.preliminary_if);
        row.is_final = self.is_any(&case.final_if);
        row.status = match row.is_stated {
            _ if self.is_any(&case.never_if) || !self.is_all(&case.current_if) => {
                RowStatus::NotCurrent
            }
            true if self.is_any(&case.stated_by) => RowStatus::Current,
            true => RowStatus::NotCurrent,
            false => RowStatus::CurrentIfNewest,
        };
        row.group = self.group(number, case);
        for (position, name) in case.newest_by.iter().enumerate() {
            row.order.push(self.order_key(name)?);
            if position == 0 {
                row.order
                    .extend(case.newest_at_tie.iter().map(|(name, values)| {
                        let cell = self.text(name);
                        let at = values.iter().position(|value| Some(value) == cell.as_ref());
                        at.map_or(OrderKey::Null, |at| {
                            OrderKey::Number(i64::try_from(at).unwrap_or(i64::MAX))
                        })
                    }));
            }
        }
        Ok(row)
    }

    fn group(&self, number: u64, case: &CurrentCase) -> Option<u128> {
        if case.group_by.is_empty() {
            return None;
        }
        let mut agreed = vec![number.to_string()];
        for name in &case.group_by {
            agreed.push(self.known(name)?);
        }
        let mut agreed: Vec<Option<String>> = agreed.into_iter().map(Some).collect();
        agreed.extend(case.split_by.iter().map(|name| self.known(name)));
        Some(xxh3_128(format!("{agreed:?}").as_bytes()))
    }

    fn is_all(&self, conditions: &Conditions) -> bool {
        conditions.iter().all(|(name, values)| {
            let text = self.text(name);
            text.is_some_and(|text| values.contains(&text))
        })
    }

    fn is_any(&self, conditions: &Conditions) -> bool {
        conditions.iter().any(|(name, values)| {
            let text = self.text(name);
            text.is_some_and(|text| values.contains(&text))
        })
    }

    /// The value; `None` if nothing is known.
    fn known(&self, name: &str) -> Option<String> {
        let partitions = &self.rows.table.partition_columns;
        let partition = partitions.iter().find(|(column, _)| column == name);
        if partition.is_some_and(|(_, words)| is_unknown_partition(&self.file.path, name, words)) {
            return None;
        }
        self.text(name).filter(|text| !text.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        let Some(column) = self.batch.column_by_name(name) else {
            return partition_value(&self.file.path, name);
        };
        if column.is_null(self.row) {
            return None;
        }
        match column.data_type() {
            DataType::Utf8 => Some(column.as_string::<i32>().value(self.row).to_owned()),
            DataType::Boolean => Some(column.as_boolean().value(self.row).to_string()),
            DataType::Date32 => column
                .as_primitive::<Date32Type>()
                .value_as_date(self.row)
                .map(|date| date.to_string()),
            _ => self.number(column).map(|number| number.to_string()),
        }
    }

    fn number(&self, column: &dyn Array) -> Option<i64> {
        if column.is_null(self.row) {
            return None;
        }
        match column.data_type() {
            DataType::Int16 => Some(column.as_primitive::<Int16Type>().value(self.row).into()),
            DataType::Int32 => Some(column.as_primitive::<Int32Type>().value(self.row).into()),
            DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(self.row)),
            DataType::Date32 => Some(column.as_primitive::<Date32Type>().value(self.row).into()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                Some(times.value(self.row))
            }
            _ => None,
        }
    }

    fn order_key(&self, name: &str) -> Result<OrderKey, Error> {
        let Some(column) = self.batch.column_by_name(name) else {
            return Ok(
                partition_value(&self.file.path, name).map_or(OrderKey::Null, OrderKey::Text)
            );
        };
        if column.is_null(self.row) {
            return Ok(OrderKey::Null);
        }
        if column.data_type() == &DataType::Utf8 {
            return Ok(OrderKey::Text(
                column.as_string::<i32>().value(self.row).to_owned(),
            ));
        }
        Ok(self.number(column).map_or(OrderKey::Null, OrderKey::Number))
    }
}
