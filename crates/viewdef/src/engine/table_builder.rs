//! The columns of one table while they are built: constants and context columns, which are repeated
//! over all rows of a resource, the view's own columns, and the caller's order of resources.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{ArrowError, DataType};

use super::plan::{ResourcePlan, TablePlan};
use crate::column::ColumnBuilder;
use crate::definition::{ColumnType, ScalarType};

/// Builders of all columns of a table.
#[derive(Debug)]
pub(super) struct TableBuilder {
    /// Constants, then context columns: each cell is repeated over the rows of a resource.
    pub(super) context_columns: Vec<ColumnBuilder>,
    /// The view's own columns.
    pub(super) columns: Vec<ColumnBuilder>,
    /// The caller's number of each row's resource.
    pub(super) order: Vec<u64>,
    /// Rows that wait.
    pub(super) rows: usize,
}

impl TableBuilder {
    /// Builders of the columns of a table.
    pub(super) fn new(plan: &ResourcePlan, table: &TablePlan) -> Self {
        let text = ColumnType {
            scalar: ScalarType::Utf8,
            list: false,
        };
        let constants = std::iter::repeat_n(text, plan.constants);
        let context = plan.context.iter().map(|column| column.checked.column_type);
        let own_columns = table
            .own_columns
            .iter()
            .filter_map(|own_columns| table.column_types.get(*own_columns).copied());
        let context_columns = plan.constants + plan.context.len();
        let mut builders: Vec<ColumnBuilder> = constants
            .chain(context)
            .chain(own_columns)
            .zip(table.view_schema.fields())
            .map(|(column, field)| match field.data_type() {
                DataType::Dictionary(..) => ColumnBuilder::dictionary(),
                _ => ColumnBuilder::new(column),
            })
            .collect();
        let columns = builders.split_off(context_columns.min(builders.len()));
        Self {
            context_columns: builders,
            columns,
            order: Vec::new(),
            rows: 0,
        }
    }

    /// Bytes that wait.
    pub(super) fn size(&self) -> usize {
        let columns = self.context_columns.iter().chain(&self.columns);
        columns.map(ColumnBuilder::size).sum::<usize>() + 8 * self.order.len()
    }

    /// The rows since the last call.
    pub(super) fn finish(
        &mut self,
        table: &TablePlan,
        with_order: bool,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in self.context_columns.iter_mut().chain(&mut self.columns) {
            arrays.push(column.finish()?);
        }
        if with_order {
            let room = self.order.len();
            let order = std::mem::replace(&mut self.order, Vec::with_capacity(room));
            arrays.push(Arc::new(UInt64Array::from(order)));
        }
        let batch = RecordBatch::try_new(Arc::clone(&table.view_schema), arrays)?;
        let Some((derivation, order)) = &table.derivation else {
            return Ok(Some(batch));
        };
        let derived = derivation.apply(&batch, order)?;
        Ok((derived.num_rows() > 0).then_some(derived))
    }
}
