//! The state of a run, from its record and from whether its process is alive.

use std::path::Path;

use claimlake_contract::ExitCode;
use claimlake_vault::{RunEnd, RunRecord};
use serde_json::{Value, json};

use crate::running::{Process, process_of};

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunState {
    /// It is in progress.
    Running(Process),
    /// It was stopped, or its process ended without recording an end.
    Interrupted,
    /// It failed, or found an error.
    Failed,
    /// It did what it was started for.
    Finished,
}

impl RunState {
    /// The state of a run of a data directory; `exit` is the code that its summary says.
    pub(crate) fn of(data: &Path, run: &RunRecord, exit: Option<u64>) -> Self {
        match run.end {
            None => process_of(data, &run.run).map_or(Self::Interrupted, Self::Running),
            Some(RunEnd::Interrupted) => Self::Interrupted,
            Some(RunEnd::Failed) => Self::Failed,
            Some(RunEnd::Finished) if is_failure(exit) => Self::Failed,
            Some(RunEnd::Finished) => Self::Finished,
        }
    }

    /// In one word.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Running(_) => "running",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Finished => "finished",
        }
    }

    /// In words, with the process that runs it, or the code that it exited with where that is not 0.
    pub(crate) fn words(&self, exit: Option<u64>) -> String {
        match (self, exit) {
            (Self::Running(process), _) => format!("running (process {})", process.id),
            (Self::Failed | Self::Finished, Some(exit @ 1..)) => {
                format!("{} (exit {exit})", self.as_str())
            }
            _ => self.as_str().to_owned(),
        }
    }

    /// The process as a field; null where it has ended.
    pub(crate) fn process(&self) -> Value {
        match self {
            Self::Running(process) => json!({"id": process.id, "since": process.since}),
            _ => Value::Null,
        }
    }
}

fn is_failure(exit: Option<u64>) -> bool {
    let failures = [ExitCode::Failed, ExitCode::Usage];
    failures
        .iter()
        .any(|code| exit == Some(u64::from(code.code())))
}

#[cfg(test)]
mod tests {
    use claimlake_vault::{RunEnd, RunRecord};

    use super::RunState;
    use crate::running::{Process, mark};

    #[test]
    fn running_interrupted_failed_and_finished_are_told_apart() {
        let data = tempfile::tempdir().unwrap();
        let began = "2026-11-23T16:40:12Z".parse().unwrap();
        let mut run = RunRecord {
            run: "20261123T164012.345Z-7f3a".parse().unwrap(),
            command: "load".into(),
            started_at: began,
            ended_at: None,
            end: None,
            summary: None,
        };
        let process = Process::this("load", began);
        let held = mark(data.path(), &run.run, &process).unwrap();
        let running = RunState::Running(process);
        let of = |run: &RunRecord, exit| RunState::of(data.path(), run, exit);
        assert_eq!(of(&run, None), running);
        assert_eq!(
            running.words(None),
            format!("running (process {})", std::process::id())
        );
        drop(held);
        assert_eq!(of(&run, None), RunState::Interrupted);
        for (end, exit, state, words) in [
            (
                RunEnd::Interrupted,
                None,
                RunState::Interrupted,
                "interrupted",
            ),
            (
                RunEnd::Interrupted,
                Some(1),
                RunState::Interrupted,
                "interrupted",
            ),
            (RunEnd::Failed, Some(2), RunState::Failed, "failed (exit 2)"),
            (RunEnd::Failed, None, RunState::Failed, "failed"),
            // What an extract notes of itself where somebody is incomplete.
            (
                RunEnd::Finished,
                Some(1),
                RunState::Failed,
                "failed (exit 1)",
            ),
            (
                RunEnd::Finished,
                Some(4),
                RunState::Finished,
                "finished (exit 4)",
            ),
            (RunEnd::Finished, Some(0), RunState::Finished, "finished"),
            (RunEnd::Finished, None, RunState::Finished, "finished"),
        ] {
            run.end = Some(end);
            let found = of(&run, exit);
            assert_eq!((&found, found.words(exit).as_str()), (&state, words));
        }
    }
}
