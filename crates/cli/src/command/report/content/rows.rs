//! Reads rows of a table of the lake: its files on all threads, and only the requested columns.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Decimal128Type};
use arrow_array::{Array, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::partition_value;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;

use super::lake::Lake;
use super::month::Month;

/// Decimal digits after the point of an amount.
const CENTS: i8 = 2;

/// Some rows of a file. A column that is not there, or is of another type, has no value in any row.
pub(super) struct Rows<'r> {
    batch: &'r RecordBatch,
    path: &'r str,
}

/// Texts of a column, of the file or of its path.
pub(super) struct Texts<'r> {
    column: Option<&'r StringArray>,
    in_path: Option<String>,
}

/// Days of a column.
pub(super) struct Days<'r>(Option<&'r PrimitiveArray<Date32Type>>);

/// Flags of a column.
pub(super) struct Flags<'r>(Option<&'r BooleanArray>);

/// Amounts of a column.
pub(super) struct Amounts<'r>(Option<&'r PrimitiveArray<Decimal128Type>>);

impl<'r> Rows<'r> {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column of texts.
    pub(super) fn texts(&self, name: &str) -> Texts<'r> {
        let column = self.batch.column_by_name(name);
        Texts {
            column: column.and_then(|column| column.as_string_opt::<i32>()),
            in_path: partition_value(self.path, name),
        }
    }

    /// A column of days.
    pub(super) fn days(&self, name: &str) -> Days<'r> {
        Days(self.primitives(name))
    }

    /// A column of flags.
    pub(super) fn flags(&self, name: &str) -> Flags<'r> {
        let column = self.batch.column_by_name(name);
        Flags(column.and_then(|column| column.as_boolean_opt()))
    }

    /// A column of amounts with two digits after the point.
    pub(super) fn amounts(&self, name: &str) -> Amounts<'r> {
        let column = self.primitives::<Decimal128Type>(name);
        Amounts(
            column.filter(|column| matches!(column.data_type(), DataType::Decimal128(_, CENTS))),
        )
    }

    fn primitives<T: ArrowPrimitiveType>(&self, name: &str) -> Option<&'r PrimitiveArray<T>> {
        self.batch.column_by_name(name)?.as_primitive_opt::<T>()
    }
}

impl Texts<'_> {
    /// The text of a row; empty where there is none.
    pub(super) fn at(&self, row: usize) -> &str {
        match self.column.filter(|column| column.is_valid(row)) {
            Some(column) => column.value(row),
            None => self.in_path.as_deref().unwrap_or_default(),
        }
    }
}

impl Days<'_> {
    /// The month of a row's day.
    pub(super) fn month(&self, row: usize) -> Option<Month> {
        let days = self.0.filter(|days| days.is_valid(row))?;
        Month::of_day(days.value(row))
    }
}

impl Flags<'_> {
    /// The flag of a row.
    pub(super) fn at(&self, row: usize) -> Option<bool> {
        let flags = self.0.filter(|flags| flags.is_valid(row))?;
        Some(flags.value(row))
    }
}

impl Amounts<'_> {
    /// The amount of a row, in cents.
    pub(super) fn cents(&self, row: usize) -> Option<i128> {
        let amounts = self.0.filter(|amounts| amounts.is_valid(row))?;
        Some(amounts.value(row))
    }
}

/// Adds up all rows of a table: `add` those of a part of a file, `merge` what files add up to. Files
/// that cannot be read are named in `lake` and are in no sum.
pub(super) fn add_up<T: Default + Send>(
    lake: &mut Lake<'_>,
    table: &LakeTable,
    columns: &[&str],
    add: impl Fn(&mut T, &Rows<'_>) + Sync,
    merge: impl Fn(&mut T, T),
) -> T {
    let folder = lake.folder;
    let found: Vec<Result<T, String>> = table
        .files
        .par_iter()
        .map(|file| {
            of_file(folder, file, columns, &add).map_err(|error| format!("{}: {error}", file.path))
        })
        .collect();
    let mut sum = T::default();
    for one in found {
        match one {
            Ok(one) => merge(&mut sum, one),
            Err(why) => lake.unreadable.push(why),
        }
    }
    sum
}

fn of_file<T: Default>(
    folder: &Path,
    file: &LakeFile,
    columns: &[&str],
    add: &impl Fn(&mut T, &Rows<'_>),
) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
    let opened = File::open(folder.join(&file.path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(opened)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let mut sum = T::default();
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let rows = Rows {
            batch: &batch,
            path: &file.path,
        };
        add(&mut sum, &rows);
    }
    Ok(sum)
}
