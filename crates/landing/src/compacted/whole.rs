//! Which folders of several runs are as they were written: a repair leaves those joined.

use std::sync::Arc;

use claimlake_contract::{LandingLayout, LandingOrigin, RunId};

use super::Compacted;
use super::unpack::unpack;
use crate::folder::{entries, file_name};
use crate::listed::packed_runs;
use crate::set_aside::{damaged_parts, undecodable_parts};
use crate::{LandingError, listed_runs};

/// Gives the runs of folders of several runs folders of their own again, where one that is chosen is
/// damaged.
pub(crate) fn unpack_damaged(
    layout: &LandingLayout,
    chosen: &dyn Fn(&RunId, Option<LandingOrigin>) -> bool,
) -> Result<(), LandingError> {
    for compacted in listed_runs(layout)?.compacted {
        let origin = Some(compacted.manifest.origin);
        let mut runs = compacted.runs().iter();
        if runs.any(|run| chosen(&run.run, origin)) && !is_whole(&compacted)? {
            unpack(&compacted, &mut |_| Ok(()))?;
        }
    }
    Ok(())
}

fn is_whole(compacted: &Arc<Compacted>) -> Result<bool, LandingError> {
    let paths = entries(&compacted.folder)?;
    let mut names = paths.iter().map(|path| file_name(path));
    if names.any(|name| compacted.is_unknown(name)) || compacted.damage()?.is_some() {
        return Ok(false);
    }
    for listed in packed_runs(compacted) {
        let Ok(run) = listed.read() else {
            return Ok(false);
        };
        if !damaged_parts(&run)?.is_empty() || !undecodable_parts(&run, &[]).is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
