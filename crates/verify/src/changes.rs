//! Compares the last change of each resource in `changes` with the lake.

use std::collections::HashMap;

use claimlake_loader::{KnownResource, ResourceStatus};

use crate::error::Error;
use crate::known_resource::place;
use crate::lake::Snapshot;
use crate::parquet_rows::{for_each_batch, text, texts};
use crate::report::Check;

const TABLE: &str = "changes";

/// The kind of a row after which the resource is not in the lake.
const VANISHED: &str = "vanished";

/// The last change of a resource: the hash of its content, `None` if it vanished.
type Last = Option<[u8; 16]>;

/// The check of `changes`, with the last change of each resource by the loader's key.
pub(crate) struct ChangesCheck {
    check: Check,
    last: HashMap<[u8; 16], Last>,
}

impl ChangesCheck {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut found = Self {
            check: Check::hard(
                TABLE,
                "what became of each resource last against what the lake holds of it",
            ),
            last: HashMap::new(),
        };
        if let Err(error) = found.read(snapshot) {
            found.check.fail(|| error.to_string());
            found.last.clear();
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
                    let last = match (of(kinds), of(hashes).and_then(bytes)) {
                        (Some(VANISHED), _) => Some(None),
                        (Some(_), Some(hash)) => Some(Some(hash)),
                        _ => None,
                    };
                    match (key, last) {
                        ((Some(api), Some(of_type), Some(id)), Some(last)) => {
                            let key = claimlake_loader::resource_key(api, of_type, id);
                            self.last.insert(key, last);
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

    /// Looks at a resource of the lake's keys. Lakes of the first versions had no such table: what
    /// it does not name is not wrong.
    pub(crate) fn see(&mut self, found: &KnownResource<'_>, status: ResourceStatus) {
        let (api, of_type) = (found.source_api, found.resource_type);
        let key = claimlake_loader::resource_key(api, of_type, found.resource_id);
        let Some(last) = self.last.remove(&key) else {
            return;
        };
        let (is_as_said, what) = match (status, last) {
            (ResourceStatus::InLake, Some(hash)) => (
                found.content_hash == hash,
                "its last row in `changes` is of another content than the lake holds",
            ),
            (ResourceStatus::InLake, None) => (
                false,
                "it vanished by its last row in `changes`, and the lake holds it",
            ),
            (_, last) => (
                last.is_none(),
                "its last row in `changes` is not that it vanished, and the lake does not hold it",
            ),
        };
        self.check.expect(is_as_said, || place(found, what));
    }

    /// The check; nothing is missing where the keys could not be read to their end, of which other
    /// checks report.
    pub(crate) fn end(mut self, are_read: bool) -> Check {
        if !are_read {
            return self.check;
        }
        let missing = self.last.values().filter(|last| last.is_some()).count() as u64;
        self.check.checked += self.last.len() as u64;
        self.check.failed += missing;
        if missing > 0 {
            let place = format!("{missing} resources that the lake does not hold did not vanish");
            self.check.name_places([place]);
        }
        self.check
    }
}

/// Hex as bytes.
fn bytes(hex: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(hex, 16).ok()?;
    (hex.len() == 32).then(|| number.to_be_bytes())
}
