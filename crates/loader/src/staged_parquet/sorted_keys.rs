//! The keys of a staged folder in landing order, in a file without a name.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claimlake_columnar::create_anonymous_file;

use super::bodies::StagedBodies;
use crate::error::{LoadError, Result};
use crate::merge::keys::{self, KeyRow};
use crate::merge::record_sorter::RecordSorter;
use crate::merge::staged_keys::as_key_file;
use crate::staged_run::StagedRun;

/// About the bytes of memory that sorting takes.
const BUDGET: usize = 32 << 20;

/// One row of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StagedKey {
    pub(super) order: u64,
    /// A hash of the id of its resource.
    pub(super) id: u64,
    /// The number of its type among those that were met.
    pub(super) of_type: u16,
    pub(super) has_rows: bool,
}

impl StagedKey {
    const BYTES: usize = 19;

    fn to_record(self) -> [u8; Self::BYTES] {
        let mut record = [0; Self::BYTES];
        record[..8].copy_from_slice(&self.order.to_be_bytes());
        record[8..16].copy_from_slice(&self.id.to_be_bytes());
        record[16..18].copy_from_slice(&self.of_type.to_be_bytes());
        record[18] = u8::from(self.has_rows);
        record
    }

    fn of_record(record: &[u8; Self::BYTES]) -> Self {
        let number = |from: usize| {
            let bytes = record.get(from..).and_then(|bytes| bytes.first_chunk());
            u64::from_be_bytes(bytes.copied().unwrap_or_default())
        };
        Self {
            order: number(0),
            id: number(8),
            of_type: u16::from_be_bytes([record[16], record[17]]),
            has_rows: record[18] != 0,
        }
    }
}

/// All keys, by landing order.
pub(super) struct SortedKeys {
    /// The types of resources and periods that occur.
    types: Vec<String>,
    /// By type: keys that must have rows; none of periods.
    pub(super) resources: Vec<u64>,
    /// Keys that have the landing order of another key.
    pub(super) same_order: u64,
    path: PathBuf,
    file: File,
}

impl SortedKeys {
    /// Reads `_keys`; bodies that have rows go to `bodies`.
    pub(super) fn read(run: &StagedRun, spill: &Path, bodies: &mut StagedBodies) -> Result<Self> {
        let mut sorter = RecordSorter::new("keys", spill.join("keys"), BUDGET)?;
        let mut types: Vec<String> = Vec::new();
        let mut resources: Vec<u64> = Vec::new();
        for batch in run.keys() {
            let batch = Arc::new(as_key_file(&batch?, run)?);
            for row in 0..batch.num_rows() {
                let key = KeyRow { batch: &batch, row };
                let name = key.text(keys::RESOURCE_TYPE).unwrap_or_default();
                let known = types.iter().position(|known| known == name);
                let number = known.unwrap_or_else(|| {
                    types.push(name.to_owned());
                    resources.push(0);
                    types.len() - 1
                });
                let of_type = u16::try_from(number).map_err(|_| {
                    LoadError::staged(&run.folder, "_keys has more types of resources than exist")
                })?;
                let has_rows = !key.is_tombstone();
                let period = key.period();
                if has_rows && period.is_none() {
                    bodies.add(key.resource(), key.content_hash())?;
                    if let Some(count) = resources.get_mut(number) {
                        *count += 1;
                    }
                }
                let id = match period {
                    Some(period) => period.resource_id,
                    None => key.text(keys::ID).unwrap_or_default(),
                };
                let key = StagedKey {
                    order: key.order(),
                    id: hash_of_id(id),
                    of_type,
                    has_rows,
                };
                sorter.push(&key.to_record())?;
            }
        }
        std::fs::create_dir_all(spill).map_err(LoadError::io("making", spill))?;
        let path = spill.join("sorted_keys");
        let file = create_anonymous_file(&path).map_err(LoadError::io("creating", &path))?;
        let (mut same_order, mut last) = (0, None);
        let mut writer = BufWriter::new(&file);
        for record in sorter.finish()? {
            let record = record?;
            let order = StagedKey::of_record(&record).order;
            same_order += u64::from(last.replace(order) == Some(order));
            let written = writer.write_all(&record);
            written.map_err(LoadError::io("writing", &path))?;
        }
        writer.flush().map_err(LoadError::io("writing", &path))?;
        drop(writer);
        Ok(Self {
            types,
            resources,
            same_order,
            path,
            file,
        })
    }

    /// The number of a type; `None` if no key has it.
    pub(super) fn type_number(&self, name: &str) -> Option<u16> {
        let found = self.types.iter().position(|known| known == name)?;
        u16::try_from(found).ok()
    }

    /// How many keys of this type must have rows.
    pub(super) fn of_type(&self, number: u16) -> u64 {
        let count = self.resources.get(usize::from(number));
        count.copied().unwrap_or_default()
    }

    /// All keys, from the first; only one reader at a time.
    pub(super) fn by_order(&self) -> Result<impl Iterator<Item = Result<StagedKey>>> {
        let failed = || LoadError::io("reading", &self.path);
        let mut file = &self.file;
        file.rewind().map_err(failed())?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        Ok(std::iter::from_fn(move || {
            let mut record = [0; StagedKey::BYTES];
            match reader.read_exact(&mut record) {
                Ok(()) => Some(Ok(StagedKey::of_record(&record))),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
                Err(error) => Some(Err(failed()(error))),
            }
        }))
    }
}

/// Used to notice a row with the id of another resource; a collision would hide one such row, and
/// nothing else depends on it.
pub(super) fn hash_of_id(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}
