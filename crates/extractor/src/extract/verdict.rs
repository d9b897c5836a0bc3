//! What the readings of one resource type of one person come to, emptiness doubted.

use claimlake_contract::PatientState;

use crate::fhir::completeness::Doubt;

/// What was found, and what it is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Why one of the searches is not known to be complete, after all its readings.
    pub(super) doubt: Option<Doubt>,
    /// Distinct resources of the first search.
    pub(super) main: u64,
    /// Distinct resources of the searches beside it: v3 lists prior authorizations apart, and they
    /// must not make an empty answer to the first search look like one that is not.
    pub(super) beside: u64,
    /// Whether everything was asked for, and not only what changed.
    pub(super) whole: bool,
    /// How many resources earlier runs landed.
    pub(super) held: u64,
    /// Whether this is the Patient resource.
    pub(super) is_patient: bool,
    /// Whether something in the answer may be in the place of a resource.
    pub(super) is_odd: bool,
}

impl Found {
    /// The state, and for people the reason.
    pub(super) fn verdict(self) -> (PatientState, Option<String>) {
        if let Some(doubt) = self.doubt {
            return (PatientState::Incomplete, Some(doubt.to_string()));
        }
        if !self.whole || self.main > 0 {
            return (PatientState::Complete, None);
        }
        if self.held > self.beside {
            let gone = self.held - self.beside;
            let reason = format!("the server serves nothing where {gone} are held");
            return (PatientState::SuspectEmpty, Some(reason));
        }
        if self.is_patient {
            // Everybody has one. None comes after a failure of the server, or where it has merged
            // the person into another id.
            let reason = "the server serves no Patient resource to a consent that includes it";
            return (PatientState::SuspectEmpty, Some(reason.to_owned()));
        }
        if self.is_odd {
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

    use super::Found;

    const CLAIMS: Found = Found {
        doubt: None,
        main: 0,
        beside: 0,
        whole: true,
        held: 0,
        is_patient: false,
        is_odd: false,
    };

    fn state(found: Found) -> PatientState {
        found.verdict().0
    }

    #[test]
    fn prior_authorizations_do_not_hide_that_the_claims_are_gone() {
        let found = Found {
            beside: 2,
            held: 76,
            ..CLAIMS
        };
        let (state, reason) = found.verdict();
        assert_eq!(state, PatientState::SuspectEmpty);
        assert_eq!(
            reason.as_deref(),
            Some("the server serves nothing where 74 are held")
        );
    }

    #[test]
    fn a_person_with_prior_authorizations_alone_is_complete() {
        let found = Found {
            beside: 2,
            held: 2,
            ..CLAIMS
        };
        assert_eq!(state(found), PatientState::Complete);
    }

    #[test]
    fn a_person_who_never_had_claims_is_complete_but_one_without_a_patient_resource_is_not() {
        assert_eq!(state(CLAIMS), PatientState::Complete);
        let patient = Found {
            is_patient: true,
            ..CLAIMS
        };
        assert_eq!(state(patient), PatientState::SuspectEmpty);
    }

    #[test]
    fn an_answer_with_an_error_in_the_place_of_claims_does_not_mean_that_there_are_none() {
        let odd = Found {
            is_odd: true,
            ..CLAIMS
        };
        assert_eq!(state(odd), PatientState::SuspectEmpty);
        assert_eq!(state(Found { main: 1, ..odd }), PatientState::Complete);
        let increment = Found {
            whole: false,
            held: 76,
            ..odd
        };
        assert_eq!(state(increment), PatientState::Complete);
    }

    #[test]
    fn nothing_new_is_no_emptiness() {
        let found = Found {
            whole: false,
            held: 76,
            ..CLAIMS
        };
        assert_eq!(state(found), PatientState::Complete);
    }
}
