//! What has landed, noted body by body. Which body of a resource counts is decided once all are noted.

use std::collections::hash_map::Entry;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use claimlake_contract::{ApiVersion, ResourceType};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::buckets::{Buckets, Reader, Record};
use crate::error::Error;
use crate::key_hash::KeyMap;
use crate::landed_bucket::LandedBucket;
use crate::rank::{Content, Rank};

/// A resource, by the hash of API, type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ResourceKey(u128);

impl ResourceKey {
    pub(crate) fn new(api: ApiVersion, resource: &ResourceType, id: &str) -> Self {
        Self(xxh3_128(format!("{api}\0{resource}\0{id}").as_bytes()))
    }

    /// All periods of a resource in a table.
    pub(crate) fn of_periods(
        api: ApiVersion,
        resource: &ResourceType,
        table: &str,
        id: &str,
    ) -> Self {
        Self(xxh3_128(
            format!("{api}\0{resource}\0{table}\0{id}").as_bytes(),
        ))
    }

    /// The hash.
    pub(crate) fn number(self) -> u128 {
        self.0
    }

    /// The key with this hash.
    pub(crate) fn of_number(number: u128) -> Self {
        Self(number)
    }

    /// One of these periods.
    pub(crate) fn of_period(self, year: i32) -> Self {
        Self(xxh3_128(format!("{:032x}\0{year}", self.0).as_bytes()))
    }
}

/// The resources of one type of a grant or of a patient, by the hash of API, type and handle or id.
pub(crate) type GrantKey = u64;

pub(crate) fn grant_key(api: ApiVersion, resource: &ResourceType, grant: &str) -> GrantKey {
    xxh3_64(format!("{api}\0{resource}\0{grant}").as_bytes())
}

const SHARDS: usize = 16;

/// How many resources of a shard are known while landing is read: as many as fill its table. They are
/// those of the newest runs, which are read first.
const KNOWN: usize = 7 << 10;

/// Filled from several threads at once.
#[derive(Debug)]
pub(crate) struct Landed {
    /// The newest bodies of some resources, so that most bodies that do not count are passed over.
    known: [Mutex<KeyMap<ResourceKey, Rank>>; SHARDS],
    events: Buckets,
}

/// What is noted, as the first byte of a record.
mod kind {
    pub(super) const BODY: u8 = 0;
    pub(super) const PERIOD: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const LEFT_OUT: u8 = 3;
    pub(super) const PATIENT: u8 = 4;
}

impl Landed {
    /// What is noted is kept in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            known: std::array::from_fn(|_| Mutex::default()),
            events: Buckets::new(folder),
        }
    }

    fn known(&self, key: ResourceKey) -> MutexGuard<'_, KeyMap<ResourceKey, Rank>> {
        // The remainder is below SHARDS.
        let shard = &self.known[(key.0 % SHARDS as u128) as usize];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a newer body was noted, so that this one cannot count. Not all are remembered: if
    /// it may count, that is decided by [`Self::bucket`].
    pub(crate) fn is_superseded(&self, key: ResourceKey, rank: Rank, content: Content) -> bool {
        let known = self.known(key);
        let newest = known.get(&key);
        newest.is_some_and(|newest| newest.is_after(rank, content))
    }

    /// Notes a body.
    pub(crate) fn add(&self, key: ResourceKey, rank: Rank, content: Content) {
        self.remember(key, rank, content);
        let record = Record::default().byte(kind::BODY).u128(key.0);
        self.events.push(key.0, &with_body(record, rank, content));
    }

    /// Notes a period of a body. With its key comes that of all periods of the resource.
    pub(crate) fn add_period(
        &self,
        (key, all): (ResourceKey, ResourceKey),
        rank: Rank,
        content: Content,
    ) {
        self.remember(key, rank, content);
        let record = Record::default().byte(kind::PERIOD).u128(key.0).u128(all.0);
        self.events.push(all.0, &with_body(record, rank, content));
    }

    fn remember(&self, key: ResourceKey, rank: Rank, content: Content) {
        let mut known = self.known(key);
        let has_room = known.len() < KNOWN;
        match known.entry(key) {
            Entry::Occupied(mut entry) if rank.is_after(*entry.get(), content) => {
                entry.insert(rank);
            }
            Entry::Vacant(entry) if has_room => {
                entry.insert(rank);
            }
            _ => {}
        }
    }

    /// Notes a body without rows: periods of older bodies do not count.
    pub(crate) fn end_periods(&self, all: ResourceKey, rank: Rank) {
        let record = Record::default().byte(kind::END).u128(all.0);
        self.events.push(all.0, &with_rank(record, rank));
    }

    /// Notes a body that makes no rows.
    pub(crate) fn leave_out(&self, key: ResourceKey, rank: Rank) {
        let record = Record::default().byte(kind::LEFT_OUT).u128(key.0);
        self.events.push(key.0, &with_rank(record, rank));
    }

    /// Notes the patient that a resource was read of, if it was extracted.
    pub(crate) fn note_patient(&self, patient: Option<GrantKey>, key: ResourceKey) {
        if let Some(patient) = patient {
            let record = Record::default().byte(kind::PATIENT).u128(key.0);
            self.events.push(key.0, &record.u64(patient));
        }
    }

    /// What was noted of the resources in one of the [`BUCKETS`](crate::buckets::BUCKETS).
    ///
    /// # Errors
    ///
    /// The file with the notes cannot be read.
    pub(crate) fn bucket(&self, number: usize) -> Result<LandedBucket, Error> {
        let bytes = self.events.read(number)?;
        let mut reader = Reader::new(&bytes);
        let mut bucket = LandedBucket::default();
        while !reader.is_at_end() {
            let Some(()) = replay(&mut reader, &mut bucket) else {
                break;
            };
        }
        Ok(bucket)
    }
}

