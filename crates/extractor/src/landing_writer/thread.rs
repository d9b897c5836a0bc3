//! The landing thread, and the handle through which the network side sends it jobs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;

use claimlake_contract::{
    ApiVersion, Clock, GrantHandle, LandingLayout, LandingManifest, PatientId, ResourceType, RunId,
};
use claimlake_landing::{KeptPatient, LandingWriter, mark_finished};
use claimlake_vault::{KnownResources, StateChange, Vault};
use tokio::sync::{mpsc, oneshot};

use super::commit::CommitBuilder;
use super::error::WriterError;
use super::gone;
use super::landed_before::LandedBefore;
use super::patient_commit::{PatientCommit, ResourceLanded};
use super::seal::{self, seal_all};
use super::search_pass::{Known, PassId, SearchPass, WritePolicy};
use crate::fhir::bundle::PageError;
use crate::fhir::page::SeenPage;
use crate::http::body::Body;

/// Jobs that wait; with the bodies being received they are what memory is bounded by.
const WAITING_JOBS: usize = 16;
/// Commits are synced together, after this many other jobs at the latest.
const JOBS_BEFORE_SYNC: usize = 24;

/// The content of a known resource that has to land again; no body has this hash.
const LANDS_AGAIN: [u8; 16] = [0; 16];

/// A page to be landed.
#[derive(Debug)]
pub(crate) struct PageJob {
    pub(crate) read: PassId,
    /// The reading of another search of this patient: what it found does not land again.
    pub(crate) beside: Option<PassId>,
    pub(crate) grant: GrantHandle,
    pub(crate) patient: PatientId,
    pub(crate) resource: ResourceType,
    pub(crate) lands: WritePolicy,
    /// Whether everything was requested.
    pub(crate) full: bool,
    pub(crate) body: Body,
}

type Reply<T> = oneshot::Sender<Result<T, WriterError>>;

enum Job {
    Page(PageJob, Reply<Result<SeenPage, PageError>>),
    Forget(Vec<PassId>),
    Commit(Box<PatientCommit>, Reply<Vec<ResourceLanded>>),
    States(Vec<StateChange>, Reply<()>),
    Seal(Reply<Vec<LandingManifest>>),
}

/// The handle of the landing thread.
#[derive(Debug)]
pub(crate) struct LandingHandle {
    jobs: mpsc::Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl LandingHandle {
    pub(crate) fn start(
        layout: &LandingLayout,
        api: ApiVersion,
        run: &RunId,
        vault: &Arc<Vault>,
        clock: &Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING_JOBS);
        let thread = Thread {
            layout: layout.clone(),
            api,
            run: run.clone(),
            vault: Arc::clone(vault),
            clock: Arc::clone(clock),
            writers: BTreeMap::new(),
            kept: BTreeMap::new(),
            passes: HashMap::new(),
            known_resources: HashMap::new(),
            landed_before: LandedBefore::default(),
            waiting_commits: Vec::new(),
            failed: None,
        };
        let thread = std::thread::Builder::new()
            .name("landing".into())
            .spawn(move || thread.work(waiting))?;
        Ok(Self {
            jobs,
            thread: Some(thread),
        })
    }

    pub(crate) async fn page(
        &self,
        job: PageJob,
    ) -> Result<Result<SeenPage, PageError>, WriterError> {
        self.ask(|reply| Job::Page(job, reply)).await
    }

    /// The frames of these readings do not count.
    pub(crate) async fn forget(&self, reads: Vec<PassId>) {
        if !reads.is_empty() {
            // Where the thread has stopped, nothing is sealed any more.
            let _ = self.jobs.send(Job::Forget(reads)).await;
        }
    }

    /// Makes a patient durable.
    pub(crate) async fn commit(
        &self,
        patient: PatientCommit,
    ) -> Result<Vec<ResourceLanded>, WriterError> {
        self.ask(|reply| Job::Commit(Box::new(patient), reply))
            .await
    }

