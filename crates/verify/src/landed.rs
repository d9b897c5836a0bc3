//! What has landed: the current body of each resource, and the grant with which it was read.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use claimlake_contract::{ApiVersion, ResourceType};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::rank::{Content, Rank, first_of_the_last};

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

/// Filled from several threads at once.
#[derive(Debug)]
pub(crate) struct Landed {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    newest: HashMap<ResourceKey, Newest>,
    /// All newest bodies of a resource that has several of one time, where it matters which counts.
    tied: HashMap<ResourceKey, Vec<Tied>>,
    /// Which resources were read of each patient.
    by_patient: HashSet<(GrantKey, ResourceKey)>,
    /// Of a resource the newest body that makes no rows, as the pipeline says.
    left_out: HashMap<ResourceKey, Rank>,
    /// The periods that are kept, each with the key of all periods of its resource.
    periods: HashMap<ResourceKey, ResourceKey>,
    /// By key of all periods: the newest body without rows.
    ended: HashMap<ResourceKey, Rank>,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    rank: Rank,
    content: Content,
}

/// A body by its place in landing.
type Tied = (u64, NonZeroU64);

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Landed {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    fn shard(&self, key: ResourceKey) -> MutexGuard<'_, Shard> {
        // The remainder is below SHARDS.
        lock(&self.shards[(key.0 % SHARDS as u128) as usize])
    }

    /// Whether a newer body is known, so that this one cannot count.
    pub(crate) fn is_superseded(&self, key: ResourceKey, rank: Rank, content: Content) -> bool {
        let shard = self.shard(key);
        let newest = shard.newest.get(&key);
        newest.is_some_and(|newest| newest.rank.is_after(rank, content))
    }

    /// Adds a body; returns the places in landing of those that do not count, now that it is known:
    /// itself, or earlier ones.
    pub(crate) fn add(&self, key: ResourceKey, rank: Rank, content: Content) -> Vec<u64> {
        let mut shard = self.shard(key);
        let Shard { newest, tied, .. } = &mut *shard;
        let mut newest = match newest.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Newest { rank, content });
                return Vec::new();
            }
            Entry::Occupied(entry) => entry,
        };
        let known = *newest.get();
        if known.rank.is_after(rank, content) {
            return vec![rank.order];
        }
        if rank.is_after(known.rank, content) {
            newest.insert(Newest { rank, content });
            return match tied.remove(&key) {
                Some(tied) => tied.into_iter().map(|(order, _)| order).collect(),
                None => vec![known.rank.order],
            };
        }
        let known = known.content.map(|content| (known.rank.order, content));
        let tied = tied.entry(key).or_insert_with(|| Vec::from_iter(known));
        tied.extend(content.map(|content| (rank.order, content)));
        Vec::new()
    }

    /// Adds a period of a body, as [`Self::add`] adds a body. With its key comes that of all periods
    /// of the resource.
    pub(crate) fn add_period(
        &self,
        (key, all): (ResourceKey, ResourceKey),
        rank: Rank,
        content: Content,
    ) -> Vec<u64> {
        self.shard(key).periods.insert(key, all);
        self.add(key, rank, content)
    }

    /// Notes a body without rows: periods of older bodies do not count.
    pub(crate) fn end_periods(&self, all: ResourceKey, rank: Rank) {
        let mut shard = self.shard(all);
        let newest = shard.ended.entry(all).or_insert(rank);
        *newest = rank.max(*newest);
    }

    /// The places in landing of periods that are older than a body without rows, once all bodies are
    /// known.
    pub(crate) fn superseded_by_ended(&self) -> Vec<u64> {
        let mut ended: HashMap<ResourceKey, Rank> = HashMap::new();
        for shard in &self.shards {
            ended.extend(&lock(shard).ended);
        }
        let mut superseded = Vec::new();
        if ended.is_empty() {
            return superseded;
        }
        for shard in &self.shards {
            let mut shard = lock(shard);
            let Shard {
                newest,
                tied,
                periods,
                ..
            } = &mut *shard;
            for (period, all) in periods {
                let (Some(end), Some(newest)) = (ended.get(all), newest.get(period)) else {
                    continue;
                };
                match tied.get_mut(period) {
                    Some(tied) => {
                        let has_ended = |(order, _): &mut Tied| newest.rank.at(*order) < *end;
                        let found = tied.extract_if(.., has_ended);
                        superseded.extend(found.map(|(order, _)| order));
                    }
                    None if newest.rank < *end => superseded.push(newest.rank.order),
                    None => {}
                }
            }
        }
        superseded
    }

    /// The places in landing of those that do not count among the newest of one time, once all
    /// bodies are known.
    pub(crate) fn superseded_by_alike(&self) -> Vec<u64> {
        let mut superseded = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            for tied in shard.tied.values_mut() {
                tied.sort_unstable();
                let counts = first_of_the_last(tied, |(_, content)| *content);
                let others = (0..).zip(tied.iter()).filter(|(index, _)| *index != counts);
                superseded.extend(others.map(|(_, (order, _))| *order));
            }
        }
        superseded
    }

    /// Whether a body of the resource counts.
    pub(crate) fn has(&self, key: ResourceKey) -> bool {
        self.shard(key).newest.contains_key(&key)
    }

    /// Notes a body that makes no rows.
    pub(crate) fn leave_out(&self, key: ResourceKey, rank: Rank) {
        let mut shard = self.shard(key);
        let newest = shard.left_out.entry(key).or_insert(rank);
        *newest = rank.max(*newest);
    }

    /// The time of the newest body of each resource that makes no rows by it.
    pub(crate) fn left_out(&self) -> HashMap<ResourceKey, Option<i64>> {
        let mut found = HashMap::new();
        for shard in &self.shards {
            let shard = lock(shard);
            found.extend(shard.left_out.iter().filter_map(|(key, rank)| {
                let newest = shard.newest.get(key)?.rank;
                // Of bodies of one time, the last that landed.
                let tied = shard.tied.get(key).into_iter().flatten();
                let last = tied.map(|(order, _)| *order).max();
                let is_newest =
                    rank.is_of_the_time_of(newest) && rank.order == last.unwrap_or(newest.order);
                is_newest.then_some((*key, rank.last_updated()))
            }));
        }
        found
    }

    /// Notes the patient that a resource was read of, if it was extracted.
    pub(crate) fn note_patient(&self, patient: Option<GrantKey>, key: ResourceKey) {
        self.shard(key)
            .by_patient
            .extend(patient.map(|patient| (patient, key)));
    }

    /// Distinct resources that were read of each patient.
    pub(crate) fn counts_by_patient(&self) -> HashMap<GrantKey, u64> {
        let mut counts = HashMap::new();
        for shard in &self.shards {
            let shard = lock(shard);
            for (patient, _) in &shard.by_patient {
                *counts.entry(*patient).or_default() += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use claimlake_contract::{ApiVersion, ResourceType};

    use super::{Landed, ResourceKey};
    use crate::rank::Rank;

    fn key(api: ApiVersion) -> ResourceKey {
        ResourceKey::new(api, &ResourceType::coverage(), "a")
    }

    #[test]
    fn the_newest_counts_whatever_order_bodies_come_in_and_the_last_landed_at_a_tie() {
        let key_of = key;
        let key = key_of(ApiVersion::V3);
        let landed = Landed::new();
        let add = |key, at, order| landed.add(key, Rank::new(at, order), None);
        assert!(add(key, Some(5), 3).is_empty());
        assert_eq!(add(key, Some(4), 9), [9]);
        assert!(landed.is_superseded(key, Rank::new(None, 10), None));
        assert_eq!(add(key, Some(5), 4), [3]);
        assert_eq!(add(key, Some(6), 1), [4]);
        assert!(add(key_of(ApiVersion::V2), None, 0).is_empty());
        assert!(landed.superseded_by_alike().is_empty());
    }

    /// Bodies of one time by place and content, in every order they may come in.
    fn superseded(bodies: &[(u64, u64)]) -> Vec<u64> {
        let mut all: Option<Vec<u64>> = None;
        for turn in 0..bodies.len() {
            for backwards in [false, true] {
                let mut bodies = bodies.to_vec();
                bodies.rotate_left(turn);
                if backwards {
                    bodies.reverse();
                }
                let landed = Landed::new();
                for (order, content) in bodies {
                    let rank = Rank::new(Some(5), order);
                    let content = NonZeroU64::new(content);
                    let key = key(ApiVersion::V2);
                    assert!(!landed.is_superseded(key, rank, content));
                    assert!(landed.add(key, rank, content).is_empty());
                }
                let mut found = landed.superseded_by_alike();
                found.sort_unstable();
                assert_eq!(*all.get_or_insert(found.clone()), found);
            }
        }
        all.unwrap_or_default()
    }

    #[test]
    fn of_neighbours_that_say_the_same_the_first_landed_counts() {
        assert!(superseded(&[(1, 7)]).is_empty());
        assert_eq!(superseded(&[(1, 7), (2, 7), (3, 7)]), [2, 3]);
        assert_eq!(superseded(&[(1, 7), (2, 8), (3, 7)]), [1, 2]);
        assert_eq!(superseded(&[(1, 7), (2, 8), (3, 7), (4, 7)]), [1, 2, 4]);
        assert_eq!(superseded(&[(1, 7), (2, 7), (3, 8)]), [1, 2]);
    }

    #[test]
    fn a_resource_is_left_out_where_the_newest_body_is_or_the_last_of_its_time() {
        // Times of bodies in landing order, and whether they make no rows.
        let left_out = |bodies: &[(i64, bool)], content: Option<NonZeroU64>| {
            let landed = Landed::new();
            let key = key(ApiVersion::V2);
            for (order, (time, is_left_out)) in (0..).zip(bodies) {
                let rank = Rank::new(Some(*time), order);
                landed.add(key, rank, content);
                if *is_left_out {
                    landed.leave_out(key, rank);
                }
            }
            landed.left_out().remove(&key).flatten()
        };
        for content in [None, NonZeroU64::new(7)] {
            assert_eq!(left_out(&[(1, false), (2, true)], content), Some(2));
            assert_eq!(left_out(&[(2, true), (1, false)], content), Some(2));
            assert_eq!(left_out(&[(3, true), (2, true)], content), Some(3));
            assert_eq!(left_out(&[(1, true), (2, false)], content), None);
            assert_eq!(left_out(&[(2, false), (1, true)], content), None);
            assert_eq!(left_out(&[(2, false), (2, true)], content), Some(2));
            assert_eq!(left_out(&[(2, true), (2, false)], content), None);
            assert_eq!(left_out(&[(2, false), (1, false)], content), None);
        }
    }

    #[test]
    fn periods_older_than_a_body_without_rows_do_not_count_in_whatever_order_they_are_found() {
        let all = |id| {
            let resource = ResourceType::coverage();
            ResourceKey::of_periods(ApiVersion::V2, &resource, "coverage_month", id)
        };
        assert_ne!(all("a").of_period(2021), all("a").of_period(2022));
        assert_ne!(all("a").of_period(2021), all("b").of_period(2021));
        let seven = NonZeroU64::new(7);
        for ended_first in [true, false] {
            let landed = Landed::new();
            let end = || landed.end_periods(all("a"), Rank::new(Some(5), 30));
            if ended_first {
                end();
            }
            let add = |id, year, time, order| {
                let keys = (all(id).of_period(year), all(id));
                landed.add_period(keys, Rank::new(time, order), seven)
            };
            assert!(add("a", 2021, None, 10).is_empty());
            assert!(add("a", 2022, Some(4), 11).is_empty());
            assert!(add("a", 2023, Some(6), 12).is_empty());
            // Of its time, one landed before it and two after it.
            for order in [20, 40, 50] {
                assert!(add("a", 2024, Some(5), order).is_empty());
            }
            assert!(add("b", 2021, Some(1), 13).is_empty());
            if !ended_first {
                landed.end_periods(all("a"), Rank::new(Some(3), 90));
                end();
            }
            let mut ended = landed.superseded_by_ended();
            ended.sort_unstable();
            assert_eq!(ended, [10, 11, 20]);
            assert_eq!(landed.superseded_by_alike(), [50]);
        }
    }

    #[test]
    fn a_later_body_supersedes_all_that_say_the_same() {
        let landed = Landed::new();
        let key = key(ApiVersion::V2);
        let seven = NonZeroU64::new(7);
        for order in [2, 1] {
            let known = landed.add(key, Rank::new(None, order), seven);
            assert!(known.is_empty());
        }
        assert_eq!(landed.add(key, Rank::new(Some(1), 0), seven), [2, 1]);
        assert!(landed.is_superseded(key, Rank::new(None, 9), seven));
        assert!(landed.superseded_by_alike().is_empty());
    }
}
