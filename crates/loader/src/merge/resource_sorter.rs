//! Resources with a value each, put in the order of their keys.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{FixedSizeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use crate::merge::resource_list::{ResourceList, ResourceListWriter};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::sort::batch_sorter::BatchSorter;

/// A record: key, its number in the order in which records came, and the value. All numbers are
/// big-endian, so records sort as bytes.
const RECORD_BYTES: usize = 16 + 8 + 1;

/// Records that are sorted at once.
const BLOCK_RECORDS: usize = 1_024;

/// Sorts resources on disk.
pub(crate) struct ResourceSorter {
    sorter: BatchSorter,
    schema: SchemaRef,
    list: ResourceListWriter,
    pending: Vec<u8>,
    count: u64,
}

impl ResourceSorter {
    /// Sorts in `folder`, holding about `budget` bytes.
    pub(crate) fn new(folder: &Path, budget: usize) -> Result<Self> {
        let record = DataType::FixedSizeBinary(RECORD_BYTES as i32);
        let schema = Arc::new(Schema::new(vec![Field::new("_record", record, false)]));
        let runs = folder.join("runs");
        Ok(Self {
            sorter: BatchSorter::new("resources", &schema, vec![0], budget, runs)?,
            schema,
            list: ResourceListWriter::new(folder.join("sorted")),
            pending: Vec::new(),
            count: 0,
        })
    }

    /// Adds a resource; of the values of one, the last counts.
    pub(crate) fn push(&mut self, key: ResourceKey, value: u8) -> Result<()> {
        self.pending.extend(key.to_bytes());
        self.pending.extend(self.count.to_be_bytes());
        self.pending.push(value);
        self.count += 1;
        if self.pending.len() >= BLOCK_RECORDS * RECORD_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.pending);
        let batch = FixedSizeBinaryArray::try_new(RECORD_BYTES as i32, records.into(), None)
            .and_then(|records| RecordBatch::try_new(self.schema.clone(), vec![Arc::new(records)]))
            .map_err(LoadError::arrow("sorting resources"))?;
        Ok(self.sorter.push(&batch)?)
    }

    /// The resources by key.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub(crate) fn finish(mut self) -> Result<ResourceList> {
        if self.count == 0 {
            return Ok(ResourceList::default());
        }
        self.flush()?;
        for batch in self.sorter.finish()? {
            let batch = batch?;
            for record in batch.column(0).as_fixed_size_binary().iter().flatten() {
                let value = record.last().copied().unwrap_or_default();
                self.list.push(ResourceKey::from_bytes(record), value)?;
            }
        }
        self.list.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_whatever_order_they_came_in_and_the_last_value_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = ResourceSorter::new(folder.path(), 1 << 14).unwrap();
        let key = |number: u64| {
            ResourceKey::from_bytes(&number.wrapping_mul(0x9e37_79b9).to_be_bytes().repeat(2))
        };
        for number in 0..20_000 {
            sorter
                .push(key(number % 7_000), (number / 7_000) as u8)
                .unwrap();
        }
        let list = sorter.finish().unwrap();
        for number in 0..7_000 {
            let last = if number < 6_000 { 2 } else { 1 };
            assert_eq!(list.get(&key(number)), Some(last));
        }
        assert_eq!(list.get(&key(7_000)), None);
    }
}
