//! Compares the last change of each resource in `changes` with the lake.

use claimlake_loader::{KnownResource, ResourceStatus};
use rayon::prelude::*;

use crate::buckets::{BUCKETS, Buckets, Reader, Record};
use crate::error::Error;
use crate::key_hash::KeyMap;
use crate::known_resource::{Kinds, place_of};
use crate::lake::Snapshot;
use crate::parquet_rows::{for_each_batch, text, texts};
use crate::report::Check;

const TABLE: &str = "changes";

/// The kind of a row after which the resource is not in the lake.
const VANISHED: &str = "vanished";

/// The last change of a resource: the hash of its content, `None` if it vanished.
type Last = Option<u128>;

/// What is noted by the loader's key of a resource, as the first byte of a record.
mod kind {
    /// A change: the resource is then in the lake.
    pub(super) const CHANGED: u8 = 0;
    /// A change: it is then not in the lake.
    pub(super) const VANISHED: u8 = 1;
    /// What the lake's keys say of it: it is in the lake.
    pub(super) const IN_LAKE: u8 = 2;
    /// What the lake's keys say of it: it is not in the lake.
    pub(super) const NOT_IN_LAKE: u8 = 3;
}

/// The check of `changes`: first of all changes, one after the other, then of the resources that the
/// lake's keys name.
pub(crate) struct ChangesCheck {
    check: Check,
    notes: Buckets,
}

impl ChangesCheck {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut found = Self {
            check: empty(),
            notes: Buckets::new(&snapshot.scratch),
        };
        if let Err(error) = found.read(snapshot) {
            found.check.fail(|| error.to_string());
            found.notes = Buckets::new(&snapshot.scratch);
        }
        found
    }

    /// Each run adds files after those before.
    fn read(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let columns = [
            "source_api",
            "resource_type",
            "resource_id",
            "kind",
            "hash_after",
        ];
        let Some(table) = snapshot.table(TABLE) else {
            return Ok(());
        };
        // A damaged file is reported by its own hash. The changes in it are unknown, and so is the
        // last change of each resource.
        if snapshot.intact_files(table).count() < table.files.len() {
            return Ok(());
        }
        for file in &table.files {
            let (mut row_number, mut wrong) = (0_u64, None);
            for_each_batch(&snapshot.folder.join(&file.path), columns, |batch| {
                let column = |name| texts(batch, name);
                let [apis, types, ids, kinds, hashes] = columns.map(column);
                for row in 0..batch.num_rows() {
                    row_number += 1;
                    let of = |column| text(column, row);
                    let key = (of(apis), of(types), of(ids));
                    let last = match (of(kinds), of(hashes).and_then(number)) {
                        (Some(VANISHED), _) => Some(None),
                        (Some(_), Some(hash)) => Some(Some(hash)),
                        _ => None,
                    };
                    match (key, last) {
                        ((Some(api), Some(of_type), Some(id)), Some(last)) => {
                            let (kind, hash) = match last {
                                Some(hash) => (kind::CHANGED, hash),
                                None => (kind::VANISHED, 0),
                            };
                            self.note(key_of((api, of_type), id), kind, (hash, 0));
                        }
                        _ => wrong = wrong.or(Some(row_number)),
                    }
                }
                Ok(())
            })?;
            if let Some(row) = wrong {
                self.check
                    .fail(|| format!("{}, row {row}: it says nothing", file.path));
            }
        }
        Ok(())
    }

    fn note(&self, key: u128, kind: u8, (hash, number): (u128, u32)) {
        let record = Record::default().u128(key).byte(kind).u128(hash);
        self.notes.push(key, &record.u32(number));
    }

    /// Looks at a resource of the lake's keys, of API and type by their number.
    pub(crate) fn see(&mut self, found: &KnownResource<'_>, number: u32, status: ResourceStatus) {
        let (kind, hash) = match status {
            ResourceStatus::InLake => (kind::IN_LAKE, <[u8; 16]>::try_from(found.content_hash)),
            _ => (kind::NOT_IN_LAKE, Ok([0; 16])),
        };
        let key = key_of((found.source_api, found.resource_type), found.resource_id);
        let hash = hash.map_or(0, u128::from_be_bytes);
        self.note(key, kind, (hash, number));
    }

    /// The check; nothing is missing where the keys could not be read to their end, of which other
    /// checks report.
    ///
    /// # Errors
    ///
    /// What was noted cannot be read.
    pub(crate) fn end(self, are_read: bool, kinds: &Kinds) -> Result<Check, Error> {
        let mut check = self.check;
        let notes = &self.notes;
        let compared: Result<Vec<_>, Error> = (0..BUCKETS)
            .into_par_iter()
            .map(|number| Ok(in_bucket(&notes.read(number)?, kinds)))
            .collect();
        let mut missing = 0;
        for (found, unseen) in compared? {
            check.merge(found);
            if are_read {
                check.checked += unseen.len() as u64;
                missing += unseen.values().filter(|last| last.is_some()).count() as u64;
            }
        }
        check.failed += missing;
        if missing > 0 {
            let place = format!("{missing} resources that the lake does not hold did not vanish");
            check.name_places([place]);
        }
        Ok(check)
    }
}

fn empty() -> Check {
    Check::hard(
        TABLE,
        "what became of each resource last against what the lake holds of it",
    )
}

fn key_of((api, resource_type): (&str, &str), id: &str) -> u128 {
    u128::from_be_bytes(claimlake_loader::resource_key(api, resource_type, id))
}

/// Compares the resources of one bucket. Lakes of the first versions had no such table: what it does not
/// name is not wrong. Returned, too, is what the lake's keys did not name.
fn in_bucket(bytes: &[u8], kinds: &Kinds) -> (Check, KeyMap<u128, Last>) {
    let mut check = empty();
    let mut last: KeyMap<u128, Last> = KeyMap::default();
    let mut reader = Reader::new(bytes);
    let mut next = || {
        Some((
            reader.u128()?,
            reader.byte()?,
            reader.u128()?,
            reader.u32()?,
        ))
    };
    while let Some((key, kind, hash, number)) = next() {
        let of_changes = match kind {
            kind::CHANGED => last.insert(key, Some(hash)),
            kind::VANISHED => last.insert(key, None),
            _ => last.remove(&key),
        };
        let (true, Some(last)) = (kind >= kind::IN_LAKE, of_changes) else {
            continue;
        };
        let (is_as_said, what) = match (kind, last) {
            (kind::IN_LAKE, Some(of_last)) => (
                of_last == hash,
                "its last row in `changes` is of another content than the lake holds",
            ),
            (kind::IN_LAKE, None) => (
                false,
                "it vanished by its last row in `changes`, and the lake holds it",
            ),
            (_, last) => (
                last.is_none(),
                "its last row in `changes` is not that it vanished, and the lake does not hold it",
            ),
        };
        check.expect(is_as_said, || place_of(kinds.of(number), what));
    }
    (check, last)
}

/// Hex as a number.
fn number(hex: &str) -> Option<u128> {
    let number = u128::from_str_radix(hex, 16).ok()?;
    (hex.len() == 32).then_some(number)
}
