//! `verify --published`: a published place compared with the local lake, byte by byte.

use anyhow::{Context as _, anyhow};
use claimlake_contract::ExitCode;
use claimlake_publisher::{Comparison, Repair, compare};
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::invocation::{Invocation, quoted};
use crate::plural::{counted, grouped, size};
use crate::publish_record::PublishRecord;
use crate::publishing::{self, Place};
use crate::runtime;
use crate::summary::StageSummary;

/// More than this are counted, not listed.
const LISTED: usize = 20;

/// Compares; exit 1 when anything differs.
pub(crate) fn run(url: &str, invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("verify");
    let place = Place::parse(url, invocation)?;
    let data = invocation.existing_data()?;
    let never = || {
        Failure::usage(anyhow!(
            "nothing was ever published from here: {}",
            invocation.next(&format!("publish {}", quoted(&place.url)))
        ))
    };
    let record = PublishRecord::read(data.root())?.ok_or_else(never)?;
    let runtime = runtime::on_this_thread().context("preparing to read what was published")?;
    let lake = invocation.lake()?;
    let progress = invocation.progress().as_ref();
    let comparing = compare(&lake, &record.lake, place.opened(), data.root(), progress);
    let found = runtime.block_on(comparing).map_err(publishing::failure)?;
    tell(&found, &place, &mut summary, invocation);
    Ok(match found.differences.is_empty() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

fn tell(found: &Comparison, place: &Place, summary: &mut StageSummary, invocation: &Invocation) {
    summary.urgent(&["WRONG", "repair"]);
    summary.line("target", &place.url);
    summary.line(
        "read",
        format!(
            "all of {} ({}), and {} in {}",
            counted(found.files as u64, "file"),
            size(found.bytes),
            counted(found.rows, "row"),
            counted(found.tables as u64, "table"),
        ),
    );
    for difference in found.differences.iter().take(LISTED) {
        summary.line("WRONG", difference.to_string());
    }
    let more = found.differences.len().saturating_sub(LISTED);
    if more > 0 {
        summary.line("", format!("and {} more", grouped(more as u64)));
    }
    let repair = found.differences.iter().map(|difference| difference.repair);
    let repair = repair.max().map(|repair| advice(repair, place, invocation));
    if let Some(words) = &repair {
        summary.line("repair", words.clone());
    }
    let differences = found.differences.iter().map(ToString::to_string);
    summary
        .field("target", json!(place.url))
        .field("holds", found.differences.is_empty())
        .field("sequence", found.sequence)
        .field("snapshot", found.snapshot)
        .field("tables", found.tables)
        .field("files_read", found.files)
        .field("bytes_read", found.bytes)
        .field("rows_read", found.rows)
        .field("repair", json!(repair))
        .field("differences", json!(differences.collect::<Vec<_>>()));
    let state = found.sequence;
    let headline = match found.differences.len() as u64 {
        0 => format!("state {state} there and snapshot {} agree", found.snapshot),
        wrong => format!(
            "{} between state {state} there and the lake",
            counted(wrong, "difference")
        ),
    };
    summary.tell(invocation, &headline);
}

fn advice(repair: Repair, place: &Place, invocation: &Invocation) -> String {
    let publish = invocation.next(&format!("publish {}", quoted(&place.url)));
    match repair {
        Repair::Publish => publish,
        Repair::RemoveFiles => {
            format!("remove the files with another checksum at that place, then {publish}")
        }
        Repair::Anew => format!("remove everything at that place, then {publish}"),
        Repair::Local => format!(
            "{} says how to mend the local lake; then {publish}",
            invocation.next("verify")
        ),
    }
}
