//! `claimlake verify`: landing and lake recomputed and compared.

mod forgotten;
pub(crate) mod published;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use claimlake_contract::{ExitCode, RunId, SystemClock};
use claimlake_transformer::{IS_PART2, Part2, PlanInput};
use claimlake_vault::{RunHistory, VAULT_FILE, Vault, VaultError};
use claimlake_verify::{
    Check, ExtractedState, PipelineViews, RepairStep, Report, Severity, VerifyRequest,
};
use clap::Args;
use serde_json::json;

use super::transform::plan;
use crate::access;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::loaded_runs::{is_of_other_rules, loaded_runs};
use crate::open_removals;
use crate::pipeline::{Money, table_rules};
use crate::plural::{counted, grouped};
use crate::summary::StageSummary;

const EXAMPLES: &str = "\
Examples:
  claimlake verify
  claimlake verify --published s3://bucket/medicare    what is there, compared with the lake here";

/// Arguments of `verify`.
#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// Compare this published place with the lake instead: files, checksums, rows, sums of amounts and
    /// Delta logs. Every byte of it is read
    #[arg(long, value_name = "URL")]
    pub(crate) published: Option<String>,
}

/// Verifies the data directory; exit 1 when anything but a warning was found.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("verify");
    invocation.existing_data()?;
    let report = checked(invocation)?;
    if !report.holds() {
        summary.urgent(&["WRONG", "repair"]);
        let wrong = counted(report.hard_failures(), "thing");
        let words = format!("{wrong} found wrong");
        invocation.output().alarm(ExitCode::Failed, words, "");
    }
    tell(&report, &mut summary, invocation);
    Ok(match report.holds() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

/// The check of removals that have not ended.
const REMOVALS: &str = "removals";

/// The name of the check that the vault exists.
const RECORD: &str = "record";

/// More than a data directory has.
const RUNS_LOOKED_AT: u32 = 1_000_000;

/// How often it is verified while loads end meanwhile.
const TRIES: usize = 3;

/// What is found when landing and lake are recomputed and compared. Where a load ended meanwhile,
/// what was compared belonged to no one state, and it is done once more.
pub(super) fn checked(invocation: &Invocation) -> Outcome<Report> {
    of_one_state(|| state(invocation), || once(invocation), Report::holds)
}

fn of_one_state<S: PartialEq, R>(
    state: impl Fn() -> Outcome<S>,
    mut once: impl FnMut() -> Outcome<R>,
    holds: impl Fn(&R) -> bool,
) -> Outcome<R> {
    let mut before = state()?;
    for _ in 0..TRIES {
        let report = once();
        let after = state()?;
        if after == before || report.as_ref().is_ok_and(&holds) {
            return report;
        }
        before = after;
    }
    Err(anyhow!(
        "the lake changed while it was verified, {TRIES} times: run it again when no load is under way"
    )
    .into())
}

/// What one verification compares.
#[derive(PartialEq)]
struct State {
    /// The published snapshot.
    current: Option<PathBuf>,
    /// The runs that the lake was made of.
    loaded: BTreeSet<RunId>,
    /// When the unfinished removals began.
    removals: Vec<DateTime<Utc>>,
}

fn state(invocation: &Invocation) -> Outcome<State> {
    let (data, lake) = (invocation.data()?, invocation.lake()?);
    Ok(State {
        current: std::fs::read_link(lake.join("current")).ok(),
        loaded: loaded_runs(&data, &lake)?,
        removals: open_removals::open_in(invocation)?.begun,
    })
}

/// Whether a removal of a patient has begun and not ended; `None` if there is no vault. One that is
/// under way is only worth a look: what was compared belongs to no one state.
fn removals(data: &DataDir, invocation: &Invocation) -> Outcome<Option<Check>> {
    if !data.root().join(VAULT_FILE).is_file() {
        return Ok(None);
    }
    let open = open_removals::open_in(invocation)?;
    let what = "every removal of a patient that has begun has ended";
    let mut check = match open.process {
        None => Check::hard(REMOVALS, what),
        Some(_) => Check::warning(REMOVALS, what),
    };
    for words in open.words() {
        check.fail(|| words);
    }
    if open.are_interrupted() {
        check.repair.add([RepairStep::FinishForget]);
    }
    Ok(Some(check))
}

fn once(invocation: &Invocation) -> Outcome<Report> {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let input = plan::checked_input(pipeline, invocation.origin())?;
    let request = VerifyRequest {
        data: data.root(),
        lake: &invocation.lake()?,
        loaded: loaded_runs(&data, &invocation.lake()?)?,
        extract_runs: extract_runs(&data)?,
        staged: data.staged_runs()?,
        records: data.transformed_folders()?,
        views: views(&input),
        current: &pipeline.current,
        money: &Money::built_in()?.verify,
        tables: &table_rules()?,
        is_shared: pipeline.load.group.is_some(),
        states: states(&data, invocation)?,
    };
    let mut report = claimlake_verify::verify(&request, invocation.progress().as_ref())?;
    report.checks.extend(removals(&data, invocation)?);
    report.checks.extend(no_record(&data, &invocation.lake()?));
    report.checks.extend(forgotten::check(&data, invocation)?);
    Ok(match is_of_other_rules(&data, &invocation.lake()?)? {
        true => report.of_other_rules(),
        false => report,
    })
}

/// The pipeline's views, as both `verify` and `trace` take them.
pub(super) fn views(input: &PlanInput) -> PipelineViews<'_> {
    PipelineViews {
        views: &input.views,
        context: &input.context,
        drop_where: (input.part2 == Part2::Drop).then_some(IS_PART2),
        derive: &input.derive,
    }
}

