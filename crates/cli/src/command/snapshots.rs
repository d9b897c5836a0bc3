//! `claimlake snapshots`: the states of the lake that can still be read, and going back to one.

use claimlake_contract::ExitCode;
use claimlake_loader::SnapshotInfo;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::crash;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, size};
use crate::zone::Zone;

const EXAMPLES: &str = "\
Examples:
  claimlake snapshots
  claimlake snapshots rollback 3      readers see snapshot 3 again; load then waits for --unpin";

/// Arguments of `snapshots`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SnapshotsArguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an earlier snapshot the current one and hold the lake there
    Rollback {
        /// The snapshot's number
        number: u64,
    },
}

/// Lists snapshots, or goes back to one.
pub(crate) fn run(arguments: &SnapshotsArguments, invocation: &Invocation) -> Outcome {
    match arguments.action {
        None => list(invocation),
        Some(Action::Rollback { number }) => rollback(number, invocation),
    }
}

fn list(invocation: &Invocation) -> Outcome {
    let output = invocation.output();
    let snapshots = claimlake_loader::snapshots(&invocation.lake()?)?;
    output.add_to_summary("snapshots", json!(snapshots));
    if !output.is_json() {
        let lines: Vec<String> = snapshots.iter().map(line).collect();
        output.data(&lines.concat())?;
    }
    if snapshots.is_empty() {
        output.say(&format!(
            "nothing is published yet: {}",
            invocation.next("run")
        ));
    }
    Ok(ExitCode::Done)
}

fn line(snapshot: &SnapshotInfo) -> String {
    let state = match (snapshot.is_current, snapshot.is_pinned) {
        (_, true) => "current, pinned",
        (true, false) => "current",
        _ => "",
    };
    match &snapshot.damage {
        Some(damage) => format!("{:>6}  damaged: {damage}\n", snapshot.number),
        None => format!(
            "{:>6}  {:<24}  {:>16}  {:>9}  {state}\n",
            snapshot.number,
            snapshot.published_at.as_deref().unwrap_or_default(),
            counted(snapshot.rows, "row"),
            size(snapshot.bytes)
        ),
    }
}

fn rollback(number: u64, invocation: &Invocation) -> Outcome {
    let data = invocation.data()?;
    let lake = invocation.lake()?;
    let _lock = invocation.lock_zone(Zone::Staged)?;
    let snapshot = claimlake_loader::rollback(&lake, number, invocation.progress().as_ref())?;
    crash::point("rolled-back");
    // What later snapshots took from landing must be transformed again once loads continue.
    data.forget_transformed_after(number)?;
    invocation
        .output()
        .add_to_summary("snapshot", json!(snapshot));
    invocation.output().say(&format!(
        "snapshot {number} is current again and pinned\n  next      {}, then {}",
        invocation.next("transform"),
        invocation.next("load --unpin")
    ));
    Ok(ExitCode::Done)
}
