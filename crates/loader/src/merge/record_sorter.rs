//! Records of a few bytes, put in the order of their bytes; on disk where memory does not suffice.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array as _, FixedSizeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use claimlake_columnar::sort::batch_sorter::{BatchSorter, SortedBatches};

/// Records that are sorted at once.
const BLOCK_RECORDS: usize = 1_024;

/// Sorts records of `N` bytes; numbers in them are big-endian, so that they sort as bytes.
pub(crate) struct RecordSorter<const N: usize> {
    sorter: BatchSorter,
    schema: SchemaRef,
    pending: Vec<u8>,
}

impl<const N: usize> RecordSorter<N> {
    /// Holds about `budget` bytes; `spill` is a path that nothing else is at.
    pub(crate) fn new(name: &str, spill: PathBuf, budget: usize) -> Result<Self> {
        let record = DataType::FixedSizeBinary(N as i32);
        let schema = Arc::new(Schema::new(vec![Field::new("_record", record, false)]));
        Ok(Self {
            sorter: BatchSorter::new(name, &schema, vec![0], budget, spill)?,
            schema,
            pending: Vec::new(),
        })
    }

    pub(crate) fn push(&mut self, record: &[u8; N]) -> Result<()> {
        self.pending.extend(record);
        match self.pending.len() < BLOCK_RECORDS * N {
            true => Ok(()),
            false => self.flush(),
        }
    }

    fn flush(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.pending);
        let batch = FixedSizeBinaryArray::try_new(N as i32, records.into(), None)
            .and_then(|records| RecordBatch::try_new(self.schema.clone(), vec![Arc::new(records)]))
            .map_err(LoadError::arrow("sorting records"))?;
        Ok(self.sorter.push(&batch)?)
    }

    /// The records in order, equal ones as often as they were pushed.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub(crate) fn finish(mut self) -> Result<SortedRecords<N>> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        Ok(SortedRecords {
            batches: self.sorter.finish()?,
            batch: None,
        })
    }
}

/// Records in the order of their bytes.
pub(crate) struct SortedRecords<const N: usize> {
    batches: SortedBatches,
    /// The batch that is read, and the next row of it.
    batch: Option<(FixedSizeBinaryArray, usize)>,
}

impl<const N: usize> Iterator for SortedRecords<N> {
    type Item = Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((records, row)) = &mut self.batch
                && *row < records.len()
            {
                let record = records.value(*row).first_chunk().copied();
                *row += 1;
                return record.map(Ok);
            }
            match self.batches.next()? {
                Ok(batch) => self.batch = Some((batch.column(0).as_fixed_size_binary().clone(), 0)),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
