//! Rows picked from batches, to be put together.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use arrow_select::interleave::interleave_record_batch;

/// Rows of batches with the same columns, in the order in which they were picked.
#[derive(Debug, Default)]
pub(crate) struct PickedRows {
    /// A batch, the first row and how many.
    pieces: Vec<(Arc<RecordBatch>, usize, usize)>,
    rows: usize,
}

impl PickedRows {
    /// Picks a row. Consecutive rows of one batch are kept as a range.
    pub(crate) fn push(&mut self, batch: &Arc<RecordBatch>, row: usize) {
        self.rows += 1;
        match self.pieces.last_mut() {
            Some((last, start, len)) if *start + *len == row && Arc::ptr_eq(last, batch) => {
                *len += 1;
            }
            _ => self.pieces.push((batch.clone(), row, 1)),
        }
    }

    /// How many rows were picked.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as one batch, after which there are none; `None` if there were none.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.pieces.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self
            .pieces
            .iter()
            .map(|(batch, ..)| batch.as_ref())
            .collect();
        let rows: Vec<(usize, usize)> = self
            .pieces
            .iter()
            .enumerate()
            .flat_map(|(piece, (_, start, len))| (*start..start + len).map(move |row| (piece, row)))
            .collect();
        let batch = interleave_record_batch(&batches, &rows)?;
        self.pieces.clear();
        self.rows = 0;
        Ok(Some(batch))
    }
}
