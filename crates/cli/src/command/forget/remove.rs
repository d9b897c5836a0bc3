//! The removal itself: the intent first, then zone by zone, each of them restartable.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use claimlake_contract::Person;
use claimlake_landing::{ForgetStep, LandedOfPerson};
use claimlake_loader::ForgetRequest;
use claimlake_vault::{AccessAction, ForgetIntent, TokenLock, Vault};

use super::records;
use crate::access;
use crate::advice::FINISH_REMOVAL;
use crate::crash;
use crate::data_dir::{DataDir, REPORT_FILE};
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::lake_options;
use crate::loaded_runs::loaded_runs;
use crate::open_removals::REMOVAL;
use crate::plural::{counted, size};
use crate::publish_record;
use crate::recordings;
use crate::running::{self, Process, RunningMark};

/// More than there are.
const LOADS_LOOKED_AT: u32 = 1_000_000;

/// A lake that a removal has to search, and that is not there.
#[derive(Debug)]
pub(super) struct AbsentLake {
    lake: PathBuf,
    again: String,
    without: String,
}

impl fmt::Display for AbsentLake {
    fn fmt(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            words,
            "the lake {} has held snapshots and is not there, so that nobody can be removed from it: \
             mount it, then {}; where it is gone for good, {} leaves it out",
            self.lake.display(),
            self.again,
            self.without
        )
    }
}

impl std::error::Error for AbsentLake {}

/// Said at the first Ctrl-C.
const GOES_ON: &str = "the removal goes on to its end; once more to stop at once";

/// Removes people; the locks of landing and staged are held by the caller.
pub(crate) struct Remover<'a> {
    invocation: &'a Invocation,
    data: &'a DataDir,
    vault: &'a Arc<Vault>,
    /// Whether a lake that is not there any more is left out.
    without_lake: bool,
}

impl<'a> Remover<'a> {
    pub(super) fn new(
        invocation: &'a Invocation,
        data: &'a DataDir,
        vault: &'a Arc<Vault>,
    ) -> Outcome<Self> {
        // A pipeline that cannot be read stops it before anything is removed.
        invocation.pipeline()?;
        Ok(Self {
            invocation,
            data,
            vault,
            without_lake: false,
        })
    }

    /// The same where a lake that is not there may be left out.
    pub(super) fn without_lake(self, without_lake: bool) -> Self {
        Self {
            without_lake,
            ..self
        }
    }

    /// Ends removals that were begun and killed; how many.
    pub(super) fn finish_interrupted(&self) -> Outcome<u64> {
        let unfinished = self.vault.unfinished_forgets()?;
        if unfinished.is_empty() {
            return Ok(0);
        }
        let _tokens = self.tokens()?;
        let _mark = self.mark()?;
        for intent in &unfinished {
            self.remove(intent)?;
        }
        Ok(unfinished.len() as u64)
    }

    /// Marks removals as going on. Where that cannot be, they are only not reported as such.
    fn mark(&self) -> Outcome<Option<RunningMark>> {
        let run = self.data.next_run(self.invocation.clock())?;
        let process = Process::this(REMOVAL, self.invocation.clock().now());
        Ok(running::mark(self.data.root(), &run, &process).ok())
    }

    /// Seals what killed extractions had landed, so that all of landing can be searched.
    ///
    /// A run that was loaded was sealed once: without its manifest it is damaged, not interrupted.
    pub(super) fn seal_interrupted_runs(&self) -> Outcome<()> {
        let loaded = loaded_runs(self.data, &self.invocation.lake()?)?;
        let unsealed = claimlake_landing::landing_runs(&self.data.landing())?.unsealed;
        let lost = unsealed.iter().filter(|run| loaded.contains(&run.run));
        let lost: Vec<String> = lost.map(|run| run.folder.display().to_string()).collect();
        refuse_damaged(&lost, &self.repair())?;
        let present = self.data.next_run(self.invocation.clock())?;
        claimlake_extractor::seal_interrupted_runs(self.vault, &self.data.landing(), &present)?;
        Ok(())
    }

    /// What to do about damage that was there before anything was removed.
    pub(super) fn repair(&self) -> String {
        format!(
            "{} prints the commands that repair them; then forget again (nothing was removed)",
            self.invocation.next("verify")
        )
    }

