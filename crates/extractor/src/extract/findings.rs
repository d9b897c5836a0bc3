//! What the readings of one resource type of one patient come to, emptiness doubted.

use claimlake_contract::PatientState;

use crate::fhir::completeness::IncompleteReason;

/// What was found, and what it is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Findings {
    /// Why one of the searches is not known to be complete, after all its readings.
    pub(super) incomplete: Option<IncompleteReason>,
    /// Distinct resources of the first search.
    pub(super) main: u64,
    /// Distinct resources of the searches beside it: v3 lists prior authorizations apart, and they
    /// must not make an empty answer to the first search look like one that is not.
    pub(super) beside: u64,
    /// Whether everything was asked for, and not only what changed.
    pub(super) full: bool,
    /// How many resources earlier runs landed.
    pub(super) held: u64,
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
        if self.held > self.beside {
            let gone = self.held - self.beside;
            let reason = format!("the server serves nothing where {gone} are held");
            return (PatientState::SuspectEmpty, Some(reason));
        }
        if self.is_patient {
            // Everybody has one. None comes after a failure of the server, or where it has merged
            // the patient into another id.
            let reason = "the server serves no Patient resource to a consent that includes it";
            return (PatientState::SuspectEmpty, Some(reason.to_owned()));
        }
        if self.is_suspicious {
            // Nobody may conclude from it that there is nothing.
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
        held: 0,
        is_patient: false,
        is_suspicious: false,
    };

    fn state(found: Findings) -> PatientState {
        found.state().0
    }

    #[test]
    fn prior_authorizations_do_not_hide_that_the_claims_are_gone() {
        let found = Findings {
            beside: 2,
            held: 76,
            ..CLAIMS
        };
        let (state, reason) = found.state();
        assert_eq!(state, PatientState::SuspectEmpty);
        assert_eq!(
            reason.as_deref(),
            Some("the server serves nothing where 74 are held")
        );
    }

    #[test]
    fn a_person_with_prior_authorizations_alone_is_complete() {
        let found = Findings {
            beside: 2,
            held: 2,
            ..CLAIMS
        };
        assert_eq!(state(found), PatientState::Complete);
    }

    #[test]
    fn a_person_who_never_had_claims_is_complete_but_one_without_a_patient_resource_is_not() {
        assert_eq!(state(CLAIMS), PatientState::Complete);
        let patient = Findings {
            is_patient: true,
            ..CLAIMS
        };
        assert_eq!(state(patient), PatientState::SuspectEmpty);
    }

    #[test]
    fn an_answer_with_an_error_in_the_place_of_claims_does_not_mean_that_there_are_none() {
        let suspicious = Findings {
            is_suspicious: true,
            ..CLAIMS
        };
        assert_eq!(state(suspicious), PatientState::SuspectEmpty);
        assert_eq!(
            state(Findings {
                main: 1,
                ..suspicious
            }),
            PatientState::Complete
        );
        let increment = Findings {
            full: false,
            held: 76,
            ..suspicious
        };
        assert_eq!(state(increment), PatientState::Complete);
    }

    #[test]
    fn nothing_new_is_no_emptiness() {
        let found = Findings {
            full: false,
            held: 76,
            ..CLAIMS
        };
        assert_eq!(state(found), PatientState::Complete);
    }
}
