//! Landing has few folders, however many runs: a command that lands joins small ones at its end. Whether
//! that succeeds is not what the command was asked for.

use claimlake_landing::CompactStep;

use crate::crash;
use crate::data_dir::DataDir;

/// Removes what the compaction before left for whoever was reading; the caller has locked landing.
pub(crate) fn remove_leftovers(data: &DataDir) {
    if let Err(error) = claimlake_landing::remove_leftovers(&data.landing()) {
        tracing::warn!(error = %error, "old folders of joined landing runs could not be removed");
    }
}

/// Joins small runs; the caller has locked landing, and nothing of its run is open any more.
pub(crate) fn compact(data: &DataDir) {
    let compacted = claimlake_landing::compact(&data.landing(), &mut |step| {
        crash::point(match step {
            CompactStep::Begun => "compact-begun",
            CompactStep::Copied => "compact-copied",
            CompactStep::Written => "compact-written",
            CompactStep::BothSums => "compact-both-sums",
            CompactStep::Switched => "compact-switched",
            CompactStep::NewSum => "compact-new-sum",
            CompactStep::Cleaning | CompactStep::Removed => return Ok(()),
        });
        Ok(())
    });
    match compacted {
        Ok(0) => {}
        Ok(folders) => tracing::info!(folders, "small folders of landing runs were joined"),
        Err(error) => tracing::warn!(
            error = %error,
            "folders of landing runs could not be joined; they are as they were, and the next run tries again"
        ),
    }
}
