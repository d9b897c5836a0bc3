//! Failures of single resource types as the outcome of their patient: all are named, not only the
//! first.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::http::failure::{Reason, all_of};
use crate::http::fetch::FetchError;
use crate::lock::lock;

/// The resource types of one patient that could not be read.
#[derive(Debug, Default)]
pub(super) struct Failures {
    found: Mutex<Vec<Failure>>,
    given_up: AtomicBool,
}

#[derive(Debug)]
struct Failure {
    reason: Reason,
    is_not_found: bool,
}

impl Failures {
    /// Keeps a failure; returns an end that is about the patient, not one resource type.
    pub(super) fn note(&self, end: FetchError) -> Result<(), FetchError> {
        let (reason, is_not_found) = match end {
            FetchError::NotFound(reason) => (reason, true),
            FetchError::Failed(reason) => (reason, false),
            FetchError::GivenUp => return Ok(()),
            other => return Err(other),
        };
        lock(&self.found).push(Failure {
            reason,
            is_not_found,
        });
        if !is_not_found {
            self.given_up.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether nothing of the patient will land: further pages need not be requested.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// The end of the patient, if anything failed; `answered`: whether the server has answered for
    /// another resource type of theirs.
    pub(super) fn end(&self, answered: bool) -> Option<FetchError> {
        let mut found = std::mem::take(&mut *lock(&self.found));
        if found.is_empty() {
            return None;
        }
        let is_unknown = !answered && found.iter().all(|failure| failure.is_not_found);
        for failure in found.iter_mut().filter(|failure| failure.is_not_found) {
            if answered {
                failure.reason.add(
                    ", while other resource types of the patient are answered: the server may not \
                     have this one, see source.resources",
                );
            }
        }
        let mut reason = all_of(found.into_iter().map(|failure| failure.reason).collect());
        if is_unknown {
            reason.add(": the server does not know the patient (any more)");
        }
        Some(FetchError::Failed(reason))
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ResourceType;

    use super::Failures;
    use crate::http::failure::{Reason, RequestName};
    use crate::http::fetch::FetchError;

    fn reason(resource: &ResourceType, cause: &str) -> Reason {
        let name = RequestName {
            resource,
            part: None,
            offset: 0,
            page_size: 50,
        };
        Reason::of(name, cause)
    }

    fn text(failures: &Failures, answered: bool) -> String {
        match failures.end(answered) {
            Some(FetchError::Failed(reason)) => reason.text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn not_found_speaks_of_the_patient_only_where_nothing_else_is_answered() {
        let (claims, coverage) = (
            ResourceType::explanation_of_benefit(),
            ResourceType::coverage(),
        );
        let not_found = |resource| FetchError::NotFound(reason(resource, "HTTP 404 (not found)"));
        let failures = Failures::default();
        failures.note(not_found(&coverage)).unwrap();
        let known = text(&failures, true);
        assert!(
            known.starts_with("GET Coverage from offset 0, 50 a page: HTTP 404 (not found), while"),
            "{known}"
        );
        assert!(!known.contains("does not know"), "{known}");
        failures.note(not_found(&coverage)).unwrap();
        failures.note(not_found(&claims)).unwrap();
        let unknown = text(&failures, false);
        assert!(
            unknown.ends_with("the server does not know the patient (any more)"),
            "{unknown}"
        );
        // Beside another failure it says nothing of the patient.
        failures.note(not_found(&coverage)).unwrap();
        failures
            .note(FetchError::Failed(reason(&claims, "HTTP 503")))
            .unwrap();
        let mixed = text(&failures, false);
        assert!(!mixed.contains("know the patient"), "{mixed}");
    }

    #[test]
    fn every_resource_type_that_failed_is_named_and_every_cause_once() {
        let (claims, coverage, patient) = (
            ResourceType::explanation_of_benefit(),
            ResourceType::coverage(),
            ResourceType::patient(),
        );
        let failures = Failures::default();
        assert!(failures.end(true).is_none());
        for (resource, cause) in [
            (&patient, "HTTP 503"),
            (&claims, "the connection was reset before the answer"),
            (&coverage, "HTTP 503"),
        ] {
            failures
                .note(FetchError::Failed(reason(resource, cause)))
                .unwrap();
        }
        failures.note(FetchError::GivenUp).unwrap();
        let Some(FetchError::Failed(reason)) = failures.end(false) else {
            panic!("nothing failed");
        };
        for resource in ["Patient", "ExplanationOfBenefit", "Coverage"] {
            assert!(
                reason.text.contains(&format!("GET {resource} ")),
                "{reason:?}"
            );
        }
        assert_eq!(
            reason.cause,
            "HTTP 503, the connection was reset before the answer"
        );
    }

    #[test]
    fn what_concerns_the_patient_as_a_whole_is_given_back() {
        let failures = Failures::default();
        for end in [
            FetchError::Foreign,
            FetchError::NeedsConsent("ended".into()),
            FetchError::Parked("later".into()),
            FetchError::Stop("over".into()),
        ] {
            assert_eq!(failures.note(end.clone()), Err(end));
        }
        assert!(!failures.is_given_up());
    }
}
