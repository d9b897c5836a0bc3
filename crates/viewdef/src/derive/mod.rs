//! Values that are added once all rows of a resource exist, because one row of a ViewDefinition
//! cannot have them: a total that is allocated to rows, ranks, or one row for each month of a
//! period.
//!
//! This is not part of SQL-on-FHIR. A [`Derivation`] is data of the pipeline; it refers to columns
//! by name and knows nothing about FHIR. It works on Arrow batches in which the rows of a resource
//! are adjacent and share a number, the plan's [`order`](crate::engine::PlanInput::order). A
//! resource is never split between two batches.

mod allocate;
mod keep;
mod month;
mod months;
mod rank;
mod rows;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use serde::{Deserialize, Serialize};

pub use allocate::Allocate;
pub use keep::Keep;
pub use months::{Enrolled, Months, Series};
pub use rank::Rank;
use rows::Columns;

/// What is derived for a table. As data: `[<table>.allocate]`, `[<table>.rank]`,
/// `[<table>.months]`, `[<table>.keep]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// An amount of the resource, given to its rows.
    pub allocate: Option<Allocate>,
    /// The place of each row among those of its resource.
    pub rank: Option<Rank>,
    /// A row for each month.
    pub months: Option<Months>,
    /// Which rows of older bodies stay.
    pub keep: Option<Keep>,
}

impl Derivation {
    /// The columns of a table after the derivation, from those its view makes.
    ///
    /// # Errors
    /// When a column that the derivation names is not there or has another type.
    pub fn schema(&self, made: &SchemaRef, order: &str) -> Result<SchemaRef, ArrowError> {
        let batch = self.apply(&RecordBatch::new_empty(made.clone()), order)?;
        if let Some(keep) = &self.keep {
            keep.years(&batch)?;
        }
        Ok(batch.schema())
    }

    /// The columns that it adds, or replaces, by their names.
    pub fn added_columns(&self) -> impl Iterator<Item = &str> {
        let allocate = self.allocate.iter();
        let allocated = allocate.flat_map(|allocate| [&allocate.into, &allocate.how]);
        let ranked = self.rank.iter().map(|rank| &rank.into);
        let codes = self.months.iter().flat_map(|months| &months.series);
        let codes = codes.map(|series| &series.column);
        let of_months = self.months.iter().flat_map(|_| months::ADDED);
        let named = allocated.chain(ranked).chain(codes);
        named.map(String::as_str).chain(of_months)
    }

    /// The rows after the derivation; `order` names the column of numbers that the rows of a resource share.
    /// No resource's rows may lie in two batches. Texts are in columns of [`dictionary_type`](crate::column::dictionary_type).
    ///
    /// # Errors
    /// When a column that the derivation names is not there or has another type, or a sum does not
    /// fit the column.
    pub fn apply(&self, batch: &RecordBatch, order: &str) -> Result<RecordBatch, ArrowError> {
        let mut columns = Columns::of(batch, order)?;
        if let Some(allocate) = &self.allocate {
            allocate.apply(&mut columns)?;
        }
        if let Some(rank) = &self.rank {
            rank.apply(&mut columns)?;
        }
        if let Some(months) = &self.months {
            months.apply(&mut columns)?;
        }
        columns.finish()
    }
}
