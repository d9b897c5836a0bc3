//! Resources with a value each, put in the order of their keys.

use std::path::Path;

use crate::error::Result;
use crate::merge::record_sorter::RecordSorter;
use crate::merge::resource_list::{ResourceList, ResourceListWriter};
use claimlake_columnar::GroupKey as ResourceKey;

/// A record: key, its number in the order in which records came, and the value. All numbers are
/// big-endian, so records sort as bytes.
const RECORD_BYTES: usize = 16 + 8 + 1;

/// Sorts resources on disk.
pub(crate) struct ResourceSorter {
    sorter: RecordSorter<RECORD_BYTES>,
    list: ResourceListWriter,
    count: u64,
}

impl ResourceSorter {
    /// Sorts in `folder`, holding about `budget` bytes.
    pub(crate) fn new(folder: &Path, budget: usize) -> Result<Self> {
        Ok(Self {
            sorter: RecordSorter::new("resources", folder.join("runs"), budget)?,
            list: ResourceListWriter::new(folder.join("sorted")),
            count: 0,
        })
    }

    /// Adds a resource; of the values of one, the last counts.
    pub(crate) fn push(&mut self, key: ResourceKey, value: u8) -> Result<()> {
        let mut record = [0; RECORD_BYTES];
        record[..16].copy_from_slice(&key.to_bytes());
        record[16..24].copy_from_slice(&self.count.to_be_bytes());
        record[24] = value;
        self.count += 1;
        self.sorter.push(&record)
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
        for record in self.sorter.finish()? {
            let record = record?;
            self.list
                .push(ResourceKey::from_bytes(&record), record[24])?;
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
