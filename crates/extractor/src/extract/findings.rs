//! The outcome of the readings of one resource type of one patient; an empty answer is doubted.

use claimlake_contract::PatientState;

use crate::fhir::completeness::IncompleteReason;

/// What was found, and what it is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Findings {
    /// Why one of the searches is not known to be complete, after all its readings.
    pub(super) incomplete: Option<IncompleteReason>,
    /// Distinct resources of the first search.
    pub(super) main: u64,
    /// Distinct resources of the additional searches: v3 lists prior authorizations separately, and
    /// they must not hide that the answer to the first search was empty.
    pub(super) beside: u64,
    /// Whether everything was requested, and not only what changed.
    pub(super) full: bool,
    /// How many resources are known from earlier runs.
    pub(super) known: u64,
    /// Whether this is the Patient resource.
    pub(super) is_patient: bool,
    /// Whether something in the answer may be in the place of a resource.
    pub(super) is_suspicious: bool,
}

impl Findings {
    /// The state, and for patients the reason.
    pub(super) fn state(self) -> (PatientState, Option<String>) {
        if let Some(reason) = self.incomplete {
            return (PatientState::Incomplete, Some(reason.to_string()));
        }
        if !self.full || self.main > 0 {
            return (PatientState::Complete, None);
        }
        if self.known > self.beside {
            let gone = self.known - self.beside;
            let reason = format!("the server serves nothing where {gone} landed before");
            return (PatientState::SuspectEmpty, Some(reason));
        }
        if self.is_patient {
            // Every patient has one. None comes after a failure of the server, or where it has
            // merged the patient into another id.
            let reason = "the server serves no Patient resource to a consent that includes it";
            return (PatientState::SuspectEmpty, Some(reason.to_owned()));
        }
        if self.is_suspicious {
            let reason = "the server serves nothing but an entry without a resource, or a note that \
                          something went wrong";
            return (PatientState::SuspectEmpty, Some(reason.to_owned()));
        }
        (PatientState::Complete, None)
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::PatientState;

    use super::Findings;

    const CLAIMS: Findings = Findings {
        incomplete: None,
        main: 0,
        beside: 0,
        full: true,
        known: 0,
        is_patient: false,
        is_suspicious: false,
    };

    #[test]
    fn an_empty_answer_is_complete_only_where_nothing_is_known_or_was_asked_for_in_full() {
        use PatientState::{Complete, SuspectEmpty};
        let increment = Findings {
            full: false,
            known: 76,
            ..CLAIMS
        };
        for (what, found, state) in [
            ("never had claims", CLAIMS, Complete),
            (
                "prior authorizations alone",
                Findings {
                    beside: 2,
                    known: 2,
                    ..CLAIMS
                },
                Complete,
            ),
            (
                "no Patient resource",
                Findings {
                    is_patient: true,
                    ..CLAIMS
                },
                SuspectEmpty,
            ),
            (
                "an error in the place of claims",
                Findings {
                    is_suspicious: true,
                    ..CLAIMS
                },
                SuspectEmpty,
            ),
            (
                "an error beside a claim",
                Findings {
                    main: 1,
                    is_suspicious: true,
                    ..CLAIMS
                },
                Complete,
            ),
            ("nothing new", increment, Complete),
            (
                "nothing new but an error",
                Findings {
                    is_suspicious: true,
                    ..increment
                },
                Complete,
            ),
        ] {
            assert_eq!(found.state().0, state, "{what}");
        }
    }

    #[test]
    fn prior_authorizations_do_not_hide_that_the_claims_are_gone() {
        let found = Findings {
            beside: 2,
            known: 76,
            ..CLAIMS
        };
        let (state, reason) = found.state();
        assert_eq!(state, PatientState::SuspectEmpty);
        let expected = "the server serves nothing where 74 landed before";
        assert_eq!(reason.as_deref(), Some(expected));
    }
}
