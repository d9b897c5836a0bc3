//! Which commands ran when, for how long, and how they ended: kept with the data directory, shown
//! by `status`. Words without PHI only. A command does not fail because it cannot be noted.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ExitCode, RunId, SystemClock};
use claimlake_vault::{RunEnd, RunHistory, RunRecord, VAULT_FILE, Vault};
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::run_state::RunState;
use crate::running::{self, RunningMark};
use crate::write_lock::LockHeld;

/// The commands that are noted here; `extract` notes itself.
pub(crate) const COMMANDS: [&str; 6] = ["import", "extract", "transform", "load", "run", "verify"];

/// Which fields of a stage's summary are kept.
const KEPT: [&str; 8] = [
    "resources",
    "bytes",
    "rejected",
    "rejected_resources",
    "snapshot",
    "changed",
    "holds",
    "hard_failures",
];

/// Does the work of a command and notes when it began, when it ended and how.
pub(crate) fn recorded(
    command: &'static str,
    invocation: &Invocation,
    work: impl FnOnce() -> Outcome,
) -> Outcome {
    let interrupts = invocation.interrupts()?;
    interrupts.say_at_once(at_once(command, invocation));
    let began = invocation.clock().now();
    let noted = begin(command, began, invocation).unwrap_or_else(|error| {
        warn(invocation, command, &error);
        None
    });
    let outcome = work();
    if let Err(error) = end(noted, command, began, &outcome, invocation) {
        warn(invocation, command, &error);
    }
    outcome
}

fn warn(invocation: &Invocation, command: &str, error: &anyhow::Error) {
    let words = format!("this {command} is not noted in the history of runs: {error:#}");
    invocation.output().warn(&words);
}

/// The message when a signal ends a command at once: what is done, and how to continue.
fn at_once(command: &str, invocation: &Invocation) -> String {
    let is_chained = invocation.is_chained();
    let (done, next) = match (command, is_chained) {
        ("import", _) => (
            "it lands as a whole or not at all (status says so)",
            "import",
        ),
        ("verify", _) => ("nothing was changed", "verify"),
        ("run", _) => ("nothing was begun yet", "run"),
        ("transform", false) => ("nothing of it is kept, landing is as it was", "transform"),
        ("transform", true) => (
            "landing is as it was, and so are the tables; load was not begun",
            "run --from transform",
        ),
        (_, true) => (
            "the tables are those from before or all of the new ones",
            "run --from transform",
        ),
        (_, false) => (
            "the tables are those from before or all of the new ones",
            command,
        ),
    };
    let next = invocation.next(next);
    format!("interrupted during {command}: {done}; {next} goes on")
}

/// A run in the history, and the mark that it is running.
struct NotedRun {
    history: RunHistory,
    run: RunId,
    _mark: Option<RunningMark>,
}

type Noted = Option<NotedRun>;

/// None where there is no data directory yet, or one that `verify` would have to write to first, or may not.
fn begin(command: &str, began: DateTime<Utc>, invocation: &Invocation) -> anyhow::Result<Noted> {
    // If the configuration is wrong, the command itself reports it.
    let Ok(data) = invocation.data() else {
        return Ok(None);
    };
    let is_there = match command {
        "verify" => {
            data.root().join(VAULT_FILE).is_file() && RunHistory::may_be_written(data.root())
        }
        _ => data.root().is_dir(),
    };
    // If the vault is lost, the command itself reports it, and no new history is begun.
    if !is_there || Vault::lost(data.root()).is_some() {
        return Ok(None);
    }
    let history = RunHistory::open(data.root(), Arc::new(SystemClock))?;
    let run = data.next_run(invocation.clock())?;
    // Before it is recorded, so that no reader sees a run without its process.
    let mark = running::mark(data.root(), &run, &invocation.process());
    history.begin(&run, command, began)?;
    Ok(Some(NotedRun {
        history,
        run,
        _mark: mark.ok(),
    }))
}

fn end(
    noted: Noted,
    command: &str,
    began: DateTime<Utc>,
    outcome: &Outcome,
    invocation: &Invocation,
) -> anyhow::Result<()> {
    let noted = match noted {
        None if outcome.is_ok() && command != "verify" => begin(command, began, invocation)?,
        noted => noted,
    };
    let Some(noted) = noted else {
        return Ok(());
    };
    let is_refused = |failure: &Failure| failure.cause.chain().any(|cause| cause.is::<LockHeld>());
    if outcome.as_ref().is_err_and(is_refused) {
        // The run that it met is the one to look at.
        return Ok(noted.history.withdraw(&noted.run)?);
    }
    let exit = match outcome {
        Ok(exit) => *exit,
        Err(failure) => failure.exit,
    };
    let end = match exit {
        exit if exit.lets_the_next_stage_run() => RunEnd::Finished,
        ExitCode::Failed if invocation.is_interrupted() => RunEnd::Interrupted,
        _ => RunEnd::Failed,
    };
    let summary = kept(&invocation.output().summary_of(command), exit);
    let history = &noted.history;
    history.end(&noted.run, end, Some(&summary.to_string()))?;
    Ok(())
}

