//! Damaged runs of extractions: set aside, and their resources read again.

use claimlake_contract::{LandingLayout, LandingOrigin, RunId};
use claimlake_landing::{SetAside, set_aside_damaged};
use claimlake_vault::Vault;

use crate::error::ExtractError;

const RUNS_LOOKED_AT: u32 = 100_000;

/// Sets aside damaged parts of earlier extractions. What the vault knew about their patients is
/// forgotten: what this run does not read, a later one reads in full.
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

/// Forgets in the vault that the resources of a part or run have landed.
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
