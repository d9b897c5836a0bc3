//! What a full read no longer found of what landed before: gone, or not believed yet.
//!
//! A resource counts as gone where everything was asked for, came, and could have contained it. A wrong
//! list would take claims out of every table until the next full read, so that the rules lean the
//! other way: what is not certain stays.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use claimlake_contract::{IdHash, PatientState};
use claimlake_vault::{FullRead, KnownResources};

use super::claim_kinds::ClaimKinds;
use super::landed_before::LandedResource;
use super::patient_commit::ResourceCommit;
use super::search_pass::SearchPass;
use super::search_scope::SearchScope;

/// The result of a full read, in addition to what was found.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// No longer at the server, sorted.
    pub(super) gone: Vec<IdHash>,
    /// Too many at once: kept until another full read misses them as well.
    pub(super) doubted: Vec<IdHash>,
    /// Kept, because this consent or app may exclude resources of their kind.
    pub(super) withheld: Vec<(IdHash, [u8; 16])>,
    /// The read proves nothing, so that all that is missing is kept.
    pub(super) proves_nothing: bool,
    /// How many of them are kept because the answer looks wrong.
    pub(super) unproven: u64,
}

impl Missing {
    pub(super) fn count(&self) -> u64 {
        (self.gone.len() + self.doubted.len() + self.withheld.len()) as u64
    }
}

/// Compares a complete read of everything with what landed before. `landed` are the bodies that
/// were looked up.
pub(super) fn compare(
    commit: &ResourceCommit,
    passes: &[SearchPass],
    before: &KnownResources,
    landed: &[LandedResource],
) -> Missing {
    let mut missing = Missing::default();
    let known = commit.asked.as_ref().and_then(|asked| asked.known.as_ref());
    if let (Some(asked), Some(known)) = (&commit.asked, known) {
        missing.proves_nothing = !asked.is_as_wide_as(known);
    }
    let asked = commit.asked.as_ref();
    let has_claim_kinds = asked.is_some_and(SearchScope::has_claim_kinds);
    let was_seen = |id: &IdHash| passes.iter().any(|pass| pass.seen.contains_key(&id.0));
    let mut served = ClaimKinds::default();
    passes.iter().for_each(|pass| served.add(&pass.kinds));
    let by_id: HashMap<IdHash, &LandedResource> = landed.iter().map(|one| (one.id, one)).collect();
    let known_ids = before.ids().map(|id| IdHash(*id));
    let mut ids: Vec<IdHash> = known_ids.chain(by_id.keys().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let all = ids.len();
    let mut lacking = Vec::new();
    for id in ids.into_iter().filter(|id| !was_seen(id)) {
        match by_id.get(&id) {
            Some(one) if has_claim_kinds && !served.cover(&one.kinds) => {
                missing.withheld.push((one.id, one.content));
            }
            _ => lacking.push(id),
        }
    }
    if commit.is_suspicious {
        missing.unproven = (lacking.len() + missing.withheld.len()) as u64;
        missing.proves_nothing |= missing.unproven > 0;
    }
    // An empty answer never says that anything is gone, whatever other searches bring.
    let is_empty = passes.first().is_none_or(|pass| pass.seen.is_empty());
    missing.proves_nothing |= is_empty && !lacking.is_empty();
    // If one of the other searches returns nothing although it did before, the answer is doubtful.
    let lost_a_search = found_beside(passes) == 0 && known.is_some_and(|known| known.beside > 0);
    let (confirmed, new): (Vec<IdHash>, Vec<IdHash>) =
        lacking.into_iter().partition(|id| before.is_doubted(&id.0));
    missing.gone = confirmed;
    match is_doubtful(new.len(), all) || (lost_a_search && !new.is_empty()) {
        true => missing.doubted = new,
        false => missing.gone.extend(new),
    }
    missing.gone.sort_unstable();
    missing
}

/// Resources of the searches after the first one.
fn found_beside(passes: &[SearchPass]) -> u64 {
    let beside = passes.iter().skip(1);
    beside.map(|pass| pass.seen.len() as u64).sum()
}

/// More than a quarter of all, and more than one.
fn is_doubtful(lacking: usize, all: usize) -> bool {
    lacking > 1 && lacking.saturating_mul(4) > all
}

/// Whether bodies of what is missing must be looked at: claims may be of kinds, or what landed was
/// never compared with a full read.
pub(super) fn needs_bodies(
    commit: &ResourceCommit,
    passes: &[SearchPass],
    before: &KnownResources,
) -> bool {
    let Some(asked) = &commit.asked else {
        return false;
    };
    if !asked.known.as_ref().is_some_and(|known| known.swept) {
        return true;
    }
    let was_seen = |id: &[u8; 16]| passes.iter().any(|pass| pass.seen.contains_key(id));
    asked.has_claim_kinds() && before.ids().any(|id| !was_seen(id))
}

/// What is remembered after a read.
pub(super) fn remember(
    commit: &ResourceCommit,
    passes: &[SearchPass],
    missing: Option<&Missing>,
    now: DateTime<Utc>,
) -> Option<FullRead> {
    let asked = commit.asked.as_ref()?;
    let known = asked.known.as_ref();
    let mut read = known.cloned().unwrap_or_else(|| FullRead {
        counted_from: now,
        scopes: asked.scopes.clone(),
        sources: asked.sources.clone(),
        swept: false,
        beside: 0,
        doubted: 0,
    });
    if commit.state != PatientState::Complete {
        return Some(read);
    }
    let beside = found_beside(passes);
    match missing {
        // The searches after the first one always request everything.
        None => read.beside = read.beside.max(beside),
        // It is read again by the next run.
        Some(missing) if missing.proves_nothing => {
            read.doubted = read.doubted.max(missing.unproven);
        }
        Some(missing) => {
            read.scopes.clone_from(&asked.scopes);
            read.sources.clone_from(&asked.sources);
            read.swept = true;
            read.doubted = missing.doubted.len() as u64;
            read.beside = match read.doubted > 0 {
                true => read.beside.max(beside),
                false => beside,
            };
        }
    }
    Some(read)
}

#[cfg(test)]
mod tests;
