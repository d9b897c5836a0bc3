//! Claims of version 3: which template, and the order in which values are drawn.

use super::{diagnoses, header, lines};
use crate::fhir::body::Body;
use crate::fhir::claim_values::ClaimValues;
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, ClaimKind};

/// An ExplanationOfBenefit of a claim.
pub(crate) fn eob(patient: &Beneficiary, claim: &Claim) -> Body {
    let mut values = ClaimValues::of(patient, claim, 0x7633);
    let capacity = 24_000 + values.bill.served_lines() * 7_000;
    header::set_header(&mut values);
    if claim.kind != ClaimKind::Pde {
        diagnoses::set_diagnoses(&mut values);
    }
    if claim.kind.is_institutional() {
        diagnoses::set_procedures(&mut values);
    }
    lines::set_lines(&mut values);
    header::set_amounts(&mut values);
    let template = format!("v3/{}", claim.kind.lower());
    Body::of(&template, &values.values, capacity)
}
