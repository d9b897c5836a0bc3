//! What refusals of single resource types say about the consent as a whole, and patients in doubt
//! whose consent was decided by others.

use std::collections::HashSet;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{GrantHandle, PatientState, ResourceType};
use claimlake_vault::{Grant, GrantState, REFUSED_IN_DOUBT};

use super::person::{PersonEnd, PersonOutcome};
use super::resume::Resume;
use super::{ExtractError, Session, person};
use crate::fhir::search::{Search, Selection};
use crate::http::classify::Refusal;
use crate::http::fetch::{End, Request};
use crate::land::PersonCommit;
use claimlake_consent::TokenSource;

/// A consent that is refused everything again after so long has ended, whoever refuses.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(2);

/// Why a consent has ended whose token still lives.
const STOPPED_SHARING: &str = "the server refuses every resource type that the consent includes: the person has stopped sharing";

/// The resource types of one patient that were asked for, since the scopes include them.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: usize,
    by_consent: usize,
    unexplained: usize,
}

/// How everything that a consent includes was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefusedAll {
    /// In the server's own words for what a consent leaves out.
    ByConsent,
    /// In part or wholly by an answer that may be another's: a gateway, a firewall.
    Unexplained,
}

/// What one run hears of consents that are refused everything without an explanation.
#[derive(Debug, Default)]
pub(crate) struct Refused(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    in_doubt: HashSet<GrantHandle>,
    /// Somebody whose resources were answered, and one of these.
    answered: Option<(Grant, ResourceType)>,
}

impl Refusals {
    pub(super) fn asked(&self) {
        super::lock(&self.0).asked += 1;
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        let mut counts = super::lock(&self.0);
        counts.by_consent += usize::from(refusal == Refusal::Consent);
        counts.unexplained += usize::from(refusal == Refusal::Unexplained);
    }

    /// How all that the consent includes was refused; none where part of it was not, or for the
    /// app's sake.
    fn of_all(&self) -> Option<RefusedAll> {
        let counts = super::lock(&self.0);
        match (counts.asked, counts.by_consent, counts.unexplained) {
            (0, _, _) => None,
            (asked, by_consent, _) if by_consent == asked => Some(RefusedAll::ByConsent),
            (asked, by_consent, unexplained) if by_consent + unexplained == asked => {
                Some(RefusedAll::Unexplained)
            }
            _ => None,
        }
    }

    /// The end of a consent of which nothing is left, or the doubt about it, noted with the grant;
    /// none where part of it is left.
    pub(super) async fn end<T: TokenSource>(
        &self,
        session: &Session<'_, T>,
        grant: &Grant,
    ) -> Option<End> {
        let refused = self.of_all()?;
        let handle = &grant.handle;
        let now = session.fetcher.clock.now();
        if refused == RefusedAll::ByConsent || was_refused_hours_ago(grant, now) {
            note_stopped(session, handle).await;
            return Some(End::NeedsConsent(STOPPED_SHARING.into()));
        }
        // The token that was refused is the present one, or a newer consent is here already.
        if let Ok(token) = session.fetcher.tokens.access_token(handle).await {
            note_refused(session, handle, Some(&token)).await;
        }
        let mut heard = super::lock(&session.refused.0);
        heard.in_doubt.insert(handle.clone());
        Some(End::Parked(REFUSED_IN_DOUBT.into()))
    }
}

async fn note_stopped<T: TokenSource>(session: &Session<'_, T>, grant: &GrantHandle) {
    let fetcher = &session.fetcher;
    if let Ok(token) = fetcher.tokens.access_token(grant).await {
        fetcher.note_ended(grant, &token, STOPPED_SHARING).await;
    }
}

/// Where it cannot be written, the next run hears the same answer again.
async fn note_refused<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &GrantHandle,
    token: Option<&claimlake_consent::AccessToken>,
) {
    let noted = session.fetcher.tokens.note_refused(grant, token).await;
    if let Err(error) = noted {
        tracing::warn!(grant = %grant, error = %error, "the doubt about a consent could not be noted");
    }
}

fn is_refused_in_doubt(grant: &Grant) -> bool {
    grant.state == GrantState::Doubtful && grant.reason.as_deref() == Some(REFUSED_IN_DOUBT)
}

