//! What has landed: the body of each resource that counts, and whose it is.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use claimlake_contract::{ApiVersion, ResourceType};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::body::Rank;

/// A resource, by the hash of API, type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ResourceKey(u128);

impl ResourceKey {
    pub(crate) fn new(api: ApiVersion, resource: &ResourceType, id: &str) -> Self {
        Self(xxh3_128(format!("{api}\0{resource}\0{id}").as_bytes()))
    }
}

/// A person's resources of one type, by the hash of API, type and grant.
pub(crate) type Person = u64;

/// The name of a person's resources of one type.
pub(crate) fn person(api: ApiVersion, resource: &ResourceType, grant: &str) -> Person {
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
    newest: HashMap<ResourceKey, Rank>,
    held: HashSet<(Person, ResourceKey)>,
}

/// What a body is, as far as bodies were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A newer one is known.
    Superseded,
    /// It is the newest; it takes the place of another, if that has been looked at.
    Newest {
        /// The place in landing of the other.
        instead_of: Option<u64>,
    },
}

impl Landed {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    fn shard(&self, key: ResourceKey) -> MutexGuard<'_, Shard> {
        // The remainder is below SHARDS.
        let shard = &self.shards[(key.0 % SHARDS as u128) as usize];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a newer body is known.
    pub(crate) fn is_superseded(&self, key: ResourceKey, rank: Rank) -> bool {
        let shard = self.shard(key);
        shard.newest.get(&key).is_some_and(|newest| *newest > rank)
    }

    /// Takes note of a body.
    pub(crate) fn add(&self, key: ResourceKey, rank: Rank) -> Standing {
        match self.shard(key).newest.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(rank);
                Standing::Newest { instead_of: None }
            }
            Entry::Occupied(entry) if *entry.get() > rank => Standing::Superseded,
            Entry::Occupied(mut entry) => Standing::Newest {
                instead_of: Some(entry.insert(rank).order),
            },
        }
    }

    /// Takes note of whose resource it is.
    pub(crate) fn hold(&self, person: Person, key: ResourceKey) {
        self.shard(key).held.insert((person, key));
    }

    /// Distinct resources of each person, from extracts.
    pub(crate) fn held(&self) -> HashMap<Person, u64> {
        let mut counts = HashMap::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (person, _) in &shard.held {
                *counts.entry(*person).or_default() += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, ResourceType};

    use super::{Landed, ResourceKey, Standing};
    use crate::body::Rank;

    #[test]
    fn the_newest_counts_whatever_order_bodies_come_in_and_the_last_landed_at_a_tie() {
        let key = ResourceKey::new(ApiVersion::V2, &ResourceType::coverage(), "a");
        let landed = Landed::new();
        let newest = |instead_of| Standing::Newest { instead_of };
        assert_eq!(landed.add(key, Rank::new(Some(5), 3)), newest(None));
        assert_eq!(landed.add(key, Rank::new(Some(4), 9)), Standing::Superseded);
        assert!(landed.is_superseded(key, Rank::new(None, 10)));
        assert_eq!(landed.add(key, Rank::new(Some(5), 4)), newest(Some(3)));
        assert_eq!(landed.add(key, Rank::new(Some(6), 1)), newest(Some(4)));
        let other = ResourceKey::new(ApiVersion::V3, &ResourceType::coverage(), "a");
        assert_eq!(landed.add(other, Rank::new(None, 0)), newest(None));
    }
}
