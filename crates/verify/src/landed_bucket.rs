//! What has landed of some resources: the body of each that counts, and the patient it was read of.

use std::collections::hash_map::Entry;
use std::num::NonZeroU64;

use crate::key_hash::{KeyMap, KeySet};
use crate::landed::{GrantKey, ResourceKey};
use crate::rank::{Content, Rank, first_of_the_last};

/// The resources of one bucket, with all that was noted of them in whatever order.
#[derive(Debug, Default)]
pub(crate) struct LandedBucket {
    newest: KeyMap<ResourceKey, Newest>,
    /// All newest bodies of a resource that has several of one time, where it matters which counts.
    tied: KeyMap<ResourceKey, Vec<Tied>>,
    /// Which resources were read of each patient.
    by_patient: KeySet<(GrantKey, ResourceKey)>,
    /// Of a resource the newest body that makes no rows, as the pipeline says.
    left_out: KeyMap<ResourceKey, Rank>,
    /// The periods that are kept, each with the key of all periods of its resource.
    periods: KeyMap<ResourceKey, ResourceKey>,
    /// By key of all periods: the newest body without rows.
    ended: KeyMap<ResourceKey, Rank>,
    /// The places in landing of bodies that do not count, as far as is known.
    superseded: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    rank: Rank,
    content: Content,
}

/// A body by its place in landing.
type Tied = (u64, NonZeroU64);

impl LandedBucket {
    /// Adds a body.
    pub(crate) fn add(&mut self, key: ResourceKey, rank: Rank, content: Content) {
        let superseded = self.superseded_by(key, rank, content);
        self.superseded.extend(superseded);
    }

    /// Adds a period of a body, as [`Self::add`] adds a body. With its key comes that of all periods
    /// of the resource.
    pub(crate) fn add_period(
        &mut self,
        (key, all): (ResourceKey, ResourceKey),
        rank: Rank,
        content: Content,
    ) {
        self.periods.insert(key, all);
        self.add(key, rank, content);
    }

    /// Adds a body; returns the places in landing of those that do not count, now that it is known:
    /// itself, or earlier ones.
    fn superseded_by(&mut self, key: ResourceKey, rank: Rank, content: Content) -> Vec<u64> {
        let mut newest = match self.newest.entry(key) {
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
            return match self.tied.remove(&key) {
                Some(tied) => tied.into_iter().map(|(order, _)| order).collect(),
                None => vec![known.rank.order],
            };
        }
        let known = known.content.map(|content| (known.rank.order, content));
        let tied = self.tied.entry(key);
        let tied = tied.or_insert_with(|| Vec::from_iter(known));
        tied.extend(content.map(|content| (rank.order, content)));
        Vec::new()
    }

    /// Adds a body without rows: periods of older bodies do not count.
    pub(crate) fn end_periods(&mut self, all: ResourceKey, rank: Rank) {
        let newest = self.ended.entry(all).or_insert(rank);
        *newest = rank.max(*newest);
    }

    /// Adds a body that makes no rows.
    pub(crate) fn leave_out(&mut self, key: ResourceKey, rank: Rank) {
        let newest = self.left_out.entry(key).or_insert(rank);
        *newest = rank.max(*newest);
    }

    /// Adds the patient that a resource was read of.
    pub(crate) fn note_patient(&mut self, patient: GrantKey, key: ResourceKey) {
        self.by_patient.insert((patient, key));
    }

    /// The places in landing of bodies and periods that do not count, once all are known.
    pub(crate) fn superseded(&mut self) -> Vec<u64> {
        let mut superseded = std::mem::take(&mut self.superseded);
        superseded.extend(self.superseded_by_ended());
        superseded.extend(self.superseded_by_alike());
        superseded
    }

    /// Periods that are older than a body without rows.
    fn superseded_by_ended(&mut self) -> Vec<u64> {
        let mut superseded = Vec::new();
        if self.ended.is_empty() {
            return superseded;
        }
        for (period, all) in &self.periods {
            let (Some(end), Some(newest)) = (self.ended.get(all), self.newest.get(period)) else {
                continue;
            };
            match self.tied.get_mut(period) {
                Some(tied) => {
                    let has_ended = |(order, _): &mut Tied| newest.rank.at(*order) < *end;
                    let found = tied.extract_if(.., has_ended);
                    superseded.extend(found.map(|(order, _)| order));
                }
                None if newest.rank < *end => superseded.push(newest.rank.order),
                None => {}
            }
        }
        superseded
    }

    /// Those that do not count among the newest of one time.
    fn superseded_by_alike(&mut self) -> Vec<u64> {
        let mut superseded = Vec::new();
        for tied in self.tied.values_mut() {
            tied.sort_unstable();
            let counts = first_of_the_last(tied, |(_, content)| *content);
            let others = (0..).zip(tied.iter()).filter(|(index, _)| *index != counts);
            superseded.extend(others.map(|(_, (order, _))| *order));
        }
        superseded
    }

    /// Whether a body of the resource counts.
    pub(crate) fn has(&self, key: ResourceKey) -> bool {
        self.newest.contains_key(&key)
    }

    /// The time of the newest body of each resource that makes no rows by it.
    pub(crate) fn left_out(&self) -> KeyMap<ResourceKey, Option<i64>> {
        let of_newest = self.left_out.iter().filter_map(|(key, rank)| {
            let newest = self.newest.get(key)?.rank;
            // Of bodies of one time, the last that landed.
            let tied = self.tied.get(key).into_iter().flatten();
            let last = tied.map(|(order, _)| *order).max();
            let is_newest =
                rank.is_of_the_time_of(newest) && rank.order == last.unwrap_or(newest.order);
            is_newest.then_some((*key, rank.last_updated()))
        });
        of_newest.collect()
    }

    /// Distinct resources that were read of each patient.
    pub(crate) fn counts_by_patient(&self) -> KeyMap<GrantKey, u64> {
        let mut counts = KeyMap::default();
        for (patient, _) in &self.by_patient {
            *counts.entry(*patient).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests;
