//! How alone people are by what is told of them: what an expert asks for (164.514(b)(1)). It is no
//! determination of an expert.

use std::collections::BTreeMap;

use arrow_array::Array as _;
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use arrow_schema::DataType;
use serde::Serialize;

/// Cells of at most so many people are small.
const SMALL: u64 = 10;

/// People who are the same by their quasi-identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The values, in the order of the columns; `None`: not told.
    pub values: Vec<Option<String>>,
    /// How many they are.
    pub people: u64,
}

/// What the quasi-identifiers of a copy come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// The quasi-identifiers.
    pub columns: Vec<String>,
    /// The people.
    pub people: u64,
    /// Their cells.
    pub cells: u64,
    /// The least people of a cell: the copy is k-anonymous by these columns for this k.
    pub k: u64,
    /// Cells of one.
    pub unique: u64,
    /// Cells of 1 to 10, the smallest first.
    pub small: Vec<Cell>,
}

/// Counts people by their quasi-identifiers.
pub(crate) struct Counting {
    columns: Vec<String>,
    cells: BTreeMap<Vec<Option<String>>, u64>,
}

impl Counting {
    pub(crate) fn new(columns: &[String]) -> Self {
        Self {
            columns: columns.to_vec(),
            cells: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            let values = self.columns.iter().map(|name| {
                let column = batch.column_by_name(name)?;
                if column.is_null(row) {
                    return None;
                }
                match column.data_type() {
                    DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
                    DataType::Int32 => {
                        Some(column.as_primitive::<Int32Type>().value(row).to_string())
                    }
                    DataType::Boolean => Some(column.as_boolean().value(row).to_string()),
                    _ => None,
                }
            });
            *self.cells.entry(values.collect()).or_default() += 1;
        }
    }

    pub(crate) fn finish(self) -> Statistics {
        let counts = || self.cells.values().copied();
        let mut small: Vec<Cell> = self
            .cells
            .iter()
            .filter(|(_, people)| **people <= SMALL)
            .map(|(values, people)| Cell {
                values: values.clone(),
                people: *people,
            })
            .collect();
        small.sort_by_key(|cell| cell.people);
        Statistics {
            people: counts().sum(),
            cells: self.cells.len() as u64,
            k: counts().min().unwrap_or(0),
            unique: counts().filter(|people| *people == 1).count() as u64,
            columns: self.columns,
            small,
        }
    }
}
