//! The statistics of a file in a Delta log, from the footer of the file.
//!
//! Only of the columns that the table is sorted by, of dates and of decimals: readers skip files by
//! these, and a log with all of them would be as large as a table. A bound that is not known is
//! left out, which readers take for "anything".

use std::fs::File;
use std::path::Path;

use chrono::NaiveDate;
use claimlake_contract::LakeTable;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use serde_json::{Map, Number, Value, json};

use super::schema::decimal_digits;
use crate::error::{PublishError, Result};

/// The columns of a table that have statistics.
pub(crate) fn columns(table: &LakeTable) -> Vec<String> {
    let has = |(name, words): &&(String, String)| {
        let is_sorted_by = words == "Utf8" && table.layout.sort_by.contains(name);
        is_sorted_by || words == "Date32" || decimal_digits(words).is_some()
    };
    let columns = table.columns.iter().filter(has);
    columns.map(|(name, _)| name.clone()).collect()
}

/// The statistics of a file, as the text that an `add` has.
///
/// # Errors
/// The footer cannot be read.
pub(crate) fn of_file(path: &Path, columns: &[String]) -> Result<String> {
    let file = File::open(path).map_err(PublishError::io("opening", path))?;
    let reader = SerializedFileReader::new(file).map_err(|error| {
        PublishError::Damaged(format!(
            "{}: its Parquet footer cannot be read ({error}); `verify` names every damaged file",
            path.display()
        ))
    })?;
    let metadata = reader.metadata();
    let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
    for column in columns {
        let mut bounds = Bounds::default();
        for group in metadata.row_groups() {
            let chunk = group.columns().iter();
            let chunk = chunk.filter(|chunk| chunk.column_path().string() == *column);
            for chunk in chunk {
                let rows = u64::try_from(group.num_rows()).unwrap_or_default();
                bounds.add(chunk.statistics(), chunk.column_descr(), rows);
            }
        }
        if let Some(count) = bounds.nulls {
            nulls.insert(column.clone(), json!(count));
        }
        if let (true, Some((low, high))) = (bounds.is_known, bounds.range) {
            least.insert(column.clone(), low.json());
            most.insert(column.clone(), high.json());
        }
    }
    let stats = json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    });
    Ok(stats.to_string())
}

/// The statistics of a file of which only the number of rows is known.
pub(crate) fn of_rows(rows: u64) -> String {
    json!({ "numRecords": rows }).to_string()
}

/// The bounds of a column over row groups.
struct Bounds {
    range: Option<(Bound, Bound)>,
    nulls: Option<u64>,
    /// Whether every row group with values has bounds.
    is_known: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            range: None,
            nulls: Some(0),
            is_known: true,
        }
    }
}

impl Bounds {
    fn add(&mut self, statistics: Option<&Statistics>, column: &ColumnDescriptor, rows: u64) {
        let nulls = statistics.and_then(Statistics::null_count_opt);
        self.nulls = self.nulls.zip(nulls).map(|(sum, more)| sum + more);
        if nulls == Some(rows) {
            return;
        }
        let Some((low, high)) = statistics.and_then(|found| bounds(found, column)) else {
            self.is_known = false;
            return;
        };
        self.range = Some(match self.range.take() {
            None => (low, high),
            Some((least, most)) => (least.min(low), most.max(high)),
        });
    }
}

/// A smallest or largest value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Text(String),
    Day(i32),
    /// An integer and its decimal places.
    Decimal(i128, usize),
}

impl Bound {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Day(day) => NaiveDate::from_epoch_days(*day)
                .map_or(Value::Null, |day| json!(day.format("%Y-%m-%d").to_string())),
            // Through its digits, never through a double.
            Self::Decimal(unscaled, scale) => decimal_text(*unscaled, *scale)
                .parse::<Number>()
                .map_or(Value::Null, Value::Number),
        }
    }
}

fn bounds(statistics: &Statistics, column: &ColumnDescriptor) -> Option<(Bound, Bound)> {
    let scale = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Decimal { .. }), _) | (_, ConvertedType::DECIMAL) => {
            Some(usize::try_from(column.type_scale()).ok()?)
        }
        _ => None,
    };
    let is_day = column.converted_type() == ConvertedType::DATE;
    let whole = |value: i64| match (scale, is_day) {
        (Some(scale), _) => Some(Bound::Decimal(value.into(), scale)),
        (None, true) => i32::try_from(value).ok().map(Bound::Day),
        _ => None,
    };
    match statistics {
        Statistics::Int32(found) => Some((
            whole((*found.min_opt()?).into())?,
            whole((*found.max_opt()?).into())?,
        )),
        Statistics::Int64(found) => Some((whole(*found.min_opt()?)?, whole(*found.max_opt()?)?)),
        Statistics::ByteArray(found) if column.physical_type() == PhysicalType::BYTE_ARRAY => {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(Bound::Text);
            match scale {
                None => Some((
                    text(found.min_opt()?.data())?,
                    text(found.max_opt()?.data())?,
                )),
                Some(_) => None,
            }
        }
        _ => None,
    }
}

/// An integer with decimal places as digits.
fn decimal_text(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal_text;

    #[test]
    fn decimals_keep_every_digit() {
        for (unscaled, scale, expected) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (123_456_789_012_345_678, 2, "1234567890123456.78"),
            (42, 0, "42"),
        ] {
            assert_eq!(decimal_text(unscaled, scale), expected);
        }
    }
}
