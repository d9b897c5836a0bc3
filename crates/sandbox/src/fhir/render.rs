//! Bodies of a patient in either API version.

use claimlake_contract::ApiVersion;

use super::body::Body;
use super::{v2, v3};
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, PriorAuthorization};
use crate::serve::records::Kind;

/// A claim's body.
pub(crate) fn render(space: ApiVersion, patient: &Beneficiary, claim: &Claim) -> Body {
    match space {
        ApiVersion::V2 => v2::eob(patient, claim),
        ApiVersion::V3 | ApiVersion::Carin => v3::eob(patient, claim),
    }
}

/// The body of a prior authorization, which only v3 has.
pub(crate) fn render_prior_authorization(
    patient: &Beneficiary,
    authorization: &PriorAuthorization,
) -> Body {
    v3::prior_authorization(patient, authorization)
}

/// All bodies of a patient that are no claims: the patient, then the coverages.
pub(crate) fn render_others(space: ApiVersion, patient: &Beneficiary) -> Vec<(Kind, Body)> {
    let coverages: Vec<Body> = match space {
        ApiVersion::V2 => v2::PARTS.map(|part| v2::coverage(patient, part)).into(),
        ApiVersion::V3 | ApiVersion::Carin => v3::coverages(patient),
    };
    let coverages = coverages.into_iter().map(|body| (Kind::Coverage, body));
    let patient = (Kind::Patient, render_patient(space, patient));
    std::iter::once(patient).chain(coverages).collect()
}

/// The Patient of a patient.
pub(super) fn render_patient(space: ApiVersion, patient: &Beneficiary) -> Body {
    match space {
        ApiVersion::V2 => v2::patient(patient),
        ApiVersion::V3 | ApiVersion::Carin => v3::patient(patient),
    }
}