    pub(super) fn forget(&self, person: &Person) -> Outcome<()> {
        // Before the intent: what begins must be able to end.
        self.check_lake()?;
        publish_record::holding_forgotten(self.data.root())?;
        let landed = claimlake_landing::landed_of(&self.data.landing(), person)?;
        refuse_damaged(&landed.damaged, &self.repair())?;
        let grants = self.vault.grants_of(person)?;
        let named: Vec<_> = grants.iter().collect();
        self.vault
            .access_log()
            .append("forget", AccessAction::Forgotten, &named)
            .map_err(access::vault_failure)?;
        // Before the intent: where a broker does not end, nothing has begun.
        let _tokens = self.tokens()?;
        let lake = self.lake_place()?;
        let _mark = self.mark()?;
        let is_published = claimlake_loader::has_snapshot(&self.invocation.lake()?)?;
        let intent = self.vault.begin_forget(person, &lake, is_published)?;
        crash::point("intent");
        self.remove(&intent)
    }

    /// The right to write tokens is the caller's, too.
    fn remove(&self, intent: &ForgetIntent) -> Outcome<()> {
        self.check_lake_of(intent)?;
        let person = &intent.person;
        // Before any row goes: from then on a target that has it is one to be cleared.
        publish_record::mark_forgotten(self.data.root(), self.invocation.clock().now())?;
        let at_once = format!(
            "interrupted: the removal of a patient has begun and not ended; {} ends it, and so does \
             the next command that writes here",
            self.invocation.next("forget --finish")
        );
        let _to_its_end = self
            .invocation
            .interrupts()?
            .until_safe_point(GOES_ON, at_once);
        // The lake first: landing still says whose resources they are.
        let landed = claimlake_landing::landed_of(&self.data.landing(), person)?;
        refuse_damaged(
            &landed.damaged,
            "move the folders of these runs out of landing, then go on (`extract --full` or `import` \
             brings back what was in them)",
        )?;
        for lake in self.lakes(intent)? {
            self.lake(lake, person, &landed)?;
        }
        crash::point("lake");
        self.staged()?;
        self.report()?;
        crash::point("staged");
        for recording in recordings::known(self.vault)? {
            claimlake_extractor::forget_recorded(&recording, person)?;
        }
        crash::point("recordings");
        self.landing(person)?;
        crash::point("landing");
        self.vault.remove_person(person)?;
        crash::point("vault");
        self.vault
            .finish_forget(&intent.intent)
            .map_err(access::vault_failure)?;
        crash::point("end");
        Ok(())
    }

    /// The right to write tokens; it is given once no refresh is in progress.
    fn tokens(&self) -> Outcome<TokenLock> {
        TokenLock::acquire_patiently(self.data.root()).map_err(access::vault_failure)
    }

    /// Where the lake is, for whoever ends this removal: the data directory may move meanwhile.
    fn lake_place(&self) -> Outcome<PathBuf> {
        let lake = self.invocation.lake()?;
        Ok(match lake.strip_prefix(self.data.root()) {
            Ok(within) => within.to_path_buf(),
            Err(_) => std::path::absolute(&lake)?,
        })
    }

    /// Checks that the published lake can be found; otherwise the patient's rows in it would stay.
    pub(super) fn check_lake(&self) -> Outcome<()> {
        let lake = self.invocation.lake()?;
        let is_there = claimlake_loader::has_snapshot(&lake)?;
        match is_there || !self.has_published()? {
            true => Ok(()),
            false => self.absent(lake, "forget"),
        }
    }

    /// The same for the lake that an interrupted removal began with.
    fn check_lake_of(&self, intent: &ForgetIntent) -> Outcome<()> {
        let lake = match &intent.lake {
            Some(began_with) => self.data.root().join(began_with),
            None => self.invocation.lake()?,
        };
        let was_published = match intent.is_published {
            Some(was_published) => was_published,
            None => self.has_published()?,
        };
        match !was_published || claimlake_loader::has_snapshot(&lake)? {
            true => Ok(()),
            false => self.absent(lake, FINISH_REMOVAL),
        }
    }

