//! A lake that `snapshots rollback` has pinned to a snapshot: loads wait for `--unpin`.

use anyhow::anyhow;
use claimlake_loader::LoadError;

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::status::Landed;

/// The error of a load; if the lake is pinned, with the commands to continue with.
pub(super) fn explained(error: LoadError, data: &DataDir, invocation: &Invocation) -> Failure {
    let LoadError::Pinned { snapshot } = error else {
        return error.into();
    };
    let load = invocation.next("load --unpin");
    // What a rollback took back has to be staged again first.
    let awaits_transform = Landed::of(data).is_ok_and(|landed| landed.awaits_transform);
    let commands = match awaits_transform {
        true => format!("{}, then {load}", invocation.next("transform")),
        false => load,
    };
    anyhow!(
        "the lake is pinned to snapshot {snapshot} by `snapshots rollback`: nothing was published, and \
         what is staged stays; to go on: {commands}"
    )
    .into()
}

/// Says at the beginning of a run that nothing will be published at its end.
pub(crate) fn warn(invocation: &Invocation) -> Outcome<()> {
    // A lake that cannot be read is the load's to report.
    let snapshots = claimlake_loader::snapshots(&invocation.lake()?).unwrap_or_default();
    if let Some(pinned) = snapshots.iter().find(|snapshot| snapshot.is_pinned) {
        invocation.output().warn(&format!(
            "warning: the lake is pinned to snapshot {} by `snapshots rollback`: this run stages what is \
             new and publishes nothing; to go on afterwards: {}",
            pinned.number,
            invocation.next("load --unpin")
        ));
    }
    Ok(())
}