    /// Writes states of which nothing landed.
    pub(crate) async fn states(&self, states: Vec<StateChange>) -> Result<(), WriterError> {
        self.ask(|reply| Job::States(states, reply)).await
    }

    /// Seals the run with all that was committed.
    pub(crate) async fn seal(mut self) -> Result<Vec<LandingManifest>, WriterError> {
        let sealed = self.ask(Job::Seal).await;
        drop(self.jobs);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| WriterError::Stopped)?;
        }
        sealed
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, WriterError> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(job(reply))
            .await
            .map_err(|_| WriterError::Stopped)?;
        answer.await.map_err(|_| WriterError::Stopped)?
    }
}

struct Thread {
    layout: LandingLayout,
    api: ApiVersion,
    run: RunId,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    writers: BTreeMap<ResourceType, LandingWriter>,
    kept: BTreeMap<ResourceType, Vec<KeptPatient>>,
    passes: HashMap<PassId, SearchPass>,
    /// What landed before, of patients under way.
    known_resources: HashMap<(GrantHandle, ResourceType), KnownResources>,
    landed_before: LandedBefore,
    waiting_commits: Vec<(PatientCommit, Reply<Vec<ResourceLanded>>)>,
    /// Once landing has failed, every job gets this error.
    failed: Option<WriterError>,
}

impl Thread {
    fn work(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut since_commit = 0;
        while let Some(job) = waiting.blocking_recv() {
            self.job(job);
            while since_commit < JOBS_BEFORE_SYNC
                && let Ok(job) = waiting.try_recv()
            {
                self.job(job);
                since_commit += 1;
            }
            since_commit = 0;
            self.sync_commits();
        }
    }

