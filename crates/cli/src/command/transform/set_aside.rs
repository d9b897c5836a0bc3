//! Damaged parts of imports: `transform --full` sets them aside, so that all of landing can be read.

use std::collections::BTreeSet;

use claimlake_contract::{LandingOrigin, RunId};

use crate::command::verify;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::loaded_runs::loaded_runs;
use crate::summary::StageSummary;
use crate::zone::Zone;

/// Sets aside damaged parts of imported runs. Damaged parts of extracted runs wait for `extract
/// --full`, which requests the data from the server again.
pub(super) fn damaged_imports(
    data: &DataDir,
    summary: &mut StageSummary,
    invocation: &Invocation,
) -> Outcome<()> {
    if !data.landing().root().exists() {
        return Ok(());
    }
    let lake = invocation.lake()?;
    let loaded: BTreeSet<RunId> = loaded_runs(data, &lake)?;
    let extracted: BTreeSet<RunId> = verify::extract_runs(data)?;
    // While an extract or import writes there, it is left as it is.
    let Ok(_lock) = invocation.lock_zone_as_it_is(Zone::Landing) else {
        let words = "landing is being written: damaged parts of imports stay where they are";
        summary.line("waiting", words);
        return Ok(());
    };
    let is_import = |run: &RunId, origin: Option<LandingOrigin>| match origin {
        Some(origin) => origin == LandingOrigin::Import,
        None => !extracted.contains(run),
    };
    let found = claimlake_landing::set_aside_damaged(&data.landing(), &is_import, &|run| {
        loaded.contains(run)
    })?;
    for one in &found {
        summary.line(
            "set aside",
            format!("{}: {}; kept in {}", one.place, one.reason, one.kept_in),
        );
    }
    let places: Vec<&str> = found.iter().map(|one| one.kept_in.as_str()).collect();
    summary.field("set_aside", serde_json::json!(places));
    Ok(())
}
