//! `claimlake publish`: the lake's current snapshot as Delta tables, in a folder or an object store.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use claimlake_contract::ExitCode;
use claimlake_publisher::{
    OpenTarget, PublishError, PublishOutcome, PublishRequest, TableComment, Target,
};
use claimlake_vault::AccessAction;
use claimlake_viewdef::definition::ViewDefinition;
use clap::Args;
use serde_json::json;

use crate::access;
use crate::command::transform::plan::checked_input;
use crate::failure::{Failure, Outcome};
use crate::invocation::{Invocation, quoted};
use crate::plural::{counted, size};
use crate::publish_record::{LastPublish, PublishRecord, overlaps};
use crate::runtime;
use crate::summary::StageSummary;
use crate::zone::Zone;

const EXAMPLES: &str = "\
Examples:
  claimlake publish file:///mnt/shared/medicare
  claimlake --pipeline blue_button publish s3://bucket/medicare
  AWS_ENDPOINT_URL=https://minio.example claimlake publish s3://bucket/medicare
  claimlake publish --removed s3://bucket/old    its content was removed: it is not listed any more

What is published is PHI: whoever may read the place can read the claims. docs/publish.md says how
other programs read it, and which credentials and settings of a store are used.";

/// Arguments of `publish`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PublishArguments {
    /// Where to: file:///path or s3://bucket/path, of this lake alone
    #[arg(value_name = "URL")]
    target: String,

    /// Publish nothing: the content of that place was removed, so take it off the list of places that
    /// `forget` has to know. Refused while anything is there
    #[arg(long)]
    removed: bool,
}

/// Publishes the current snapshot.
pub(crate) fn run(arguments: &PublishArguments, invocation: &Invocation) -> Outcome {
    let target = Target::parse(&arguments.target).map_err(failure)?;
    let data = invocation.existing_data()?;
    refuse_own_folders(&target, invocation)?;
    // A load would remove the snapshot that is being sent, and a removal the rows of a patient.
    let _lock = invocation.lock_zone(Zone::Staged)?;
    let variable = |name: &str| std::env::var(name).ok();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let open = target.open(&variable, home.as_deref()).map_err(failure)?;
    let url = target.to_string();
    let mut record = PublishRecord::read_or_new(data.root())?;
    let runtime = runtime::on_this_thread().context("preparing to publish")?;
    if arguments.removed {
        let is_empty = runtime.block_on(open.is_empty()).map_err(failure)?;
        return end_of(&url, is_empty, &mut record, invocation);
    }
    let comments = comments(invocation)?;
    if let Some(target) = record.target(&url)
        && target.holds_forgotten_since.is_some()
    {
        if !runtime.block_on(open.is_empty()).map_err(failure)? {
            return Err(anyhow!("{}", holds_forgotten(&url, invocation)).into());
        }
        record.drop(&url);
    }
    // Nothing is written where it cannot be published, and nothing is then to be removed there.
    let checked = runtime.block_on(open.check(&invocation.lake()?, &record.lake));
    checked.map_err(failure)?;
    record.add(&url, invocation.clock().now());
    record.write(data.root())?;
    log_access(invocation)?;
    let mut summary = StageSummary::begin("publish");
    let request = request(&record, comments, invocation)?;
    let outcome = publish(&request, &open, &runtime, invocation)?;
    let last = LastPublish {
        at: invocation.clock().now(),
        sequence: outcome.sequence,
        snapshot: outcome.snapshot,
    };
    record.note(&url, last);
    record.write(data.root())?;
    tell(&mut summary, &url, &outcome, invocation);
    Ok(ExitCode::Done)
}

/// The words about a target that holds rows of patients who were forgotten, and what to do.
pub(crate) fn holds_forgotten(url: &str, invocation: &Invocation) -> String {
    let url = quoted(url);
    format!(
        "{url} holds rows of patients who were forgotten here, in its tables or their history, and this \
         version cannot remove them there: remove everything at that place, earlier versions that the \
         store keeps included, then {} (or {} where it is not needed any more)",
        invocation.next(&format!("publish {url}")),
        invocation.next(&format!("publish --removed {url}"))
    )
}

fn publish(
    request: &PublishRequest,
    target: &OpenTarget,
    runtime: &tokio::runtime::Runtime,
    invocation: &Invocation,
) -> Outcome<PublishOutcome> {
    let progress = invocation.progress().as_ref();
    let publishing = claimlake_publisher::publish(request, target, invocation.clock(), progress);
    runtime.block_on(publishing).map_err(failure)
}