    fn absent(&self, lake: PathBuf, command: &'static str) -> Outcome<()> {
        if !self.without_lake {
            let again = match command {
                FINISH_REMOVAL => self.invocation.next(FINISH_REMOVAL),
                _ => "the same again".to_owned(),
            };
            let without = match command {
                FINISH_REMOVAL => format!("{again} --without-lake"),
                _ => "the same with --without-lake".to_owned(),
            };
            return Err(anyhow::Error::new(AbsentLake {
                lake,
                again,
                without,
            })
            .into());
        }
        self.invocation.output().warn(&format!(
            "warning: the lake {} is not there and is not searched: whoever is forgotten may still \
             be in it",
            lake.display()
        ));
        Ok(())
    }

    /// Whether a load has ever published here, as far as is on record.
    fn has_published(&self) -> Outcome<bool> {
        if !self.data.transformed_folders()?.is_empty() {
            return Ok(true);
        }
        let loads = self.vault.runs("load", LOADS_LOOKED_AT);
        let loads = loads.map_err(access::vault_failure)?;
        let published = |summary: &str| {
            let summary = serde_json::from_str::<serde_json::Value>(summary).ok();
            summary.is_some_and(|summary| summary["snapshot"].is_u64())
        };
        let mut summaries = loads.iter().filter_map(|load| load.summary.as_deref());
        Ok(summaries.any(published))
    }

    /// The pipeline's lake, and the one that the removal began with where it is another.
    fn lakes(&self, intent: &ForgetIntent) -> Outcome<Vec<PathBuf>> {
        let mut lakes = vec![self.invocation.lake()?];
        let Some(began_with) = &intent.lake else {
            return Ok(lakes);
        };
        let began_with = self.data.root().join(began_with);
        let real = |lake: &Path| lake.canonicalize().ok();
        if real(&began_with).is_some() && real(&began_with) != real(&lakes[0]) {
            lakes.push(began_with);
        }
        Ok(lakes)
    }

    fn lake(&self, lake: PathBuf, person: &Person, landed: &LandedOfPerson) -> Outcome<()> {
        claimlake_loader::forget(
            &ForgetRequest {
                lake,
                person: person.clone(),
                resources: landed.resources.clone(),
                run: self.data.next_run(self.invocation.clock())?,
                options: lake_options::options_of(self.invocation)?,
                published_at: lake_options::published_at(self.invocation.clock()),
            },
            self.invocation.progress().as_ref(),
        )?;
        Ok(())
    }

    /// Staged rows are made from landing: the next transform makes them again, without the person.
    fn staged(&self) -> Outcome<()> {
        Ok(self.data.remove_all_staged()?)
    }

    /// A report counts the person, and unmasked ones may tell of them: `report` writes it again.
    fn report(&self) -> Outcome<()> {
        let report = self.data.root().join(REPORT_FILE);
        match fs::remove_file(&report) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", report.display()))?
            }
            _ => Ok(()),
        }
    }

    fn landing(&self, person: &Person) -> Outcome<()> {
        let (files, bytes) = claimlake_landing::set_aside_files(&self.data.landing())?;
        if files > 0 {
            self.invocation.output().warn(&format!(
                "landing/damaged goes, too ({}, {}): nobody can tell whose lines are in it",
                counted(files, "file"),
                size(bytes)
            ));
        }
        let records = self.data.transformed();
        claimlake_landing::forget(&self.data.landing(), person, &mut |step| {
            match step {
                ForgetStep::Moving(parts) => {
                    crash::point("before-records");
                    records::move_rejects(&records, parts)?;
                    crash::point("records");
                }
                ForgetStep::PartsWritten(_) => crash::point("parts"),
                ForgetStep::ManifestWritten(_) => crash::point("manifest"),
                ForgetStep::Rejected => crash::point("rejected"),
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Nobody can tell whose lines were in a run that is not as it was sealed.
pub(super) fn refuse_damaged(places: &[String], way_on: &str) -> Outcome<()> {
    if places.is_empty() {
        return Ok(());
    }
    Err(anyhow!(
        "these places of landing are damaged, so that nobody can tell whose lines are in them: {}; \
         {way_on}",
        places.join(", ")
    )
    .into())
}
