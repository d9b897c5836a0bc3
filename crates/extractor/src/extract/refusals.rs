//! What refusals of single resource types say about the consent.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_consent::{AccessToken, TokenSource};
use claimlake_contract::{GrantHandle, ResourceType};
use claimlake_vault::{Grant, GrantState, REFUSED_IN_DOUBT};

use super::session::Session;
use crate::http::classify::Refusal;
use crate::http::fetch::FetchError;
use crate::landing_writer::PatientCommit;
use crate::lock::lock;

/// A consent that is refused everything again after so long has ended, whatever refuses it.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(2);

/// Why a consent has ended while its token is still valid.
const STOPPED_SHARING: &str = "the server refuses every resource type that the consent includes: the patient has stopped sharing";

/// The resource types of one patient that were requested, because the scopes include them.
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

impl Refusals {
    pub(super) fn asked(&self) {
        lock(&self.0).asked += 1;
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        let mut counts = lock(&self.0);
        counts.by_consent += usize::from(refusal == Refusal::Consent);
        counts.unexplained += usize::from(refusal == Refusal::Unexplained);
    }

    /// Why everything in the consent was refused; `None` if a part was not refused, or if the app
    /// is the reason.
    fn of_all(&self) -> Option<RefusedAll> {
        let counts = lock(&self.0);
        match (counts.asked, counts.by_consent, counts.unexplained) {
            (0, _, _) => None,
            (asked, by_consent, _) if by_consent == asked => Some(RefusedAll::ByConsent),
            (asked, by_consent, unexplained) if by_consent + unexplained == asked => {
                Some(RefusedAll::Unexplained)
            }
            _ => None,
        }
    }

    /// Records with the grant that the consent has ended because all of it was refused, or that it
    /// is in doubt; does nothing if only a part was refused.
    pub(super) async fn end<T: TokenSource>(
        &self,
        session: &Session<'_, T>,
        grant: &Grant,
    ) -> Option<FetchError> {
        let refused = self.of_all()?;
        let handle = &grant.handle;
        let now = session.fetcher.clock.now();
        if refused == RefusedAll::ByConsent || was_refused_hours_ago(grant, now) {
            note_stopped(session, handle).await;
            return Some(FetchError::NeedsConsent(STOPPED_SHARING.into()));
        }
        // The token that was refused is the present one, or a newer consent is here already.
        if let Ok(token) = session.fetcher.tokens.access_token(handle).await {
            note_refused(session, handle, Some(&token)).await;
        }
        let mut unexplained = lock(&session.refused);
        unexplained.in_doubt.insert(handle.clone());
        Some(FetchError::Parked(REFUSED_IN_DOUBT.into()))
    }
}

pub(super) async fn note_stopped<T: TokenSource>(session: &Session<'_, T>, grant: &GrantHandle) {
    let fetcher = &session.fetcher;
    if let Ok(token) = fetcher.tokens.access_token(grant).await {
        fetcher.note_ended(grant, &token, STOPPED_SHARING).await;
    }
}

/// Where it cannot be written, the next run hears the same answer again.
async fn note_refused<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &GrantHandle,
    token: Option<&AccessToken>,
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

/// Records that a patient's resources were answered: this shows that not all patients are refused.
/// Ends a doubt about this consent.
pub(super) async fn note_answered<T: TokenSource>(
    session: &Session<'_, T>,
    grant: &Grant,
    commit: &PatientCommit,
) {
    let answered = commit
        .resources
        .iter()
        .filter(|resource| resource.asked.is_some())
        // Claims have the most pages.
        .min_by_key(|one| one.resource == ResourceType::explanation_of_benefit());
    let Some(answered) = answered else { return };
    lock(&session.refused)
        .answered
        .get_or_insert_with(|| (grant.clone(), answered.resource.clone()));
    if is_refused_in_doubt(grant) {
        note_refused(session, &grant.handle, None).await;
    }
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
