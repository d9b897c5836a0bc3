//! Reading one patient: all resource types side by side, then one commit, or a named end.

use std::sync::{Arc, Mutex};

use claimlake_contract::{GrantHandle, PatientState, ResourceType};
use claimlake_vault::{ExtractState, Grant, GrantState, StateChange};
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;

use super::failures::Failures;
use super::refusals::{Refusals, note_answered};
use super::resource::ResourceReader;
use super::session::Session;
use crate::error::ExtractError;
use crate::http::failure::Reason;
use crate::http::fetch::FetchError;
use crate::landing_writer::{PassId, PatientCommit, ResourceCommit, ResourceLanded};
use crate::lock::lock;
use claimlake_consent::TokenSource;

/// A patient, and the outcome.
#[derive(Debug)]
pub(super) struct FinishedPatient {
    pub(super) grant: GrantHandle,
    pub(super) end: PatientOutcome,
}

#[derive(Debug)]
pub(super) enum PatientOutcome {
    /// Read in all resource types; each has a state of its own.
    Read(Vec<ResourceLanded>),
    /// Nothing landed.
    Ended(PatientState, Reason),
    /// The run cannot continue.
    Stopped(String),
}

pub(super) async fn read<T: TokenSource>(
    session: &Session<'_, T>,
    grant: Grant,
    known: Vec<ExtractState>,
    per_patient: Arc<Semaphore>,
) -> Result<FinishedPatient, ExtractError> {
    let reads = Mutex::new(Vec::new());
    let read = read_resources(session, &grant, &known, &reads, &per_patient).await;
    let end = match read {
        Ok(commit) => {
            let counts =
                |read: &PassId| commit.resources.iter().any(|one| one.reads.contains(read));
            let mut rest = std::mem::take(&mut *lock(&reads));
            rest.retain(|read| !counts(read));
            session.landing.forget(rest).await;
            note_answered(session, &grant, &commit).await;
            PatientOutcome::Read(session.landing.commit(commit).await?)
        }
        Err(end) => {
            let all = std::mem::take(&mut *lock(&reads));
            session.landing.forget(all).await;
            note_end(session, &grant, &known, end).await?
        }
    };
    Ok(FinishedPatient {
        grant: grant.handle,
        end,
    })
}

async fn read_resources<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &Grant,
    known: &[ExtractState],
    reads: &Mutex<Vec<PassId>>,
    per_patient: &Semaphore,
) -> Result<PatientCommit, FetchError> {
    if grant.state == GrantState::NeedsConsent {
        let reason = grant.reason.clone();
        let reason = reason.unwrap_or_else(|| "the consent has ended".into());
        return Err(FetchError::NeedsConsent(reason));
    }
    let Some(patient) = &grant.patient else {
        let reason = "the server has not said whose grant it is; the next run asks again, and a \
                      consent that includes Patient always says so";
        return Err(FetchError::Failed(reason.into()));
    };
    // Done before any request of this patient has a permit: refreshes wait for each other, and
    // permits would wait with them. Each request asks again once it may be sent, and gets the error
    // then.
    let _ = session.fetcher.tokens.access_token(&grant.handle).await;
    let refusals = Refusals::default();
    let refusals = &refusals;
    let failures = &Failures::default();
    let read_one = |resource: &ResourceType| {
        let resource = resource.clone();
        let known = known.iter().find(|state| state.resource == resource);
        async move {
            let refused = |reason: String| ResourceCommit {
                resource: resource.clone(),
                reads: Vec::new(),
                state: PatientState::Refused,
                reason: Some(reason),
                full: false,
                total: None,
                previous: known.cloned(),
                asked: None,
                is_suspicious: false,
            };
            if !grant.scopes.is_empty() && !grant.scopes.allow_search(resource.as_str()) {
                return Ok(Some(refused(
                    "the consent does not include this resource type".into(),
                )));
            }
            refusals.asked();
            let reading = ResourceReader {
                session,
                grant,
                patient,
                resource: &resource,
                known,
                reads,
                per_patient,
                failures,
            };
            match reading.read().await {
                // A consent to a part is a normal outcome: the other types are read.
                Err(FetchError::Refused(refusal)) => {
                    refusals.refused(refusal);
                    Ok(Some(refused(refusal.words().into())))
                }
                Err(end) => failures.note(end).map(|()| None),
                Ok(commit) => Ok(Some(commit)),
            }
        }
    };
    // Claims queue for permits first: they have the most pages, and the others fit in between.
    let mut in_turn: Vec<&ResourceType> = session.options.resources.iter().collect();
    in_turn.sort_by_key(|resource| **resource != ResourceType::explanation_of_benefit());
    let resources = try_join_all(in_turn.into_iter().map(read_one)).await?;
    let resources: Vec<ResourceCommit> = resources.into_iter().flatten().collect();
    let is_answered = resources.iter().any(|one| one.asked.is_some());
    if let Some(end) = failures.end(is_answered) {
        return Err(end);
    }
    if let Some(end) = refusals.end(session, grant).await {
        return Err(end);
    }
    Ok(PatientCommit {
        grant: grant.handle.clone(),
        patient: patient.clone(),
        resources,
    })
}

/// Writes the state of a patient for whom nothing landed; what was recorded earlier stays.
async fn note_end<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &Grant,
    known: &[ExtractState],
    end: FetchError,
) -> Result<PatientOutcome, ExtractError> {
    let (state, reason) = match end {
        FetchError::NeedsConsent(reason) => (PatientState::NeedsConsent, Reason::from(reason)),
        FetchError::Parked(reason) => (PatientState::Parked, reason),
        FetchError::Refused(refusal) => (PatientState::Refused, refusal.words().into()),
        FetchError::NotFound(reason) | FetchError::Failed(reason) => (PatientState::Failed, reason),
        // Occurs only together with a failure, which is the reason.
        FetchError::GivenUp => (PatientState::Failed, "another request failed".into()),
        FetchError::Foreign => (
            PatientState::ForeignResource,
            "the server sent a resource of another patient".into(),
        ),
        FetchError::Stop(reason) => return Ok(PatientOutcome::Stopped(reason)),
    };
    tracing::info!(
        grant = %grant.handle,
        state = state.as_str(),
        reason = %reason.text,
        "a patient was not read"
    );
    let options = session.options;
    let now = session.fetcher.clock.now();
    let changes = options.resources.iter().map(|resource| {
        let known = known.iter().find(|state| state.resource == *resource);
        StateChange {
            state: ExtractState {
                grant: grant.handle.clone(),
                api: options.api,
                resource: resource.clone(),
                run: options.run.clone(),
                as_of: now,
                state,
                reason: Some(reason.text.clone()),
                served: 0,
                landed: 0,
                complete_at: known.and_then(|known| known.complete_at),
                full_at: known.and_then(|known| known.full_at),
                watermark: known.and_then(|known| crate::watermark::usable(known, now)),
                known_count: known.map_or(0, |known| known.known_count),
            },
            known: None,
            full_read: None,
            checkpoint: None,
        }
    });
    session.landing.states(changes.collect()).await?;
    Ok(PatientOutcome::Ended(state, reason))
}
