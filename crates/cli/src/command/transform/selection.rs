//! Which landed runs are to be transformed: those whose rows are neither staged nor in the lake.

use std::collections::BTreeSet;
use std::path::PathBuf;

use claimlake_contract::{ExitCode, RunId};
use claimlake_landing::{LandingRuns, SealedRun};

use crate::data_dir::read_whole_staged;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::counted;
use crate::summary::StageSummary;

/// What a transform reads.
#[derive(Debug)]
pub(super) struct Selection {
    /// The runs, in landing order.
    pub(super) runs: Vec<SealedRun>,
    /// All that may be read, in landing order; only `runs` where none of these lists what is gone.
    pub(super) landed: Vec<SealedRun>,
    /// Whether they are all of landing.
    pub(super) full: bool,
    /// Staged runs that the new one replaces.
    pub(super) superseded: Vec<PathBuf>,
    /// Staged runs that are damaged or lack a file: they cannot be loaded, so their resources are
    /// read again.
    pub(super) incomplete: Vec<PathBuf>,
    /// Damaged records of runs that were loaded: what they were about is read again.
    pub(super) damaged_records: Vec<PathBuf>,
    /// Whether nothing has landed at all.
    pub(super) is_landing_empty: bool,
    /// Whether all is read again because the views are others than before.
    views_changed: bool,
    /// Runs that were interrupted and wait for the next extract.
    waiting: usize,
    /// Manifests of landing that cannot be used.
    damaged: Vec<String>,
}

impl Selection {
    pub(super) fn of(
        asked_full: bool,
        pipeline_hash: &str,
        invocation: &Invocation,
    ) -> Outcome<Self> {
        let data = invocation.data()?;
        let listed = claimlake_landing::listed_runs(&data.landing())?;
        let staged = data.staged_runs()?;
        let (mut known, damaged_records) = data.checked_records()?;
        // Without a lake, the records of loaded runs mean nothing.
        if !invocation.lake()?.join("current").exists() {
            known.clear();
        }
        let mut incomplete = Vec::new();
        let mut lacks_full = false;
        for folder in &staged {
            match read_whole_staged(folder)? {
                Some(manifest) => known.push(manifest),
                // Nor is it known whether it was made from all of landing.
                None => {
                    lacks_full = true;
                    incomplete.push(folder.clone());
                }
            }
        }
        let views_changed = known
            .iter()
            .max_by(|a, b| a.run.cmp(&b.run))
            .is_some_and(|last| last.pipeline_hash != pipeline_hash);
        let done: BTreeSet<&RunId> = known.iter().flat_map(|run| &run.landing_runs).collect();
        // The next extract completes a run that was interrupted between two resource types. If it
        // were read now, its later parts would never be seen.
        let waiting: BTreeSet<RunId> = listed.unsealed.iter().map(|run| run.run.clone()).collect();
        let reads_all = asked_full || views_changed || lacks_full || known.is_empty();
        // After a thousand nights, reading the manifests of all takes longer than what is new.
        let mut landing = listed.read(|run| reads_all || !done.contains(&run.run));
        let is_new = |run: &SealedRun| {
            !done.contains(&run.manifest.run) && !waiting.contains(&run.manifest.run)
        };
        // Of bodies with one time, what landed last counts: a run that landed before others that are
        // loaded, such as one whose record is lost, is read in its place among all of them.
        let mut new = landing.sealed.iter().filter(|run| is_new(run));
        let is_out_of_order = new.any(|run| {
            let latest = done.last();
            latest.is_some_and(|latest| run.manifest.run < **latest)
        });
        let full = reads_all || is_out_of_order;
        // What is gone is looked up in what landed before.
        let lists_gone = landing.sealed.iter().any(|run| run.manifest.lists_gone());
        if !reads_all && (is_out_of_order || lists_gone) {
            landing = listed.read(|_| true);
        }
        let LandingRuns {
            sealed: mut landed,
            damaged,
            ..
        } = landing;
        let is_landing_empty = landed.is_empty() && (reads_all || listed.sealed.is_empty());
        landed.retain(|run| !waiting.contains(&run.manifest.run));
        let mut runs = landed.clone();
        runs.retain(|run| full || is_new(run));
        Ok(Self {
            full: full && !runs.is_empty(),
            superseded: if full { staged } else { incomplete.clone() },
            incomplete,
            damaged_records,
            runs,
            landed,
            is_landing_empty,
            views_changed,
            waiting: waiting.len(),
            damaged: damaged
                .iter()
                .map(|damaged| format!("{}: {}", damaged.path.display(), damaged.reason))
                .collect(),
        })
    }

    pub(super) fn tell(&self, summary: &mut StageSummary) {
        if self.views_changed && !self.runs.is_empty() {
            summary.line(
                "full",
                "the pipeline's views changed, all of landing is read again",
            );
        }
        if self.waiting > 0 {
            summary.line(
                "waiting",
                format!(
                    "{} interrupted, the next extract seals what it had",
                    counted(self.waiting as u64, "run")
                ),
            );
        }
        if !self.incomplete.is_empty() {
            summary.line(
                "again",
                format!(
                    "{} lacked a file or was damaged, what was in it is made again from landing",
                    counted(self.incomplete.len() as u64, "staged run")
                ),
            );
        }
        if !self.damaged_records.is_empty() {
            summary.line(
                "again",
                format!(
                    "{} was damaged, what it was about is read again from landing",
                    counted(self.damaged_records.len() as u64, "record of a loaded run")
                ),
            );
        }
        for damaged in &self.damaged {
            summary.line("damaged", damaged.clone());
        }
    }

    pub(super) fn why_nothing(&self) -> &'static str {
        match self.is_landing_empty {
            true => "nothing has landed yet, done",
            false => "nothing new in landing, done",
        }
    }

    /// The command that comes next where there is nothing to transform.
    pub(super) fn next(&self, awaits_load: bool) -> &'static str {
        match (
            self.damaged.is_empty(),
            self.is_landing_empty || self.waiting > 0,
        ) {
            (false, _) => "verify",
            (true, true) => "extract",
            (true, false) if awaits_load => "load",
            (true, false) => "status",
        }
    }

    /// Why `transform` will end with the code of [`Self::exit`].
    pub(super) fn alarm(&self, invocation: &Invocation) {
        if self.damaged.is_empty() {
            return;
        }
        let runs = counted(self.damaged.len() as u64, "run");
        invocation.output().alarm(
            ExitCode::Rejected,
            format!("{runs} of landing damaged and left out"),
            invocation.next("verify"),
        );
    }

    /// A run that cannot be read is data that was rejected.
    pub(super) fn exit(&self) -> ExitCode {
        match self.damaged.is_empty() {
            true => ExitCode::Done,
            false => ExitCode::Rejected,
        }
    }
}
