//! The values of version 3's bodies: codes in `supportingInfo`, money of the header in
//! `adjudication`, tags that say where a claim comes from and whether it is final. The bodies are
//! in `templates/v3`.

mod coverage;
mod diagnoses;
mod header;
mod lines;
mod patient;
mod prior_authorization;

pub(crate) use coverage::{coverage, coverage_ids};
pub(crate) use patient::patient;
pub(crate) use prior_authorization::{prior_authorization, prior_authorization_id};

use super::bodies;
use super::body::Body;
use super::claim_values::ClaimValues;
use crate::population::claim::{Claim, ClaimKind};
use crate::population::person::Person;

/// An ExplanationOfBenefit of a claim.
pub(crate) fn eob(person: &Person, claim: &Claim) -> Body {
    let mut values = ClaimValues::of(person, claim, 0x7633);
    let capacity = 24_000 + values.bill.served_lines() * 7_000;
    let template = match claim.kind {
        ClaimKind::Carrier => "v3/carrier",
        ClaimKind::Dme => "v3/dme",
        ClaimKind::Hha => "v3/hha",
        ClaimKind::Hospice => "v3/hospice",
        ClaimKind::Inpatient => "v3/inpatient",
        ClaimKind::Outpatient => "v3/outpatient",
        ClaimKind::Pde => "v3/pde",
        ClaimKind::Snf => "v3/snf",
    };
    header::set_header(&mut values);
    if claim.kind != ClaimKind::Pde {
        diagnoses::set_diagnoses(&mut values);
    }
    if claim.kind.is_institutional() {
        diagnoses::set_procedures(&mut values);
    }
    lines::set_lines(&mut values);
    header::set_amounts(&mut values);
    bodies::body(template, &values.values, capacity)
}
