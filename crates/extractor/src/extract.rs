//! One extraction: all pages of all resources of all grants, spread over patients.
//!
//! A patient lands completely or not at all, and the outcome names those that are not complete.

mod by_grant;
mod failures;
mod findings;
mod full_read_schedule;
mod options;
mod outcome;
mod patient;
mod recover;
mod refusals;
mod resource;
mod resume;
mod search_reader;
mod session;
mod set_aside;
mod settle;
mod status;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claimlake_contract::{Clock, LandingLayout, PatientId, Progress, RunId, Task};
use claimlake_vault::{Grant, GrantState, RunEnd, Vault};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::ExtractError;
use crate::http::client::Client;
use crate::http::fetch::Fetcher;
use crate::http::pace::Pace;
use crate::http::retry::{Budget, Jitter};
use crate::landing_writer::LandingHandle;
use crate::lock::lock;
use crate::record::Recorder;
use claimlake_consent::TokenSource;

pub use full_read_schedule::FullReadSchedule;
pub use options::{ExtractOptions, SourceIdentity};
pub use outcome::{ExtractOutcome, PatientProblem, ResourceCounts, WithoutClaims};
use patient::{FinishedPatient, PatientOutcome};
use session::{Session, UnexplainedRefusals};
pub use status::{ExtractStatusRow, extract_status};

/// How long patients in progress may continue after a stop was requested.
const GRACE: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(100);

/// Extracts everything in the options.
///
/// # Errors
/// The settings are wrong, or the disk or the vault fails. What had landed before is safe: the next
/// extraction continues from there. A patient who cannot be read is not an error but part of the
/// outcome.
pub async fn extract<T: TokenSource>(
    options: &ExtractOptions,
    tokens: &T,
    vault: &Arc<Vault>,
    layout: &LandingLayout,
    clock: &Arc<dyn Clock>,
    progress: &dyn Progress,
) -> Result<ExtractOutcome, ExtractError> {
    options.check()?;
    vault.bind_source(&options.source.to_string())?;
    let recovered = recover::recover(vault, layout, &options.run)?;
    let set_aside = match options.full {
        true => set_aside::set_aside(vault, layout)?,
        false => Vec::new(),
    };
    let chosen = choose(options, vault)?;
    let resume = resume::Resume::of(vault, options, clock.now())?;
    let turns = FullReadSchedule::of(vault, options.full_every, clock.now())?;
    let recorder = match &options.record {
        Some(record) => Some(Recorder::create(record, options.source.is_sandbox())?),
        None => None,
    };
    let begun = Instant::now();
    vault.begin_run(&options.run, "extract")?;
    let session = Session {
        options,
        fetcher: Fetcher {
            client: Client::new(&options.base_url, options.timeouts, options.concurrency)
                .map_err(ExtractError::Client)?,
            pace: Pace::new(options.concurrency, options.max_rps),
            budget: Budget::default(),
            jitter: Jitter::seeded(options.seed),
            clock: Arc::clone(clock),
            tokens,
            throttled: AtomicU64::new(0),
            first_pause: options.timeouts.first_pause,
        },
        landing: LandingHandle::start(layout, options.api, &options.run, vault, clock)
            .map_err(ExtractError::Thread)?,
        recorder,
        turns,
        reads: AtomicU64::new(0),
        pages: AtomicU64::new(0),
        resources: AtomicU64::new(0),
        stop: Mutex::new(None),
        refused: Mutex::new(UnexplainedRefusals::default()),
    };
    let mut outcome = ExtractOutcome::new(options.run.clone(), options.api, recovered);
    outcome.set_aside = set_aside
        .into_iter()
        .map(|one| format!("{}: {}; kept in {}", one.place, one.reason, one.kept_in))
        .collect();
    outcome.patients = chosen.len() as u64;
    let (done, to_do): (Vec<Grant>, Vec<Grant>) =
        chosen.into_iter().partition(|grant| resume.has(grant));
    outcome.landed_before = done.len() as u64;
    let task = progress.begin("extracting", "patients", Some(outcome.patients));
    progress.advance(task, outcome.landed_before);
    let report = (progress, task);
    let finished = read_patients(&session, vault, to_do, &resume, &mut outcome, report).await;
    progress.end(task);
    if let Err(error) = finished {
        vault.end_run(&options.run, RunEnd::Failed, None)?;
        return Err(error);
    }
    outcome.pages = session.pages.load(Ordering::Relaxed);
    outcome.requests = session.fetcher.budget.requests();
    outcome.throttled = session.fetcher.throttled.load(Ordering::Relaxed);
    outcome.retries = session.fetcher.budget.retries();
    outcome.stopped = lock(&session.stop).clone();
    outcome.note_sealed(&session.landing.seal().await?);
    if let Some(recorder) = session.recorder {
        match recorder.finish().await {
            Ok(exchanges) => outcome.recorded = exchanges,
            Err(error) => {
                vault.end_run(&options.run, RunEnd::Failed, None)?;
                return Err(error);
            }
        }
    }
    outcome.seconds = begun.elapsed().as_secs_f64();
    let end = match outcome.not_read == 0 {
        true => RunEnd::Finished,
        false => RunEnd::Interrupted,
    };
    vault.end_run(&options.run, end, Some(&outcome.summary_json()))?;
    Ok(outcome)
}

