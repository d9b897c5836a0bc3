//! What earlier nights left is folded into fewer files at the end of a load, so that a night does not
//! cost more the more there were before it.

use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::pipeline::KeptFor;
use crate::zone::Zone;

/// Folds what has become many.
pub(super) fn fold(invocation: &Invocation) -> Outcome<()> {
    let Some(oldest) = claimlake_loader::oldest_snapshot(&invocation.lake()?)? else {
        return Ok(());
    };
    let _lock = invocation.lock_zone(Zone::Staged)?;
    let keeps_rejects = match invocation.pipeline()?.load.keep_rejects {
        KeptFor::Days(_) => false,
        KeptFor::Ever => true,
    };
    let records = invocation.data()?.fold_records(oldest, keeps_rejects)?;
    if records > 0 {
        tracing::info!(records, "records of loaded runs were folded into one");
        let output = invocation.output();
        output.add_to_summary("folded records", json!(records));
    }
    Ok(())
}
