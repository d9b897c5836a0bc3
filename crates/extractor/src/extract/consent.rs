//! What refusals of single resource types say about the consent as a whole, and patients in doubt
//! whose consent was decided by others.

use std::sync::Mutex;

use claimlake_contract::{GrantHandle, PatientState};
use claimlake_vault::GrantState;

use super::person::{PersonEnd, PersonOutcome};
use super::resume::Resume;
use super::{ExtractError, Session, person};
use crate::http::classify::Refusal;
use crate::http::fetch::End;
use crate::token::TokenSource;

/// Why a consent has ended whose token still lives.
const STOPPED_SHARING: &str = "the server refuses every resource type that the consent includes: the person has stopped sharing";

/// The resource types of one patient that were asked for, since the scopes include them.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: usize,
    by_consent: usize,
}

impl Refusals {
    pub(super) fn asked(&self) {
        super::lock(&self.0).asked += 1;
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        super::lock(&self.0).by_consent += usize::from(refusal == Refusal::Consent);
    }

    /// Whether all that the consent includes was refused, and not for the app's sake.
    fn are_all(&self) -> bool {
        let counts = super::lock(&self.0);
        counts.asked > 0 && counts.by_consent == counts.asked
    }

    /// The end of a consent of which nothing is left, noted with the grant; none where part of it
    /// is.
    pub(super) async fn end<T: TokenSource>(
        &self,
        session: &Session<'_, T>,
        grant: &GrantHandle,
    ) -> Option<End> {
        if !self.are_all() {
            return None;
        }
        // The token that was refused is the present one, or a newer consent is here already.
        if let Ok(token) = session.fetcher.tokens.access_token(grant).await {
            session
                .fetcher
                .note_ended(grant, &token, STOPPED_SHARING)
                .await;
        }
        Some(End::NeedsConsent(STOPPED_SHARING.into()))
    }
}

/// A patient whose consent was in doubt when they were asked for: an accepted refresh of another
/// one may have decided it since.
pub(super) async fn settle<T: TokenSource>(
    session: &Session<'_, T>,
    vault: &claimlake_vault::Vault,
    resume: &Resume,
    ended: PersonOutcome,
) -> Result<PersonOutcome, ExtractError> {
    let grant = vault.grant(&ended.grant)?;
    if grant.state != GrantState::NeedsConsent {
        return Ok(ended);
    }
    let known = resume.states_of(&grant.handle);
    let per_patient = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
    person::read(session, grant, known, per_patient).await
}

/// Whether another patient's refresh may yet decide how this one ended.
pub(super) fn is_open(ended: &PersonOutcome) -> bool {
    matches!(ended.end, PersonEnd::Ended(PatientState::Parked, _))
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::http::classify::Refusal::{App, Consent};

    #[test]
    fn only_a_refusal_of_everything_that_was_granted_is_the_end_of_a_consent() {
        for (asked, refused, ended) in [
            (3, &[Consent, Consent, Consent][..], true),
            (1, &[Consent], true),
            (3, &[Consent, Consent], false),
            (2, &[Consent, App], false),
            (2, &[App, App], false),
            // Nothing of what the run reads is in the scopes: nothing was asked for.
            (0, &[], false),
            (1, &[], false),
        ] {
            let refusals = Refusals::default();
            (0..asked).for_each(|_| refusals.asked());
            refused.iter().for_each(|one| refusals.refused(*one));
            assert_eq!(refusals.are_all(), ended, "{asked} {refused:?}");
        }
    }
}
