//! The removal itself: the intent first, then zone by zone, each of them restartable.

use std::fs;
use std::sync::Arc;

use anyhow::Context as _;
use claimlake_contract::Person;
use claimlake_landing::ForgetStep;
use claimlake_loader::ForgetRequest;
use claimlake_vault::{AccessAction, ForgetIntent, TokenLock, Vault};

use super::records;
use crate::access;
use crate::command::{load, report};
use crate::crash;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::recordings;

/// How often, 50 milliseconds apart, a broker is waited for: refreshes in flight are ended first.
const LOCK_TRIES: u32 = 2_400;

/// Removes people; the locks of landing and staged are held by the caller.
pub(crate) struct Remover<'a> {
    invocation: &'a Invocation,
    data: &'a DataDir,
    vault: &'a Arc<Vault>,
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
        })
    }

    /// Ends removals that were begun and killed; how many.
    pub(super) fn finish_interrupted(&self) -> Outcome<u64> {
        let unfinished = self.vault.unfinished_forgets()?;
        for intent in &unfinished {
            self.remove(intent)?;
        }
        Ok(unfinished.len() as u64)
    }

    /// Seals what killed extractions had landed, so that all of landing can be searched.
    pub(super) fn seal_interrupted_runs(&self) -> Outcome<()> {
        let present = self.data.next_run(self.invocation.clock())?;
        claimlake_extractor::seal_interrupted_runs(self.vault, &self.data.landing(), &present)?;
        Ok(())
    }

    pub(super) fn forget(&self, person: &Person) -> Outcome<()> {
        let grants = self.vault.grants_of(person)?;
        let named: Vec<_> = grants.iter().collect();
        self.vault
            .access_log()
            .append("forget", AccessAction::Forgotten, &named)
            .map_err(access::vault_failure)?;
        let intent = self.vault.begin_forget(person)?;
        crash::point("intent");
        self.remove(&intent)
    }

    fn remove(&self, intent: &ForgetIntent) -> Outcome<()> {
        let person = &intent.person;
        let _tokens = TokenLock::acquire(self.data.root(), LOCK_TRIES, std::thread::sleep)
            .map_err(access::vault_failure)?;
        // The lake first: landing still tells whose resources they are.
        self.lake(person)?;
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

    fn lake(&self, person: &Person) -> Outcome<()> {
        let landed = claimlake_landing::landed_of(&self.data.landing(), person)?;
        claimlake_loader::forget(
            &ForgetRequest {
                lake: self.invocation.lake()?,
                person: person.clone(),
                resources: landed.resources,
                run: self.data.next_run(self.invocation.clock())?,
                options: load::options_of(self.invocation.pipeline()?),
                published_at: load::published_at(self.invocation.clock()),
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
        let report = self.data.root().join(report::DEFAULT_FILE);
        match fs::remove_file(&report) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", report.display()))?
            }
            _ => Ok(()),
        }
    }

    fn landing(&self, person: &Person) -> Outcome<()> {
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
