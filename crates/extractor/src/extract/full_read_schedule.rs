//! When a patient's claims are read in full again: increments cannot show that a claim has gone. Turns
//! are spread over the days by the grant's random name.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{GrantHandle, ResourceType};
use claimlake_vault::{ExtractState, FullRead, Vault, VaultError};

use super::by_grant::{ByGrant, Shared};

/// The turns of all patients.
#[derive(Debug)]
pub struct FullReadSchedule {
    every: TimeDelta,
    now: DateTime<Utc>,
    known: ByGrant<KnownRead>,
    resources: Shared<ResourceType>,
    /// Scopes and sources.
    texts: Shared<String>,
}

/// What is remembered of one resource type of a patient; texts by their numbers.
#[derive(Debug)]
struct KnownRead {
    resource: u32,
    counted_from: DateTime<Utc>,
    scopes: u32,
    sources: u32,
    swept: bool,
    beside: u64,
    doubted: u64,
}

impl FullReadSchedule {
    /// Reads what is remembered; `every_days` 0: there are no turns.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn of(vault: &Vault, every_days: u32, now: DateTime<Utc>) -> Result<Self, VaultError> {
        let mut turns = Self::without(TimeDelta::days(every_days.into()), now);
        vault.each_full_read(|grant, resource, read| turns.add(grant, resource, read))?;
        Ok(turns)
    }

    /// Nothing is remembered yet.
    fn without(every: TimeDelta, now: DateTime<Utc>) -> Self {
        Self {
            every,
            now,
            known: ByGrant::default(),
            resources: Shared::default(),
            texts: Shared::default(),
        }
    }

    /// Adds what is remembered; grants must ascend.
    fn add(&mut self, grant: GrantHandle, resource: ResourceType, read: FullRead) {
        let known = KnownRead {
            resource: self.resources.number(resource),
            counted_from: read.counted_from,
            scopes: self.texts.number(read.scopes),
            sources: self.texts.number(read.sources),
            swept: read.swept,
            beside: read.beside,
            doubted: read.doubted,
        };
        self.known.push(grant, known);
    }

    /// What is remembered of a patient's full reads of a resource type.
    #[must_use]
    pub fn known(&self, grant: &GrantHandle, resource: &ResourceType) -> Option<FullRead> {
        let mut of_grant = self.known.of(grant).iter();
        let known =
            of_grant.find(|known| self.resources.value(known.resource) == Some(resource))?;
        Some(FullRead {
            counted_from: known.counted_from,
            scopes: self.texts.value(known.scopes)?.clone(),
            sources: self.texts.value(known.sources)?.clone(),
            swept: known.swept,
            beside: known.beside,
            doubted: known.doubted,
        })
    }

    /// Whether everything is to be read, although a search for changes would be possible.
    #[must_use]
    pub fn is_due(&self, state: &ExtractState) -> bool {
        let Some(known) = self.known(&state.grant, &state.resource) else {
            // Only an earlier version has read this patient: full reads are spread over the rounds
            // from this run on, instead of all being due at once.
            return false;
        };
        if self.every.is_zero() {
            return false;
        }
        // A full read that left doubts is repeated at once.
        known.doubted > 0 || turn_after(state, &known, self.every) <= self.now
    }
}

/// The patient's next turn: at least half a round after the last full read, and once a round from
/// then on, so that no patient is read twice within days.
fn turn_after(state: &ExtractState, known: &FullRead, every: TimeDelta) -> DateTime<Utc> {
    let round = every.num_seconds().max(1);
    let read = state.full_at.map(|full_at| full_at + every / 2);
    let from = read.map_or(known.counted_from, |read| read.max(known.counted_from));
    let place = place_of(&state.grant, round);
    let since = (from.timestamp() - place).rem_euclid(round);
    from + TimeDelta::seconds((round - since) % round)
}

/// When the grant's full read is due within a round, in seconds from its beginning.
fn place_of(grant: &GrantHandle, round: i64) -> i64 {
    let hash = claimlake_fhir::id_hash(grant.as_str().as_bytes()).0;
    let [_, _, _, _, _, _, _, _, low @ ..] = hash;
    // The remainder is below the round, which is an i64.
    (u64::from_be_bytes(low) % round.unsigned_abs()) as i64
}

#[cfg(test)]
mod tests;