fn was_refused_hours_ago(grant: &Grant, now: DateTime<Utc>) -> bool {
    is_refused_in_doubt(grant) && now - grant.state_since >= AGAIN_AFTER
}

/// Somebody's resources were answered: they can be asked for again to tell whether everybody is
/// refused, and a doubt about this consent is over.
pub(super) async fn note_answered<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &Grant,
    commit: &PersonCommit,
) {
    let answered = commit
        .resources
        .iter()
        .filter(|resource| resource.asked.is_some())
        // Claims have the most pages.
        .min_by_key(|one| one.resource == ResourceType::explanation_of_benefit());
    let Some(answered) = answered else { return };
    super::lock(&session.refused.0)
        .answered
        .get_or_insert_with(|| (grant.clone(), answered.resource.clone()));
    if is_refused_in_doubt(grant) {
        note_refused(session, &grant.handle, None).await;
    }
}

/// Whether the server answers another patient at this moment.
async fn is_another_answered<T: TokenSource>(session: &Session<'_, T>) -> bool {
    let answered = super::lock(&session.refused.0).answered.clone();
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
/// again while another patient is answered before and after it: nothing refuses everybody.
async fn settle_refused<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &claimlake_vault::Vault,
    resume: &Resume,
    ended: PersonOutcome,
) -> Result<PersonOutcome, ExtractError> {
    let handle = ended.grant.clone();
    let is_in_doubt = super::lock(&session.refused.0).in_doubt.remove(&handle);
    if !is_in_doubt || is_stopping(session) || !is_another_answered(session).await {
        return Ok(ended);
    }
    let again = read_again(session, resume, vault.grant(&handle)?).await?;
    let is_refused_again = super::lock(&session.refused.0).in_doubt.contains(&handle);
    if is_refused_again && is_another_answered(session).await {
        note_stopped(session, &handle).await;
    }
    Ok(again)
}

fn is_stopping<T>(session: &Session<'_, T>) -> bool {
    super::lock(&session.stop).is_some()
        || session
            .options
            .stop
            .load(std::sync::atomic::Ordering::Relaxed)
}

async fn read_again<T: TokenSource>(
    session: &Session<'_, T>,
    resume: &Resume,
    grant: Grant,
) -> Result<PersonOutcome, ExtractError> {
    let known = resume.states_of(&grant.handle);
    let per_patient = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
    person::read(session, grant, known, per_patient).await
}

/// A patient whose consent was in doubt when they were asked for: an accepted refresh of another
/// one may have decided it since.
pub(super) async fn settle<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &claimlake_vault::Vault,
    resume: &Resume,
    ended: PersonOutcome,
) -> Result<PersonOutcome, ExtractError> {
    let ended = settle_refused(session, vault, resume, ended).await?;
    let grant = vault.grant(&ended.grant)?;
    if !is_open(&ended) || grant.state != GrantState::NeedsConsent {
        return Ok(ended);
    }
    read_again(session, resume, grant).await
}

/// Whether another patient's refresh may yet decide how this one ended.
pub(super) fn is_open(ended: &PersonOutcome) -> bool {
    matches!(ended.end, PersonEnd::Ended(PatientState::Parked, _))
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::http::classify::Refusal::{App, Consent, Unexplained};

    #[test]
    fn only_a_refusal_of_everything_that_was_granted_is_the_end_of_a_consent() {
        use super::RefusedAll::{ByConsent, Unexplained as Unknown};
        for (asked, refused, ended) in [
            (3, &[Consent, Consent, Consent][..], Some(ByConsent)),
            (1, &[Consent], Some(ByConsent)),
            (3, &[Consent, Consent], None),
            (2, &[Consent, App], None),
            (2, &[App, App], None),
            (3, &[Unexplained, Unexplained, Unexplained], Some(Unknown)),
            (1, &[Unexplained], Some(Unknown)),
            (3, &[Consent, Unexplained, Consent], Some(Unknown)),
            (3, &[Unexplained, Unexplained], None),
            (2, &[Unexplained, App], None),
            // Nothing of what the run reads is in the scopes: nothing was asked for.
            (0, &[], None),
            (1, &[], None),
        ] {
            let refusals = Refusals::default();
            (0..asked).for_each(|_| refusals.asked());
            refused.iter().for_each(|one| refusals.refused(*one));
            assert_eq!(refusals.of_all(), ended, "{asked} {refused:?}");
        }
    }
}
