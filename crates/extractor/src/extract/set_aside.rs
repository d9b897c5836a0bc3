//! Damaged runs of extractions: set aside, and what they held is read again.

use claimlake_contract::{LandingLayout, LandingOrigin, RunId};
use claimlake_landing::{SetAside, set_aside_damaged};
use claimlake_vault::Vault;

use crate::error::ExtractError;

const RUNS_LOOKED_AT: u32 = 100_000;

/// Sets aside what is damaged of earlier extractions. Of the patients whose resources were in it, nothing
/// counts as held any more: what this run does not read of them, a later one reads in full.
pub(super) fn set_aside(
    vault: &Vault,
    layout: &LandingLayout,
) -> Result<Vec<SetAside>, ExtractError> {
    let known = vault.runs("extract", RUNS_LOOKED_AT)?;
    let is_ours = |run: &RunId, origin: Option<LandingOrigin>| match origin {
        Some(origin) => origin == LandingOrigin::Extract,
        None => known.iter().any(|known| known.run == *run),
    };
    let found = set_aside_damaged(layout, &is_ours, &|_| false)?;
    for one in &found {
        forget_held(vault, one)?;
    }
    Ok(found)
}

/// Takes note that what was in a part or run is no longer held.
pub(super) fn forget_held(vault: &Vault, set_aside: &SetAside) -> Result<(), ExtractError> {
    let Some((api, resource)) = &set_aside.of else {
        return Ok(());
    };
    match &set_aside.grants {
        Some(grants) => {
            for grant in grants {
                vault.forget_known_resources(grant, resource)?;
            }
        }
        None => {
            for state in vault.extract_states()? {
                if state.api == *api && state.resource == *resource {
                    vault.forget_known_resources(&state.grant, resource)?;
                }
            }
        }
    }
    Ok(())
}