fn request(
    record: &PublishRecord,
    comments: BTreeMap<String, TableComment>,
    invocation: &Invocation,
) -> Outcome<PublishRequest> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(PublishRequest {
        lake: invocation.lake()?,
        lake_id: record.lake.clone(),
        publication: claimlake_contract::hex(&random),
        comments,
    })
}

/// A target inside the data directory or the lake would become part of them.
fn refuse_own_folders(target: &Target, invocation: &Invocation) -> Outcome<()> {
    let Target::Folder(folder) = target else {
        return Ok(());
    };
    let own = [invocation.data()?.root().to_path_buf(), invocation.lake()?];
    match own.iter().find(|own| overlaps(folder, own)) {
        None => Ok(()),
        Some(own) => Err(Failure::usage(anyhow!(
            "the target lies in {}, or that in the target: publish to a folder of its own",
            own.display()
        ))),
    }
}

/// The texts of the pipeline's views about tables and columns.
fn comments(invocation: &Invocation) -> Outcome<BTreeMap<String, TableComment>> {
    let input = checked_input(invocation.pipeline()?, invocation.origin())?;
    let mut comments: BTreeMap<String, TableComment> = BTreeMap::new();
    for view in &input.views {
        let Ok(definition) = ViewDefinition::from_text(&view.text) else {
            continue;
        };
        let name = definition.name.clone().unwrap_or_default();
        let comment = comments.entry(name).or_default();
        comment.table = comment.table.take().or(definition.description.clone());
        for column in definition.columns() {
            if let Some(text) = &column.description {
                let columns = comment.columns.entry(column.name.clone());
                columns.or_insert_with(|| text.clone());
            }
        }
    }
    Ok(comments)
}

/// Notes that the data of all patients go to another place.
fn log_access(invocation: &Invocation) -> Outcome<()> {
    if !access::has_vault(invocation.data()?.root()) {
        return Ok(());
    }
    let vault = access::open_vault(invocation)?;
    let grants = vault.grants()?;
    let grants: Vec<_> = grants.iter().collect();
    vault
        .access_log()
        .append("publish", AccessAction::Published, &grants)
        .map_err(access::vault_failure)
}

/// Takes a target off the list.
fn end_of(
    url: &str,
    is_empty: bool,
    record: &mut PublishRecord,
    invocation: &Invocation,
) -> Outcome {
    if !is_empty {
        return Err(anyhow!(
            "{} is not empty: remove everything at that place first, then run this again",
            quoted(url)
        )
        .into());
    }
    let is_listed = record.target(url).is_some();
    if is_listed {
        record.drop(url);
        record.write(invocation.data()?.root())?;
    }
    let output = invocation.output();
    output.say(&match is_listed {
        true => format!("publish    nothing is at {url}, and it is not listed any more"),
        false => format!("publish    {url} is not listed: nothing was published there from here"),
    });
    output.add_to_summary("publish", json!({"target": url, "changed": is_listed}));
    Ok(ExitCode::Done)
}

fn tell(summary: &mut StageSummary, url: &str, outcome: &PublishOutcome, invocation: &Invocation) {
    let files = |count: usize| counted(count as u64, "file");
    summary.line("target", url);
    let rows = counted(outcome.rows, "row");
    let tables = counted(outcome.tables as u64, "table");
    summary.line("holds", format!("{rows} in {tables}"));
    if outcome.changed {
        let sent = format!(
            "{} ({}), {} there already",
            files(outcome.sent_files),
            size(outcome.sent_bytes),
            files(outcome.kept_files)
        );
        summary.line("sent", sent);
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
    let fields = serde_json::to_value(outcome).unwrap_or_default();
    for (name, value) in fields.as_object().into_iter().flatten() {
        summary.field(name, value.clone());
    }
    summary.field("target", url);
    let headline = match outcome.changed {
        true => format!(
            "snapshot {} is published as state {}",
            outcome.snapshot, outcome.sequence
        ),
        false => format!(
            "nothing changed, snapshot {} is state {} there",
            outcome.snapshot, outcome.sequence
        ),
    };
    summary.tell(invocation, &headline);
}

/// A setting that cannot be used is exit 2.
pub(crate) fn failure(error: PublishError) -> Failure {
    match error.is_setting() {
        true => Failure::usage(error),
        false => error.into(),
    }
}
