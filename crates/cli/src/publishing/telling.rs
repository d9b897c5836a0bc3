//! What is said about a publish.

use claimlake_publisher::PublishOutcome;

use crate::invocation::{Invocation, quoted};
use crate::plural::{counted, size};
use crate::summary::StageSummary;

/// Says what a publish did.
pub(crate) fn tell(
    mut summary: StageSummary,
    url: &str,
    outcome: &PublishOutcome,
    invocation: &Invocation,
) {
    let files = |count: usize| counted(count as u64, "file");
    summary.line("target", url);
    let rows = counted(outcome.rows, "row");
    let tables = counted(outcome.tables as u64, "table");
    summary.line("holds", format!("{rows} in {tables}"));
    if outcome.changed || outcome.sent_files > 0 {
        let sent = format!(
            "{} ({}), {} there already",
            files(outcome.sent_files),
            size(outcome.sent_bytes),
            files(outcome.kept_files)
        );
        summary.line("sent", sent);
    }
    if outcome.changed {
        let changed = counted(outcome.changed_tables as u64, "table");
        summary.line("changed", format!("{changed} with a new version"));
    }
    if let Some(newer) = outcome.replaced_newer {
        summary.line(
            "replaced",
            format!(
                "snapshot {newer}, which is newer: this lake was rolled back, or is an older copy"
            ),
        );
    }
    if outcome.removed_states + outcome.removed_files > 0 {
        let states = counted(outcome.removed_states as u64, "earlier state");
        let removed = files(outcome.removed_files);
        summary.line(
            "removed",
            format!("{states} and {removed} that only they had"),
        );
    }
    if let Some(reason) = &outcome.not_removed {
        let words =
            format!("earlier states were not removed, and the next publish tries again: {reason}");
        invocation
            .output()
            .warn(&format!("warning: {}: {words}", quoted(url)));
    }
    let fields = serde_json::to_value(outcome).unwrap_or_default();
    for (name, value) in fields.as_object().into_iter().flatten() {
        summary.field(name, value.clone());
    }
    summary.field("target", url);
    let headline = match (outcome.changed, outcome.sent_files) {
        (true, _) => format!(
            "snapshot {} is published as state {}",
            outcome.snapshot, outcome.sequence
        ),
        (false, 1..) => format!(
            "what was missing there was sent again, snapshot {} is state {}",
            outcome.snapshot, outcome.sequence
        ),
        (false, 0) => format!(
            "nothing changed, snapshot {} is state {} there",
            outcome.snapshot, outcome.sequence
        ),
    };
    summary.tell(invocation, &headline);
}

/// The words about a target that holds rows of patients who were forgotten, and what to do.
pub(crate) fn holds_forgotten(url: &str, invocation: &Invocation) -> String {
    let url = quoted(url);
    format!(
        "{url} holds rows of patients who were forgotten here, in its tables or their history: {} \
         removes them there; where nothing is to be published there any more, remove everything at \
         that place, earlier versions that the store keeps included, then {}",
        invocation.next(&format!("publish {url}")),
        invocation.next(&format!("publish --removed {url}"))
    )
}

/// Said once rows of forgotten patients have left a target.
pub(super) fn tell_cleared(url: &str, outcome: &PublishOutcome, invocation: &Invocation) {
    let out_of_reach = match url.split_once(':') {
        Some(("file", _)) => "backups and snapshots of its file system",
        _ => {
            "earlier versions that the store keeps (versioning, soft delete), uploads that were cut, \
             replicas and backups"
        }
    };
    let mut words = format!(
        "publish    {url}: patients who were forgotten are out of its tables and their history\n  \
         not here  copies that others made of it, and {out_of_reach}"
    );
    if outcome.left_alone > 0 {
        let files = counted(outcome.left_alone as u64, "file");
        words.push_str(&format!(
            "\n  not ours  {files} there that claimlake did not write, not searched and not removed"
        ));
    }
    invocation.output().say(&words);
}
