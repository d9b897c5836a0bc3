//! Consents in doubt at the end of a run: the answers to other patients decide.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use claimlake_consent::TokenSource;
use claimlake_contract::PatientState;
use claimlake_vault::{Grant, GrantState, Vault};
use tokio::sync::Semaphore;

use super::patient::{self, FinishedPatient, PatientOutcome};
use super::refusals::note_stopped;
use super::resume::Resume;
use super::session::Session;
use crate::error::ExtractError;
use crate::fhir::search::{Search, Selection};
use crate::http::fetch::Request;
use crate::lock::lock;

/// Whether the server answers another patient at this moment.
async fn is_another_answered<T: TokenSource>(session: &Session<'_, T>) -> bool {
    let answered = lock(&session.refused).answered.clone();
    let Some((grant, resource)) = answered else {
        return false;
    };
    let Some(patient) = &grant.patient else {
        return false;
    };
    let options = session.options;
    let search = Search {
        base_url: &options.base_url,
        api: options.api,
        resource: &resource,
        patient,
        selection: Selection::Main,
        page_size: options.page_size,
        since: None,
    };
    let request = Request {
        grant: &grant.handle,
        name: search.name(0),
        url: search.url(0),
        headers: search.headers(),
    };
    session.fetcher.get(&request).await.is_ok()
}

/// A consent that was refused everything without an explanation has ended where it is refused
/// again while another patient is answered before and after it: not all are refused.
async fn settle_refused<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &Vault,
    resume: &Resume,
    ended: FinishedPatient,
) -> Result<FinishedPatient, ExtractError> {
    let handle = ended.grant.clone();
    let is_in_doubt = lock(&session.refused).in_doubt.remove(&handle);
    if !is_in_doubt || is_stopping(session) || !is_another_answered(session).await {
        return Ok(ended);
    }
    let again = read_again(session, resume, vault.grant(&handle)?).await?;
    let is_refused_again = lock(&session.refused).in_doubt.contains(&handle);
    if is_refused_again && is_another_answered(session).await {
        note_stopped(session, &handle).await;
    }
    Ok(again)
}

fn is_stopping<T>(session: &Session<'_, T>) -> bool {
    lock(&session.stop).is_some() || session.options.stop.load(Ordering::Relaxed)
}

async fn read_again<T: TokenSource>(
    session: &Session<'_, T>,
    resume: &Resume,
    grant: Grant,
) -> Result<FinishedPatient, ExtractError> {
    let known = resume.states_of(&grant.handle);
    let per_patient = Arc::new(Semaphore::new(1));
    patient::read(session, grant, known, per_patient).await
}

/// For a patient whose consent was in doubt when they were read: a refresh of another patient that
/// was accepted since may have decided it.
pub(super) async fn settle<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &Vault,
    resume: &Resume,
    ended: FinishedPatient,
) -> Result<FinishedPatient, ExtractError> {
    let ended = settle_refused(session, vault, resume, ended).await?;
    let grant = vault.grant(&ended.grant)?;
    if !is_open(&ended) || grant.state != GrantState::NeedsConsent {
        return Ok(ended);
    }
    read_again(session, resume, grant).await
}

/// Whether another patient's refresh may yet decide how this one ended.
pub(super) fn is_open(ended: &FinishedPatient) -> bool {
    matches!(ended.end, PatientOutcome::Ended(PatientState::Parked, _))
}