fn kept(fields: &Value, exit: ExitCode) -> Value {
    let mut kept = Map::new();
    kept.insert("exit".into(), json!(exit.code()));
    for name in KEPT {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            kept.insert(name.into(), value.clone());
        }
    }
    if let Some(tables) = fields.get("rows").and_then(Value::as_object) {
        let rows: u64 = tables.values().filter_map(Value::as_u64).sum();
        kept.insert("rows".into(), json!(rows));
    }
    Value::Object(kept)
}

/// The last run of a command.
#[derive(Debug, Clone)]
pub(crate) struct LastRun {
    /// The command.
    pub(crate) command: &'static str,
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// How long it took; `None` if it is running or was killed.
    pub(crate) took: Option<TimeDelta>,
    /// How it ended, as recorded.
    end: &'static str,
    /// Whether it is running, or how it ended.
    pub(crate) state: RunState,
    /// Its summary.
    summary: Value,
}

/// A command that was refused because another one runs must not hide that one.
const RUNS_LOOKED_AT: u32 = 5;

/// The last run of every command, in the order of the stages; a run in progress comes first.
pub(crate) fn last_runs(data_dir: &Path) -> anyhow::Result<Vec<LastRun>> {
    if !data_dir.join(VAULT_FILE).is_file() {
        return Ok(Vec::new());
    }
    let history = RunHistory::open_to_read(data_dir, Arc::new(SystemClock))?;
    let mut found = Vec::new();
    for command in COMMANDS {
        let newest = history.runs(command, RUNS_LOOKED_AT)?.into_iter();
        let mut newest: Vec<LastRun> = newest.map(|run| last_run(data_dir, command, run)).collect();
        let is_running = |run: &LastRun| matches!(run.state, RunState::Running(_));
        let shown = newest.iter().position(is_running).unwrap_or(0);
        if shown < newest.len() {
            found.push(newest.swap_remove(shown));
        }
    }
    Ok(found)
}

fn last_run(data_dir: &Path, command: &'static str, run: RunRecord) -> LastRun {
    let summary = run.summary.as_deref().unwrap_or_default();
    let summary: Value = serde_json::from_str(summary).unwrap_or_default();
    LastRun {
        state: RunState::of(data_dir, &run, summary["exit"].as_u64()),
        command,
        started_at: run.started_at,
        took: run.ended_at.map(|ended| ended - run.started_at),
        end: run.end.map_or("not ended", RunEnd::as_str),
        summary,
    }
}

impl LastRun {
    /// A number from its summary; for an extract, the number of resources that landed.
    pub(crate) fn figure(&self, name: &str) -> Option<u64> {
        match self.summary.get(name)? {
            Value::Object(parts) => Some(parts.values().filter_map(Value::as_u64).sum()),
            figure => figure.as_u64(),
        }
    }

    /// Whether it said that something is so.
    pub(crate) fn says(&self, name: &str) -> Option<bool> {
        self.summary.get(name)?.as_bool()
    }

    /// A figure per second.
    pub(crate) fn rate(&self, figure: u64) -> Option<u64> {
        let milliseconds = u64::try_from(self.took?.num_milliseconds()).ok()?.max(1);
        Some(figure.saturating_mul(1000) / milliseconds).filter(|rate| *rate > 0)
    }

    /// The code that it exited with.
    pub(crate) fn exit(&self) -> Option<u64> {
        self.summary["exit"].as_u64()
    }

    /// As one event. `end` is what was recorded: `not ended` for a run that is running or was
    /// killed.
    pub(crate) fn event(&self) -> Value {
        json!({
            "command": self.command, "started_at": self.started_at, "end": self.end,
            "state": self.state.as_str(), "exit": self.exit(), "process": self.state.process(),
            "milliseconds": self.took.map(|took| took.num_milliseconds()),
            "summary": self.summary,
        })
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ExitCode;
    use serde_json::json;

    use super::kept;

    #[test]
    fn figures_are_kept_and_places_are_not() {
        let fields = json!({
            "resources": 3, "rows": {"eob": 2, "eob_item": 5}, "snapshot": null,
            "rejected_file": "/data/rejected", "run": "20261123T164012.345Z-7f3a",
        });
        let expected = json!({"exit": 3, "resources": 3, "rows": 7});
        assert_eq!(kept(&fields, ExitCode::Rejected), expected);
    }
}
