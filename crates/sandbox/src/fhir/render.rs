//! Bodies of a person in either API version.

use claimlake_contract::ApiVersion;

use super::body::Body;
use super::{v2, v3};
use crate::population::claim::{Claim, PriorAuthorization};
use crate::population::person::Person;
use crate::serve::records::Kind;

/// A claim's body.
pub(crate) fn render(space: ApiVersion, person: &Person, claim: &Claim) -> Body {
    match space {
        ApiVersion::V2 => v2::eob(person, claim),
        ApiVersion::V3 => v3::eob(person, claim),
    }
}

/// The body of a prior authorization, which only v3 has.
pub(crate) fn render_prior_authorization(
    person: &Person,
    authorization: &PriorAuthorization,
) -> Body {
    v3::prior_authorization(person, authorization)
}

/// All bodies of a person that are no claims: the patient, then the coverages.
pub(crate) fn render_others(space: ApiVersion, person: &Person) -> Vec<(Kind, Body)> {
    let coverages: Vec<Body> = match space {
        ApiVersion::V2 => v2::PARTS.map(|part| v2::coverage(person, part)).into(),
        ApiVersion::V3 => {
            let ids = v3::coverage_ids(person);
            ids.iter().map(|id| v3::coverage(person, id)).collect()
        }
    };
    let coverages = coverages.into_iter().map(|body| (Kind::Coverage, body));
    let patient = (Kind::Patient, render_patient(space, person));
    std::iter::once(patient).chain(coverages).collect()
}

/// The Patient of a person.
pub(super) fn render_patient(space: ApiVersion, person: &Person) -> Body {
    match space {
        ApiVersion::V2 => v2::patient(person),
        ApiVersion::V3 => v3::patient(person),
    }
}