fn replay(reader: &mut Reader<'_>, bucket: &mut LandedBucket) -> Option<()> {
    let kind = reader.byte()?;
    let key = ResourceKey(reader.u128()?);
    match kind {
        kind::BODY => {
            let (rank, content) = body(reader)?;
            bucket.add(key, rank, content);
        }
        kind::PERIOD => {
            let all = ResourceKey(reader.u128()?);
            let (rank, content) = body(reader)?;
            bucket.add_period((key, all), rank, content);
        }
        kind::END => bucket.end_periods(key, rank(reader)?),
        kind::LEFT_OUT => bucket.leave_out(key, rank(reader)?),
        _ => bucket.note_patient(reader.u64()?, key),
    }
    Some(())
}

fn with_rank(record: Record, rank: Rank) -> Record {
    record.time(rank.last_updated()).u64(rank.order)
}

fn with_body(record: Record, rank: Rank, content: Content) -> Record {
    with_rank(record, rank).u64(content.map_or(0, NonZeroU64::get))
}

fn rank(reader: &mut Reader<'_>) -> Option<Rank> {
    Some(Rank::new(reader.time()?, reader.u64()?))
}

fn body(reader: &mut Reader<'_>) -> Option<(Rank, Content)> {
    Some((rank(reader)?, NonZeroU64::new(reader.u64()?)))
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, ResourceType};

    use super::{KNOWN, Landed, ResourceKey, SHARDS};
    use crate::buckets::BUCKETS;
    use crate::rank::Rank;

    fn key(id: usize) -> ResourceKey {
        ResourceKey::new(ApiVersion::V3, &ResourceType::coverage(), &id.to_string())
    }

    #[test]
    fn every_note_is_replayed_however_many_resources_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let landed = Landed::new(folder.path());
        let resources = 2 * KNOWN * SHARDS;
        for id in 0..resources {
            landed.add(key(id), Rank::new(Some(2), id as u64), None);
            landed.note_patient(Some(id as u64 % 3), key(id));
        }
        // Of the first it is known that an older one does not count, of the last that is decided later.
        let older = |id: usize| (key(id), Rank::new(Some(1), (resources + id) as u64), None);
        let (one, rank, content) = older(0);
        assert!(landed.is_superseded(one, rank, content));
        let (other, rank, content) = older(resources - 1);
        assert!(!landed.is_superseded(other, rank, content));
        landed.add(other, rank, content);
        landed.leave_out(key(1), Rank::new(Some(2), 1));
        let (mut superseded, mut patients) = (Vec::new(), [0, 0, 0]);
        let (mut known, mut left_out) = (0, Vec::new());
        for number in 0..BUCKETS {
            let mut bucket = landed.bucket(number).unwrap();
            superseded.extend(bucket.superseded());
            left_out.extend(bucket.left_out());
            for (patient, count) in bucket.counts_by_patient() {
                patients[patient as usize] += count;
            }
            known += (0..resources).filter(|id| bucket.has(key(*id))).count();
        }
        assert_eq!(superseded, [rank.order]);
        assert_eq!(left_out, [(key(1), Some(2))]);
        assert_eq!(patients.iter().sum::<u64>(), resources as u64);
        assert_eq!(known, resources);
    }
}
