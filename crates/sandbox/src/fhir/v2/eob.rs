//! Claims of version 2: which template, and the values that all have.

use super::{institutional, pharmacy, professional};
use crate::fhir::body::Body;
use crate::fhir::claim_values::{self, ClaimValues};
use crate::fhir::part_d::is_old_form;
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, ClaimKind, FinalAction, v2_claim_id};
use crate::template::{InstantStyle, Value};

/// An ExplanationOfBenefit.
pub(crate) fn eob(patient: &Beneficiary, claim: &Claim) -> Body {
    let mut values = ClaimValues::of(patient, claim, 0x7632);
    let capacity = 9_000 + values.bill.served_lines() * 9_500;
    header(&mut values);
    match claim.kind {
        ClaimKind::Carrier | ClaimKind::Dme => professional::values(&mut values),
        ClaimKind::Pde => pharmacy::values(&mut values),
        _ => institutional::values(&mut values),
    }
    let form = if is_old_form(claim) { "-old" } else { "" };
    let template = format!("v2/{}{form}", claim.kind.lower());
    Body::of(&template, &values.values, capacity)
}

fn header(values: &mut ClaimValues<'_>) {
    let (patient, claim) = (values.patient, values.claim);
    let id = |number| v2_claim_id(patient.index, number, claim.is_inserted);
    let style = if claim.is_one_in(7) {
        InstantStyle::UsEast
    } else {
        InstantStyle::Utc
    };
    let status = match claim.final_action {
        FinalAction::Final => "active",
        FinalAction::Superseded => "cancelled",
    };
    let (sum, processing) = (values.bill.sum, values.processing);
    let control = claim_values::control_number(claim.seed, claim.revision);
    let values = &mut values.values;
    values.set("claim_id", id(claim.number));
    // The group is a number of its own, the same for all versions of a claim.
    values.set("claim_group", 50_000_000_000 + id(claim.group).abs());
    values.set("last_updated", Value::Instant(claim.updated, style));
    values.set("status", status);
    values.set("patient_id", patient.v2_id);
    values.set("from", claim.from);
    values.set("through", claim.through);
    values.set("received", claim.through.plus(14));
    values.set("created", Value::RequestTime);
    values.set("control_number", Value::Padded(control, 14));
    claim_values::set_amounts(values, &sum, &processing);
}