/// Seals what killed extractions had checkpointed and removes what they had not, as the next
/// extraction would.
///
/// # Errors
/// When the disk or the vault refuses.
pub fn seal_interrupted_runs(
    vault: &Vault,
    layout: &LandingLayout,
    present: &RunId,
) -> Result<(), ExtractError> {
    recover::recover(vault, layout, present).map(|_| ())
}

/// The grants of this API version, or those of the patients named.
fn choose(options: &ExtractOptions, vault: &Vault) -> Result<Vec<Grant>, ExtractError> {
    let mut grants = vault.grants()?;
    grants.retain(|grant| grant.api == options.api && grant.state != GrantState::Revoked);
    // A removal that was interrupted leaves the grant for a while.
    let forgotten = vault.tombstones()?;
    grants.retain(|grant| !forgotten.has_grant(grant));
    // A good consent that is used first decides the doubts about the others.
    grants.sort_by_key(|grant| grant.state == GrantState::Doubtful);
    if options.only.is_empty() {
        return Ok(grants);
    }
    let is_of = |grant: &Grant, wanted: &PatientId| {
        grant.patient.as_ref() == Some(wanted) || grant.handle.as_str() == wanted.expose()
    };
    let is_known = |wanted: &PatientId| grants.iter().any(|grant| is_of(grant, wanted));
    if !options.only.iter().all(is_known) {
        return Err(ExtractError::UnknownPatient);
    }
    grants.retain(|grant| options.only.iter().any(|wanted| is_of(grant, wanted)));
    Ok(grants)
}

async fn read_patients<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &Vault,
    grants: Vec<Grant>,
    resume: &resume::Resume,
    outcome: &mut ExtractOutcome,
    (progress, task): (&dyn Progress, Task),
) -> Result<(), ExtractError> {
    let begun = Instant::now();
    let mut waiting = grants.into_iter();
    let mut under_way = FuturesUnordered::new();
    let mut open = Vec::new();
    // Enough patients to keep every permit busy; more would only take memory.
    let patients_at_once = session.options.concurrency.max(2);
    let mut ticks = tokio::time::interval(TICK);
    let mut stopping_since: Option<Instant> = None;
    loop {
        while stopping_since.is_none() && under_way.len() < patients_at_once {
            let Some(grant) = waiting.next() else { break };
            let known = resume.states_of(&grant.handle);
            let per_patient = Arc::new(Semaphore::new(session.options.per_patient.max(1)));
            under_way.push(patient::read(session, grant, known, per_patient));
        }
        if under_way.is_empty() {
            break;
        }
        tokio::select! {
            Some(ended) = under_way.next() => {
                let ended: FinishedPatient = ended?;
                progress.advance(task, 1);
                if settle::is_open(&ended) {
                    open.push(ended);
                    continue;
                }
                outcome.note_patient(&ended);
                if let PatientOutcome::Stopped(reason) = &ended.end {
                    lock(&session.stop).get_or_insert_with(|| reason.clone());
                    stopping_since.get_or_insert_with(Instant::now);
                }
            }
            _ = ticks.tick() => {
                progress.note(task, &note(session, begun));
                if session.options.stop.load(Ordering::Relaxed) {
                    stopping_since.get_or_insert_with(Instant::now);
                }
                if stopping_since.is_some_and(|since| since.elapsed() > GRACE) {
                    break;
                }
            }
        }
    }
    for ended in open {
        outcome.note_patient(&settle::settle(session, vault, resume, ended).await?);
    }
    let abandoned = under_way.len() as u64;
    drop(under_way);
    outcome.not_read += abandoned + waiting.count() as u64;
    Ok(())
}

fn note<T>(session: &Session<'_, T>, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64().max(0.001);
    let pages = session.pages.load(Ordering::Relaxed) as f64 / seconds;
    let resources = session.resources.load(Ordering::Relaxed) as f64 / seconds;
    let mut note = format!("{pages:.0} pages/s");
    if session.fetcher.pace.is_paused() {
        note.push_str(", waiting for the rate limit");
    } else if let Some(rate) = session.fetcher.pace.rate() {
        note.push_str(&format!(", at most {rate:.0} requests/s"));
    }
    note.push_str(&format!(", {resources:.0} resources/s"));
    note
}
