//! Records that are compared by their keys once all of them are known, in little memory however many
//! they are: those of one bucket at a time. Until then they wait in a file of the data directory that
//! has no name and disappears with the process. If that directory cannot be written, they stay in memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::Error;

/// How many buckets there are. That of a key depends on the key alone.
pub(crate) const BUCKETS: usize = 64;

/// The bucket of a key.
pub(crate) fn bucket_of(key: u128) -> usize {
    (key >> 96) as usize % BUCKETS
}

/// How many bytes of a bucket wait in memory.
const BLOCK: usize = 4 << 10;

/// Filled from several threads at once.
#[derive(Debug)]
pub(crate) struct Buckets {
    folder: PathBuf,
    buckets: Vec<Mutex<Bucket>>,
    /// `None` within if none can be made: everything stays in memory then.
    file: OnceLock<Option<File>>,
    /// Where the file ends.
    end: AtomicU64,
}

#[derive(Debug, Default)]
struct Bucket {
    waiting: Vec<u8>,
    /// Where its blocks are in the file, and how long they are.
    blocks: Vec<(u64, u32)>,
}

impl Buckets {
    /// Their file, if there are many records, is in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            buckets: (0..BUCKETS).map(|_| Mutex::default()).collect(),
            file: OnceLock::new(),
            end: AtomicU64::new(0),
        }
    }

    /// Adds a record to the bucket of `key`.
    pub(crate) fn push(&self, key: u128, record: &Record) {
        let Some(mut bucket) = self.bucket(bucket_of(key)) else {
            return;
        };
        bucket.waiting.extend_from_slice(&record.0);
        if bucket.waiting.len() < BLOCK {
            return;
        }
        let Some(file) = self.file.get_or_init(|| unnamed_file(&self.folder)) else {
            return;
        };
        let length = bucket.waiting.len();
        let Ok(short) = u32::try_from(length) else {
            return;
        };
        let start = self.end.fetch_add(length as u64, Ordering::Relaxed);
        // What cannot be written, because the disk is full, stays in memory.
        if file.write_all_at(&bucket.waiting, start).is_ok() {
            bucket.blocks.push((start, short));
            bucket.waiting.clear();
        }
    }

    /// The records of a bucket, those of one thread in the order in which it added them.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be read.
    pub(crate) fn read(&self, number: usize) -> Result<Vec<u8>, Error> {
        let Some(bucket) = self.bucket(number) else {
            return Ok(Vec::new());
        };
        let lengths = bucket.blocks.iter().map(|(_, length)| *length as usize);
        let mut bytes = vec![0; lengths.sum::<usize>()];
        let mut rest = bytes.as_mut_slice();
        for (start, length) in &bucket.blocks {
            let Some((block, behind)) = rest.split_at_mut_checked(*length as usize) else {
                break;
            };
            if let Some(Some(file)) = self.file.get() {
                let read = file.read_exact_at(block, *start);
                read.map_err(|error| Error::io(&self.folder, error))?;
            }
            rest = behind;
        }
        bytes.extend_from_slice(&bucket.waiting);
        Ok(bytes)
    }

    fn bucket(&self, number: usize) -> Option<MutexGuard<'_, Bucket>> {
        let bucket = self.buckets.get(number)?.lock();
        Some(bucket.unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file without a name, readable by nobody else; `None` if the folder cannot be written.
fn unnamed_file(folder: &Path) -> Option<File> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    for _ in 0..100 {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".verify-{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true).mode(0o600);
        match options.open(&path) {
            Ok(file) => return std::fs::remove_file(&path).is_ok().then_some(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => return None,
        }
    }
    None
}

/// A record in the making.
#[derive(Debug, Default)]
pub(crate) struct Record(Vec<u8>);

impl Record {
    pub(crate) fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn u128(mut self, value: u128) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn time(self, value: Option<i64>) -> Self {
        let known = self.byte(u8::from(value.is_some()));
        known.u64(value.unwrap_or_default().cast_unsigned())
    }

    pub(crate) fn text(mut self, value: &str) -> Self {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        self = self.u32(length);
        let kept = value.as_bytes().get(..length as usize);
        self.0.extend_from_slice(kept.unwrap_or_default());
        self
    }
}

/// Takes records apart, value by value, in the order in which they were put together.
#[derive(Debug)]
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*value)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn time(&mut self) -> Option<Option<i64>> {
        let is_known = self.byte()? == 1;
        let time = self.u64()?.cast_signed();
        Some(is_known.then_some(time))
    }

    pub(crate) fn text(&mut self) -> Option<&'b str> {
        let length = self.u32()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{BUCKETS, Buckets, Reader, Record};

    #[test]
    fn every_record_comes_back_once_with_those_of_its_key_in_the_order_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = Buckets::new(folder.path());
        let key = |number: u64| u128::from(number % 1_000) << 96;
        fill(&buckets, key);
        assert!(buckets.file.get().is_some_and(Option::is_some));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        compare(&buckets);
    }

    #[test]
    fn where_nothing_can_be_written_records_stay_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = Buckets::new(&folder.path().join("none"));
        let key = |number: u64| u128::from(number % 1_000) << 96;
        fill(&buckets, key);
        assert!(buckets.file.get().is_some_and(Option::is_none));
        compare(&buckets);
    }

    fn fill(buckets: &Buckets, key: impl Fn(u64) -> u128) {
        for number in 0..50_000_u64 {
            let record = Record::default().u64(number).byte(7);
            let record = record.time((!number.is_multiple_of(3)).then_some(-5));
            buckets.push(key(number), &record.text("é").u32(9).u128(key(number)));
        }
    }

    fn compare(buckets: &Buckets) {
        let mut found: BTreeMap<u128, Vec<u64>> = BTreeMap::new();
        for number in 0..BUCKETS {
            let bytes = buckets.read(number).unwrap();
            let mut reader = Reader::new(&bytes);
            while !reader.is_at_end() {
                let number = reader.u64().unwrap();
                assert_eq!(reader.byte(), Some(7));
                let time = (!number.is_multiple_of(3)).then_some(-5);
                assert_eq!(reader.time(), Some(time));
                assert_eq!(reader.text(), Some("é"));
                assert_eq!(reader.u32(), Some(9));
                found
                    .entry(reader.u128().unwrap())
                    .or_default()
                    .push(number);
            }
        }
        assert_eq!(found.len(), 1_000);
        for (key, numbers) in found {
            let first = (key >> 96) as u64;
            let expected: Vec<u64> = (0..50).map(|turn| turn * 1_000 + first).collect();
            assert_eq!(numbers, expected);
        }
    }

    #[test]
    fn few_records_need_no_file() {
        let buckets = Buckets::new(Path::new("none"));
        buckets.push(1, &Record::default().u32(3));
        assert!(buckets.file.get().is_none());
        assert_eq!(buckets.read(super::bucket_of(1)).unwrap(), [3, 0, 0, 0]);
    }
}
