//! Resources that are looked up by key, each with a byte of what is known of it: in memory while
//! they are few, otherwise in a sorted file without a name, of which memory has one key in 256.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::error::{LoadError, Result};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::create_anonymous_file;

/// A record: key and value. Keys are big-endian, so records sort as bytes.
const RECORD_BYTES: usize = KEY_BYTES + 1;
const KEY_BYTES: usize = 16;

/// Records that are read at once.
const BLOCK_RECORDS: usize = 256;
const BLOCK_BYTES: usize = BLOCK_RECORDS * RECORD_BYTES;

/// How many records stay in memory: about 2 MiB.
const MOST_IN_MEMORY: usize = 1 << 17;

/// Resources with a value each, by ascending key.
#[derive(Debug, Default)]
pub(crate) struct ResourceList {
    path: PathBuf,
    /// The records, unless they are in the file.
    records: Vec<u8>,
    file: Option<File>,
    /// The first key of each block of the file.
    first: Vec<ResourceKey>,
    count: usize,
    /// The first error of looking something up.
    failed: Mutex<Option<std::io::Error>>,
}

impl ResourceList {
    /// Resources without values.
    ///
    /// # Errors
    ///
    /// The file that holds them, if they are many, cannot be written.
    pub(crate) fn of(path: PathBuf, keys: impl IntoIterator<Item = ResourceKey>) -> Result<Self> {
        let mut keys: Vec<ResourceKey> = keys.into_iter().collect();
        keys.sort_unstable();
        let mut list = ResourceListWriter::new(path);
        for key in keys {
            list.push(key, 0)?;
        }
        list.finish()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the resource is in the list.
    pub(crate) fn contains(&self, key: &ResourceKey) -> bool {
        self.get(key).is_some()
    }

    /// The value of a resource. One that cannot be read is `None`: [`Self::check`] then fails, before
    /// anything is published.
    pub(crate) fn get(&self, key: &ResourceKey) -> Option<u8> {
        let Some(file) = &self.file else {
            return find(&self.records, key);
        };
        let block = self.first.partition_point(|first| first <= key);
        let start = block.checked_sub(1)? * BLOCK_RECORDS;
        let records = BLOCK_RECORDS.min(self.count - start);
        let mut bytes = [0; BLOCK_BYTES];
        let bytes = bytes.get_mut(..records * RECORD_BYTES)?;
        match file.read_exact_at(bytes, (start * RECORD_BYTES) as u64) {
            Ok(()) => find(bytes, key),
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                None
            }
        }
    }

    /// Makes sure that everything looked up could be read.
    ///
    /// # Errors
    ///
    /// Something could not.
    pub(crate) fn check(&self) -> Result<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.take() {
            Some(error) => Err(LoadError::io("reading", &self.path)(error)),
            None => Ok(()),
        }
    }
}

