//! What the staged runs say about one resource: the body to use, and where it was gone.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::merge::keys::KeyRow;
use crate::merge::picked_rows::PickedRows;
use claimlake_columnar::GroupKey as ResourceKey;

type Row = (Arc<RecordBatch>, usize);

fn key((batch, row): &Row) -> KeyRow<'_> {
    KeyRow { batch, row: *row }
}

/// All staged keys of one resource, from the oldest body to the newest.
#[derive(Debug, Default)]
pub(super) struct ResourceRows {
    pub(super) rows: Vec<Row>,
}

impl ResourceRows {
    pub(super) fn resource(&self) -> Option<ResourceKey> {
        self.rows.first().map(|row| key(row).resource())
    }

    /// Picks the last position at which the resource was gone, and the body to use: the newest that
    /// landed after it; or if the bodies immediately before that one have the same content, the
    /// first of them, as if each body had been loaded when it landed. Returns how many bodies are
    /// not used; bodies are counted at the key of their resource. Empty afterwards.
    pub(super) fn pick(&mut self, picked: &mut PickedRows) -> u64 {
        let rows = std::mem::take(&mut self.rows);
        let gone = rows
            .iter()
            .filter(|row| key(row).is_gone())
            .max_by(|one, other| key(one).place().cmp(&key(other).place()));
        let is_of_period = rows.first().is_some_and(|row| key(row).is_of_period());
        let mut counting: Option<&Row> = None;
        let mut bodies = 0;
        for row in rows.iter().filter(|row| !key(row).is_gone()) {
            bodies += 1;
            if gone.is_some_and(|gone| key(row).place() < key(gone).place()) {
                continue;
            }
            let next = key(row);
            // Withdrawn bodies share a hash, whatever they say and when.
            let is_alike = counting.is_some_and(|known| {
                key(known).content_hash() == next.content_hash() && !next.is_withdrawn()
            });
            if !is_alike {
                counting = Some(row);
            }
        }
        for (batch, row) in gone.into_iter().chain(counting) {
            picked.push(batch, *row);
        }
        match is_of_period {
            true => 0,
            false => bodies - u64::from(counting.is_some()),
        }
    }
}

/// What is staged about one resource: a body, a removal, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StagedResource<'a> {
    /// The last position at which the server no longer had it.
    pub(crate) gone: Option<KeyRow<'a>>,
    /// The body to use, which landed after that.
    pub(crate) body: Option<KeyRow<'a>>,
}

/// Reads the file that [`ResourceRows`] has filled, one resource at a time.
pub(crate) struct StagedResources<B> {
    batches: B,
    batch: Option<Arc<RecordBatch>>,
    row: usize,
    gone: Option<Row>,
    body: Option<Row>,
}

impl<B: Iterator<Item = Result<RecordBatch>>> StagedResources<B> {
    pub(super) fn new(batches: B) -> Self {
        Self {
            batches,
            batch: None,
            row: 0,
            gone: None,
            body: None,
        }
    }

    /// Reads the next resource where the one before is done.
    pub(crate) fn fill(&mut self) -> Result<()> {
        if self.gone.is_some() || self.body.is_some() {
            return Ok(());
        }
        while let Some((batch, row)) = self.peek()? {
            let next = KeyRow { batch: &batch, row };
            let is_other = |gone: &Row| key(gone).resource() != next.resource();
            if self.gone.as_ref().is_some_and(is_other) {
                break;
            }
            let is_gone = next.is_gone();
            self.row += 1;
            match is_gone {
                true => self.gone = Some((batch, row)),
                false => {
                    self.body = Some((batch, row));
                    break;
                }
            }
        }
        Ok(())
    }

    /// The current resource; `None` at the end.
    pub(crate) fn resource(&self) -> Option<StagedResource<'_>> {
        let staged = StagedResource {
            gone: self.gone.as_ref().map(key),
            body: self.body.as_ref().map(key),
        };
        (staged.gone.is_some() || staged.body.is_some()).then_some(staged)
    }

    pub(crate) fn step(&mut self) {
        (self.gone, self.body) = (None, None);
    }

    /// The next key, without passing it.
    fn peek(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(batch) = &self.batch
                && self.row < batch.num_rows()
            {
                return Ok(Some((Arc::clone(batch), self.row)));
            }
            let Some(batch) = self.batches.next() else {
                return Ok(None);
            };
            self.batch = Some(Arc::new(batch?));
            self.row = 0;
        }
    }
}

impl<'a> StagedResource<'a> {
    pub(crate) fn resource(&self) -> ResourceKey {
        let row = self.body.or(self.gone);
        row.map(|row| row.resource()).unwrap_or_default()
    }
}