    fn job(&mut self, job: Job) {
        // Replies to callers that have gone are dropped.
        match job {
            Job::Page(page, reply) => {
                let _ = reply.send(self.guarded(|thread| thread.page(&page)));
            }
            Job::Forget(reads) => {
                for read in reads {
                    self.passes.remove(&read);
                }
            }
            Job::Commit(patient, reply) => self.waiting_commits.push((*patient, reply)),
            Job::States(states, reply) => {
                self.sync_commits();
                for change in &states {
                    let state = &change.state;
                    let key = (state.grant.clone(), state.resource.clone());
                    self.known_resources.remove(&key);
                }
                let _ = reply.send(self.guarded(|thread| {
                    thread.vault.record_extract(&states)?;
                    Ok(())
                }));
            }
            Job::Seal(reply) => {
                self.sync_commits();
                let _ = reply.send(self.guarded(Self::seal));
            }
        }
    }

    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, WriterError>,
    ) -> Result<T, WriterError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let outcome = work(self);
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }

    fn page(&mut self, page: &PageJob) -> Result<Result<SeenPage, PageError>, WriterError> {
        let key = (page.grant.clone(), page.resource.clone());
        if !self.known_resources.contains_key(&key) {
            let mut known = self.vault.known_resources(&page.grant, &page.resource)?;
            if page.full && page.lands == WritePolicy::Changes {
                let of = (&page.resource, &page.patient);
                let (layout, before) = (&self.layout, &mut self.landed_before);
                for id in before.moved_here(layout, self.api, of, known.ids())? {
                    known.insert(id.0, LANDS_AGAIN);
                }
            }
            self.known_resources.insert(key.clone(), known);
        }
        let landed = match page.lands {
            WritePolicy::Everything => None,
            WritePolicy::Changes => self.known_resources.get(&key),
        };
        let mut pass = self.passes.remove(&page.read).unwrap_or_default();
        let beside = page.beside.and_then(|read| self.passes.get(&read));
        let known = Known {
            of: (self.api, &page.resource, &page.patient),
            landed,
            beside,
            latest: crate::watermark::latest(self.clock.now()),
        };
        let lines = pass.read(&page.body, &known);
        let pass = self.passes.entry(page.read).or_insert(pass);
        let mut lines = match lines {
            Ok(lines) => lines,
            Err(error) => return Ok(Err(error)),
        };
        while let Some((text, count)) = lines.next_frame(&page.body) {
            let writer = match self.writers.entry(page.resource.clone()) {
                std::collections::btree_map::Entry::Occupied(writer) => writer.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => place.insert(seal::begin(
                    &self.layout,
                    self.api,
                    &page.resource,
                    &self.run,
                )?),
            };
            let written = writer.append_frame(&text, count)?;
            pass.frames.push(claimlake_landing::KeptFrame {
                part: written.part,
                frame: written.frame,
            });
        }
        Ok(Ok(lines.page))
    }

    /// Syncs frames before the vault: whatever the vault lists as landed is on disk.
    fn sync_commits(&mut self) {
        if self.waiting_commits.is_empty() {
            return;
        }
        let commits = std::mem::take(&mut self.waiting_commits);
        let (patients, replies): (Vec<_>, Vec<_>) = commits.into_iter().unzip();
        let outcome = self.guarded(|thread| thread.commit_all(&patients));
        let mut landed = outcome.map(Vec::into_iter);
        for reply in replies {
            let _ = reply.send(match &mut landed {
                Ok(landed) => landed.next().ok_or(WriterError::Stopped),
                Err(error) => Err(error.clone()),
            });
        }
    }

    fn commit_all(
        &mut self,
        patients: &[PatientCommit],
    ) -> Result<Vec<Vec<ResourceLanded>>, WriterError> {
        for writer in self.writers.values_mut() {
            writer.sync()?;
        }
        let run = self.run.clone();
        let frames = CommitBuilder {
            api: self.api,
            run: &run,
            now: self.clock.now(),
        };
        let mut changes = Vec::new();
        let mut kept = Vec::new();
        let mut landed = Vec::new();
        for patient in patients {
            let mut of_patient = Vec::new();
            for commit in &patient.resources {
                let passes: Vec<SearchPass> = commit
                    .reads
                    .iter()
                    .map(|read| self.passes.remove(read).unwrap_or_default())
                    .collect();
                let key = (patient.grant.clone(), commit.resource.clone());
                let before = match self.known_resources.remove(&key) {
                    Some(known) => known,
                    None => self
                        .vault
                        .known_resources(&patient.grant, &commit.resource)?,
                };
                let landed_before =
                    match commit.is_full() && gone::needs_bodies(commit, &passes, &before) {
                        true => self.landed_before.of_patient(
                            &self.layout,
                            self.api,
                            &commit.resource,
                            &patient.patient,
                        )?,
                        false => Vec::new(),
                    };
                let prepared = frames.prepare(patient, commit, &passes, before, &landed_before);
                changes.push(prepared.change);
                kept.push((commit.resource.clone(), prepared.kept));
                of_patient.push(prepared.landed);
            }
            landed.push(of_patient);
        }
        self.vault.record_extract(&changes)?;
        for (resource, patient) in kept {
            self.kept.entry(resource).or_default().push(patient);
        }
        Ok(landed)
    }

    fn seal(&mut self) -> Result<Vec<LandingManifest>, WriterError> {
        let mut writers = std::mem::take(&mut self.writers);
        for (resource, kept) in &self.kept {
            // Gone resources are listed even if nothing landed.
            if kept.iter().any(|kept| kept.patient.lists_gone()) && !writers.contains_key(resource)
            {
                writers.insert(
                    resource.clone(),
                    seal::begin(&self.layout, self.api, resource, &self.run)?,
                );
            }
        }
        let with_kept = writers.into_iter().map(|(resource, writer)| {
            let kept = self.kept.remove(&resource).unwrap_or_default();
            (writer, kept)
        });
        let manifests = seal_all(with_kept.collect())?;
        // From here on readers see the run, in all its resource types at once.
        mark_finished(&self.layout, &self.run)?;
        self.vault.drop_checkpoints(&self.run)?;
        Ok(manifests)
    }
}
