//! `claimlake load`: publishes staged rows as the next snapshot of the lake.

mod extract_status;
mod folding;
pub(crate) mod pinned;
mod query;
mod staged_parquet;

use std::path::PathBuf;

use anyhow::anyhow;
use claimlake_contract::ExitCode;
use claimlake_landing::landing_runs;
use claimlake_loader::{AbsentResources, LoadOptions, LoadOutcome, LoadRequest};
use claimlake_transformer::RULES_VERSION;
use clap::Args;
use serde_json::json;

use crate::command::forget::{interrupted, remains};
use crate::command::retention;
use crate::command::transform::current_rules;
use crate::copies;
use crate::data_dir::{DataDir, read_staged_manifest};
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::lake_group;
use crate::lake_options::{options_of, published_at};
use crate::plural::{counted, grouped, size};
use crate::publishing::{self, Place};
use crate::status::Landed;
use crate::summary::StageSummary;
use crate::zone::Zone;

const EXAMPLES: &str = "\
Examples:
  claimlake load
  claimlake load --rebuild      after `transform --full`: a view's columns changed, or `verify` said so
  claimlake load --staged-parquet spark-out      what Spark staged: eob/*.parquet, …, _keys/*.parquet

With --staged-parquet, --rebuild and --drop-absent say that the folder was made from all of landing.";

/// Arguments of `load`.
#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LoadArguments {
    /// Make all tables anew and repair damaged snapshots (after `transform --full`)
    #[arg(long)]
    rebuild: bool,

    /// Go on from the snapshot that the lake was rolled back to
    #[arg(long)]
    unpin: bool,

    /// Publish without the resources that landing no longer holds (after `transform --full`)
    #[arg(long)]
    drop_absent: bool,

    /// Publish what Spark staged in this folder, one folder of Parquet files a table and _keys
    #[arg(long, value_name = "DIR")]
    staged_parquet: Option<PathBuf>,

    /// Publish it though rows or whole tables are missing, which is refused otherwise
    #[arg(long, requires = "staged_parquet")]
    partial: bool,
}

/// Loads what is staged, lets go of what has lived long enough, then publishes.
pub(crate) fn run(arguments: &LoadArguments, invocation: &Invocation) -> Outcome {
    lake_group::check(invocation)?;
    let places = Place::configured(invocation)?;
    let exit = load(arguments, invocation)?;
    if arguments.rebuild {
        // The lake may have been too damaged for it before.
        interrupted::end_first(invocation)?;
    }
    retention::apply(invocation)?;
    folding::fold(invocation)?;
    remains::warn_of_published(invocation)?;
    let published = publishing::after_load(&places, invocation)?;
    let copies = match copies::clear(invocation)?.is_empty() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    };
    Ok(ExitCode::worst([exit, published, copies]))
}

fn load(arguments: &LoadArguments, invocation: &Invocation) -> Outcome {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let lake = invocation.lake()?;
    let mut summary = StageSummary::begin("load");
    let _lock = match arguments.rebuild {
        true => invocation.lock_zone_to_repair(Zone::Staged)?,
        false => invocation.lock_zone(Zone::Staged)?,
    };
    let run = data.next_run(invocation.clock())?;
    let staged_runs = match &arguments.staged_parquet {
        Some(folder) => {
            staged_parquet::seal(folder, &run, arguments, invocation)?;
            vec![folder.clone()]
        }
        None => data.staged_runs()?,
    };
    for warning in current_rules::warnings(&pipeline.current) {
        invocation.output().warn(&format!(
            "pipeline {}: {warning}",
            invocation.origin().display()
        ));
    }
    refuse_other_rules(&data, &staged_runs, invocation)?;
    if staged_runs.is_empty() && !lake.join("current").exists() {
        let landed = landing_runs(&data.landing())?;
        let next = match landed.sealed.is_empty() {
            true => "run",
            false => "transform",
        };
        summary.next(invocation, next);
        summary.field("changed", false);
        summary.tell(
            invocation,
            "nothing is staged and nothing was published before",
        );
        return Ok(ExitCode::Done);
    }
    let outcome = claimlake_loader::load(
        &LoadRequest {
            staged_runs: staged_runs.clone(),
            lake: lake.clone(),
            run,
            options: options(arguments, invocation)?,
            run_tables: extract_status::table(invocation)?,
            published_at: published_at(invocation.clock()),
        },
        invocation.progress().as_ref(),
    )
    .map_err(|error| pinned::explained(error, &data, invocation))?;
    // Runs that another program staged stay where they are, and belong to that program.
    let own_runs = match &arguments.staged_parquet {
        Some(folder) => {
            data.record_foreign_run(folder, outcome.snapshot)?;
            &[]
        }
        None => staged_runs.as_slice(),
    };
    for run in own_runs {
        let record = data.retire_staged_run(run, outcome.snapshot)?;
        let manifest = read_staged_manifest(&record)?;
        if manifest.rejected_resources + manifest.rejected_cells > 0 {
            summary.line(
                "rejects",
                format!(
                    "{} and {}, explained in {}",
                    counted(manifest.rejected_resources, "resource"),
                    counted(manifest.rejected_cells, "cell"),
                    record.join("rejects.ndjson").display()
                ),
            );
        }
    }
    tell(&mut summary, &outcome, &pipeline.load.main_tables);
    // Only newly staged rows show that the lake's rows are of an older view.
    if !staged_runs.is_empty() {
        tell_stale(&mut summary, &outcome, invocation);
    }
    tell_access(&mut summary, &outcome, invocation)?;
    if !outcome.snapshots_removed.is_empty() {
        let numbers = outcome.snapshots_removed.iter().map(u64::to_string);
        let words = format!(
            "snapshot {} (load.keep_snapshots = {}, load.keep_hours = {})",
            numbers.collect::<Vec<_>>().join(", "),
            pipeline.load.keep_snapshots,
            pipeline.load.keep_hours
        );
        summary.line("removed", words);
    }
    if let Some(folder) = &outcome.snapshot_folder {
        summary.line("where", folder.display().to_string());
    }
    if arguments.unpin && Landed::of(&data)?.awaits_transform {
        // A rollback takes back what was known of later snapshots.
        summary.next(invocation, "transform");
        summary.next(invocation, "load");
    }
    let headline = match (outcome.changed, outcome.snapshot) {
        (true, Some(snapshot)) => format!("snapshot {snapshot} is published"),
        (_, Some(snapshot)) => format!("nothing changed, snapshot {snapshot} remains current"),
        (_, None) => "nothing to publish".into(),
    };
    summary.tell(invocation, &headline);
    if outcome.snapshot_folder.is_some() {
        let current = std::path::absolute(lake.join("current"))?;
        let query = query::query(&current, &outcome, &pipeline.load.partition_by);
        let words = format!("\nQuery it (pip install duckdb):\n  {query}");
        let fields = serde_json::Map::from_iter([("query".into(), json!(query))]);
        invocation.output().say_with(&words, fields);
    }
    Ok(ExitCode::Done)
}

/// Rows by the rules of another version and rows by those of this one do not go together. Where
/// nothing is staged, the lake has them.
fn refuse_other_rules(
    data: &DataDir,
    staged_runs: &[PathBuf],
    invocation: &Invocation,
) -> Outcome<()> {
    let mut last = None;
    for folder in staged_runs {
        let staged = read_staged_manifest(folder)?;
        if staged.rules != RULES_VERSION {
            return Err(other_rules("what is staged was made", invocation));
        }
        last = Some(staged.run);
    }
    if last.is_some() || !invocation.lake()?.join("current").exists() {
        return Ok(());
    }
    let loaded = data.transformed_runs()?;
    let loaded = loaded.iter().max_by(|a, b| a.run.cmp(&b.run));
    let is_other = loaded.is_some_and(|loaded| loaded.rules != RULES_VERSION);
    // Without landing, no tables can be built: the existing ones stay.
    if is_other && !landing_runs(&data.landing())?.sealed.is_empty() {
        return Err(other_rules("the tables of the lake were made", invocation));
    }
    Ok(())
}

fn other_rules(what: &str, invocation: &Invocation) -> Failure {
    anyhow!(
        "{what} by the rules of another version of claimlake; to make all of it anew from landing, \
         run `{}`, then load again",
        invocation.next("transform")
    )
    .into()
}

fn options(arguments: &LoadArguments, invocation: &Invocation) -> Outcome<LoadOptions> {
    Ok(LoadOptions {
        rebuild: arguments.rebuild,
        unpin: arguments.unpin,
        absent: match arguments.drop_absent {
            true => AbsentResources::Drop,
            false => AbsentResources::Refuse,
        },
        ..options_of(invocation)?
    })
}

fn tell(summary: &mut StageSummary, outcome: &LoadOutcome, main_tables: &[String]) {
    if outcome.changed {
        let mut resources = format!(
            "{} new, {} changed, {} unchanged",
            grouped(outcome.new),
            grouped(outcome.changed_resources),
            grouped(outcome.unchanged)
        );
        if outcome.gone > 0 {
            resources.push_str(&format!(
                ", {} no longer at the server",
                grouped(outcome.gone)
            ));
        }
        if outcome.left_out > 0 {
            resources.push_str(&format!(", {} left out", grouped(outcome.left_out)));
        }
        summary.line("resources", resources);
        tell_tables(summary, outcome, main_tables);
    }
    summary.some(
        "repaired",
        outcome.files_repaired,
        "damaged file",
        "of kept snapshots replaced",
    );
    if !outcome.damaged_snapshots_removed.is_empty() {
        let removed: Vec<String> = outcome
            .damaged_snapshots_removed
            .iter()
            .map(ToString::to_string)
            .collect();
        summary.line(
            "removed",
            format!(
                "snapshot {}: damaged, and what it was cannot be made again",
                removed.join(", ")
            ),
        );
    }
    for lost in &outcome.lost {
        summary.line("lost", lost.clone());
    }
    summary.some(
        "copied",
        outcome.files_copied,
        "unchanged file",
        "(this file system has no hard links)",
    );
    let rows: serde_json::Map<_, _> = outcome
        .tables
        .iter()
        .map(|table| (table.name.clone(), json!(table.rows)))
        .collect();
    summary
        .field("rows", rows)
        .field("changed", outcome.changed)
        .field("snapshot", json!(outcome.snapshot))
        .field("snapshot_folder", json!(outcome.snapshot_folder))
        .field("outcome", json!(outcome));
}

/// Those that the pipeline calls the main ones, or all.
fn tell_tables(summary: &mut StageSummary, outcome: &LoadOutcome, main_tables: &[String]) {
    let is_main = |name: &String| main_tables.is_empty() || main_tables.contains(name);
    let shown: Vec<_> = outcome
        .tables
        .iter()
        .filter(|table| is_main(&table.name))
        .collect();
    let width = shown.iter().map(|table| table.name.len()).max();
    let width = width.unwrap_or(0);
    for (index, table) in shown.iter().enumerate() {
        let label = if index == 0 { "tables" } else { "" };
        let rows = counted(table.rows, "row");
        let files = counted(table.files, "file");
        let bytes = size(table.bytes);
        summary.line(
            label,
            format!(
                "{:<width$}  {rows:>16}  {files:>10}  {bytes:>9}",
                table.name
            ),
        );
    }
    let others = outcome.tables.len() - shown.len();
    if others > 0 {
        summary.line(
            "",
            format!("and {} more, see status", counted(others as u64, "table")),
        );
    }
}

/// Who can read the lake from now on, where that changed or is not as the pipeline says.
fn tell_access(
    summary: &mut StageSummary,
    outcome: &LoadOutcome,
    invocation: &Invocation,
) -> Outcome<()> {
    if outcome.given_to_group > 0 {
        let given = counted(outcome.given_to_group, "file or folder");
        summary.line("access", format!("{given} of before given to the group"));
    }
    summary.field("given_to_group", outcome.given_to_group);
    if let Some(words) = lake_group::left_open(invocation)? {
        summary.line("access", words);
    }
    if let Some(words) = lake_group::blocked(invocation)? {
        summary.line("access", words.clone());
        invocation.output().warn(&format!("warning: {words}"));
    }
    Ok(())
}

fn tell_stale(summary: &mut StageSummary, outcome: &LoadOutcome, invocation: &Invocation) {
    if !outcome.stale_tables.is_empty() {
        summary.line(
            "stale",
            format!(
                "{} hold rows of an older view: run {}, then load",
                outcome.stale_tables.join(", "),
                invocation.next("transform --full")
            ),
        );
    }
}
