//! When a patient's claims are read in full again: increments cannot show that a claim has gone. Turns
//! are spread over the days by the grant's random name.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{GrantHandle, ResourceType};
use claimlake_vault::{ExtractState, FullRead, Vault, VaultError};

/// The turns of all patients.
#[derive(Debug)]
pub struct FullReadSchedule {
    every: TimeDelta,
    now: DateTime<Utc>,
    known: HashMap<(GrantHandle, ResourceType), FullRead>,
}

impl FullReadSchedule {
    /// Reads what is remembered; `every_days` 0: there are no turns.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn of(vault: &Vault, every_days: u32, now: DateTime<Utc>) -> Result<Self, VaultError> {
        Ok(Self {
            every: TimeDelta::days(every_days.into()),
            now,
            known: vault.full_reads()?,
        })
    }

    /// What is remembered of a patient's full reads of a resource type.
    #[must_use]
    pub fn known(&self, grant: &GrantHandle, resource: &ResourceType) -> Option<&FullRead> {
        self.known.get(&(grant.clone(), resource.clone()))
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
        known.doubted > 0 || turn_after(state, known, self.every) <= self.now
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