/// The value of a key in sorted records.
fn find(records: &[u8], key: &ResourceKey) -> Option<u8> {
    let key = key.to_bytes();
    let record = |number: usize| records.get(number * RECORD_BYTES..(number + 1) * RECORD_BYTES);
    let (mut low, mut high) = (0, records.len() / RECORD_BYTES);
    while low < high {
        let middle = low + (high - low) / 2;
        let (known, value) = record(middle)?.split_at(KEY_BYTES);
        match known.cmp(&key) {
            std::cmp::Ordering::Equal => return value.first().copied(),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// Writes a list. The file is created when there are too many resources for memory.
#[derive(Debug)]
pub(crate) struct ResourceListWriter {
    list: ResourceList,
    /// Where the records that are not in the file yet begin, in records.
    written: usize,
    file: Option<BufWriter<File>>,
    last: Option<ResourceKey>,
    most_in_memory: usize,
}

impl ResourceListWriter {
    /// `path` must not exist; the file that may be created there is unlinked at once.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            list: ResourceList {
                path,
                ..ResourceList::default()
            },
            written: 0,
            file: None,
            last: None,
            most_in_memory: MOST_IN_MEMORY,
        }
    }

    /// Adds a resource. Keys must ascend; of equal ones the last counts.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or keys do not ascend.
    pub(crate) fn push(&mut self, key: ResourceKey, value: u8) -> Result<()> {
        match self.last.replace(key) {
            Some(last) if last == key => {
                if let Some(known) = self.list.records.last_mut() {
                    *known = value;
                }
                return Ok(());
            }
            Some(last) if last > key => {
                return Err(LoadError::lake(
                    &self.list.path,
                    "the keys of resources are not in order".to_owned(),
                ));
            }
            _ => {}
        }
        // The last record is kept: its value may change.
        if self.list.count - self.written >= self.most_in_memory {
            self.write()?;
        }
        if self.list.count.is_multiple_of(BLOCK_RECORDS) {
            self.list.first.push(key);
        }
        self.list.records.extend(key.to_bytes());
        self.list.records.push(value);
        self.list.count += 1;
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let path = &self.list.path;
        let writing = || LoadError::io("writing", path);
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(writing())?;
                }
                let file = create_anonymous_file(path).map_err(writing())?;
                // From now on, little waits.
                self.most_in_memory = BLOCK_RECORDS;
                none.insert(BufWriter::new(file))
            }
        };
        file.write_all(&self.list.records).map_err(writing())?;
        self.written = self.list.count;
        self.list.records = Vec::new();
        Ok(())
    }

    /// The list.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn finish(mut self) -> Result<ResourceList> {
        if self.file.is_some() {
            self.write()?;
        }
        if let Some(file) = self.file {
            let flushed = file.into_inner();
            let flushed = flushed.map_err(std::io::IntoInnerError::into_error);
            let path = &self.list.path;
            self.list.file = Some(flushed.map_err(LoadError::io("writing", path))?);
        } else {
            self.list.records.shrink_to_fit();
            self.list.first = Vec::new();
        }
        Ok(self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> ResourceKey {
        ResourceKey::from_bytes(&number.to_be_bytes().repeat(2))
    }

    /// A list of every third number below 3,000, of which so many may stay in memory.
    fn list(most_in_memory: usize) -> ResourceList {
        let folder = tempfile::tempdir().unwrap();
        let mut list = ResourceListWriter::new(folder.path().join("spill/list"));
        list.most_in_memory = most_in_memory;
        for number in 0..1_000 {
            list.push(key(3 * number), 9).unwrap();
            list.push(key(3 * number), (number % 7) as u8).unwrap();
        }
        let list = list.finish().unwrap();
        assert!(!folder.path().join("spill/list").exists());
        list
    }

    #[test]
    fn a_list_in_memory_and_one_in_a_file_find_the_same() {
        for (most, is_in_file) in [(10_000, false), (1_000, false), (999, true), (1, true)] {
            let list = list(most);
            assert_eq!(list.file.is_some(), is_in_file);
            assert_eq!(list.records.is_empty(), is_in_file);
            for number in 0..1_000_u64 {
                assert_eq!(list.get(&key(3 * number)), Some((number % 7) as u8));
                assert!(!list.contains(&key(3 * number + 1)));
            }
            assert!(!list.contains(&key(3_000)));
            list.check().unwrap();
        }
        assert!(ResourceList::default().is_empty());
        assert_eq!(ResourceList::default().get(&key(1)), None);
    }

    #[test]
    fn what_cannot_be_read_is_told_before_anything_is_published() {
        let list = list(10);
        list.file.as_ref().unwrap().set_len(100).unwrap();
        assert!(!list.contains(&key(2_997)));
        assert!(list.check().is_err());
    }

    #[test]
    fn keys_that_do_not_ascend_are_refused() {
        let mut list = ResourceListWriter::new(PathBuf::from("list"));
        list.push(key(2), 0).unwrap();
        assert!(list.push(key(1), 0).is_err());
    }
}
