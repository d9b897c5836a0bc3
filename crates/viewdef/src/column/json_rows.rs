//! Rows of the reference evaluator as Arrow columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use serde_json::Value;

use super::{Cell, ColumnBuilder, Scratch, TextBuffers, arrow_type, cell_of_json};
use crate::definition::{ColumnType, ViewDefinition};

/// Collects the rows of one view, typed as in a table.
#[derive(Debug)]
pub struct JsonRows {
    types: Vec<ColumnType>,
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    waiting: usize,
}

impl JsonRows {
    /// Of this view's columns, in their order.
    #[must_use]
    pub fn new(view: &ViewDefinition) -> Self {
        let columns = view.columns();
        let field = |column: &&crate::definition::Column| {
            Field::new(&column.name, arrow_type(column.column_type), true)
        };
        let types: Vec<ColumnType> = columns.iter().map(|column| column.column_type).collect();
        Self {
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            builders: builders(&types),
            types,
            waiting: 0,
        }
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows since the last [`JsonRows::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds a row. A value that the column's type does not hold is null, as in a table.
    pub fn push(&mut self, row: &[Value]) {
        let mut scratch = Scratch::default();
        for ((builder, column_type), value) in self.builders.iter_mut().zip(&self.types).zip(row) {
            let cell = cell_of_json(column_type.scalar, value, &mut scratch).unwrap_or(Cell::Null);
            let texts = TextBuffers {
                buffer: &[],
                scratch: &scratch,
            };
            builder.extend_repeated(cell, 1, texts);
        }
        self.waiting += 1;
    }

    /// The rows so far; the next ones begin anew.
    ///
    /// # Errors
    /// When they are more than Arrow's offsets can count.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut full = std::mem::replace(&mut self.builders, builders(&self.types));
        self.waiting = 0;
        let columns = full.iter_mut().map(ColumnBuilder::finish);
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

fn builders(types: &[ColumnType]) -> Vec<ColumnBuilder> {
    types.iter().map(|of| ColumnBuilder::new(*of)).collect()
}