/// The runs that are known to have read from a server.
pub(super) fn extract_runs(data: &DataDir) -> Outcome<BTreeSet<RunId>> {
    if !data.root().join(VAULT_FILE).is_file() {
        return Ok(BTreeSet::new());
    }
    let history = RunHistory::open_to_read(data.root(), Arc::new(SystemClock));
    let runs = history.and_then(|history| history.runs("extract", RUNS_LOOKED_AT));
    let runs = runs.map_err(access::vault_failure)?;
    Ok(runs.into_iter().map(|record| record.run).collect())
}

fn states(data: &DataDir, invocation: &Invocation) -> Outcome<Vec<ExtractedState>> {
    if !data.root().join(VAULT_FILE).is_file() {
        // Landing and lake may have been copied without the vault; the files beside it tell.
        return match Vault::lost_beside(data.root()) {
            Some(lost) => Err(access::opening_failure(lost, invocation)),
            None => Ok(Vec::new()),
        };
    }
    // Who verifies needs no key, and may not write.
    let history = RunHistory::open_to_read(data.root(), Arc::new(SystemClock));
    let states = history.and_then(|history| history.extract_states());
    let states = states.map_err(|error| access::opening_failure(error, invocation))?;
    // Nothing of forgotten patients may be here; another check reports it.
    let left_out = forgotten::grants(data, invocation);
    let states = states
        .into_iter()
        .filter(|state| !left_out.contains(&state.grant));
    let states = states.map(|state| ExtractedState {
        grant: state.grant,
        api: state.api,
        resource: state.resource,
        state: state.state,
        run: state.run,
        served: state.served,
        landed: state.landed,
        known: state.known_count,
        watermark: state.watermark,
    });
    Ok(states.collect())
}

/// If the vault of landing and lake is missing here, its records about patients cannot be compared.
fn no_record(data: &DataDir, lake: &Path) -> Option<Check> {
    let root = data.root();
    let lost = Vault::lost(root).or_else(|| Vault::lost_by_lake(root, lake))?;
    let what = "what is on record of each patient was compared with landing";
    let mut check = Check::warning(RECORD, what);
    check.fail(|| match lost {
        VaultError::Lost { found, shown_by } => {
            format!("not compared: {found}, and {shown_by} shows that there was a vault")
        }
        other => format!("not compared: {other}"),
    });
    Some(check)
}

fn tell(report: &Report, summary: &mut StageSummary, invocation: &Invocation) {
    for check in &report.checks {
        summary.line(sign(check), line(check));
        for place in &check.places {
            summary.line("", format!("  {place}"));
        }
        let steps = check.repair.commands();
        if !steps.is_empty() {
            summary.line("", format!("  repaired by: {}", steps.join(", then ")));
        }
    }
    let commands = report.repair().commands();
    let commands: Vec<String> = commands.iter().map(|step| invocation.next(step)).collect();
    for (number, command) in commands.iter().enumerate() {
        let label = if number == 0 { "repair" } else { "" };
        summary.line(label, command.clone());
    }
    if report.repair().has(RepairStep::ImportAgain) {
        let runs = report.import_again.join(", ");
        let words = match runs.is_empty() {
            true => "FILE is what was imported and is no longer in landing".to_owned(),
            false => format!("FILE is what was imported in run {runs}"),
        };
        summary.line("", words);
    }
    summary
        .field("holds", report.holds())
        .field("snapshot", report.snapshot)
        .field("hard_failures", report.hard_failures())
        .field("warnings", report.warnings())
        .field("repair", json!(commands))
        .field("import_again", json!(report.import_again))
        .field("checks", json!(report.checks));
    let headline = match (report.snapshot, report.holds()) {
        (_, false) => format!("{} found wrong", counted(report.hard_failures(), "thing")),
        (Some(snapshot), true) => format!("landing and snapshot {snapshot} agree"),
        (None, true) => "nothing is published yet; landing was checked".to_owned(),
    };
    summary.tell(invocation, &headline);
}

fn sign(check: &Check) -> &'static str {
    match (check.failed, check.severity) {
        (0, _) => "ok",
        (_, Severity::Hard) => "WRONG",
        (_, Severity::Warning) => "warning",
    }
}

fn line(check: &Check) -> String {
    match check.failed {
        0 => format!("{} ({})", check.what, grouped(check.checked)),
        failed => format!(
            "{} ({} of {} do not hold)",
            check.what,
            grouped(failed),
            grouped(check.checked)
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{TRIES, of_one_state};

    /// Verifies a lake that moves during the first so many tries; what is found, and the tries.
    fn verified(moves: usize, holds: &[bool]) -> (Option<bool>, usize) {
        let (state, tries) = (Cell::new(0), Cell::new(0));
        let found = of_one_state(
            || Ok(state.get()),
            || {
                let index = tries.replace(tries.get() + 1);
                if index < moves {
                    state.set(state.get() + 1);
                }
                Ok(holds[index])
            },
            |holds| *holds,
        );
        (found.ok(), tries.get())
    }

    #[test]
    fn a_lake_that_moves_is_verified_again_and_one_that_goes_on_moving_is_said_to() {
        assert_eq!(verified(0, &[true]), (Some(true), 1));
        assert_eq!(verified(0, &[false]), (Some(false), 1));
        // Whatever moved: what was compared agrees.
        assert_eq!(verified(1, &[true]), (Some(true), 1));
        assert_eq!(verified(1, &[false, true]), (Some(true), 2));
        assert_eq!(verified(1, &[false, false]), (Some(false), 2));
        assert_eq!(verified(TRIES, &[false; TRIES]), (None, TRIES));
    }
}
