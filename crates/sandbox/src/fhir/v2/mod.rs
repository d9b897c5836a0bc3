//! The values of version 2's bodies: CMS variables in extensions, money of the header in
//! `benefitBalance`, `created` at the time of the request. The bodies are in `templates/v2`.

mod coverage;
mod diagnoses;
mod institutional;
mod patient;
mod pharmacy;
mod professional;

pub(crate) use coverage::{PARTS, coverage};
pub(crate) use patient::patient;

use super::bodies;
use super::body::Body;
use super::claim_values::{self, ClaimValues};
use super::template::{InstantStyle, Value};
use crate::population::claim::{Claim, ClaimKind, Standing, v2_claim_id};
use crate::population::person::Person;

/// Old bodies lack what later releases added: some Part D events are still served so.
fn is_old_form(claim: &Claim) -> bool {
    claim.kind == ClaimKind::Pde && claim.is_one_in(5)
}

/// An ExplanationOfBenefit.
pub(crate) fn eob(person: &Person, claim: &Claim) -> Body {
    let mut values = ClaimValues::of(person, claim, 0x7632);
    let capacity = 9_000 + values.bill.served_lines() * 9_500;
    header(&mut values);
    let template = match claim.kind {
        ClaimKind::Pde if is_old_form(claim) => "v2/pde-old",
        ClaimKind::Pde => "v2/pde",
        ClaimKind::Carrier => "v2/carrier",
        ClaimKind::Dme => "v2/dme",
        ClaimKind::Hha => "v2/hha",
        ClaimKind::Hospice => "v2/hospice",
        ClaimKind::Inpatient => "v2/inpatient",
        ClaimKind::Outpatient => "v2/outpatient",
        ClaimKind::Snf => "v2/snf",
    };
    match claim.kind {
        ClaimKind::Carrier | ClaimKind::Dme => professional::values(&mut values),
        ClaimKind::Pde => pharmacy::values(&mut values),
        _ => institutional::values(&mut values),
    }
    bodies::body(template, &values.values, capacity)
}

fn header(values: &mut ClaimValues<'_>) {
    let (person, claim) = (values.person, values.claim);
    let id = |number| v2_claim_id(person.index, number, claim.is_intruder);
    let style = if claim.is_one_in(7) {
        InstantStyle::UsEast
    } else {
        InstantStyle::Utc
    };
    let status = match claim.standing {
        Standing::Final => "active",
        Standing::Superseded => "cancelled",
    };
    let sum = values.bill.sum;
    let control = super::control_number(claim.seed, claim.revision);
    let values = &mut values.values;
    values.set("claim_id", id(claim.number));
    // The group is a number of its own, the same for all versions of a claim.
    values.set("claim_group", 50_000_000_000 + id(claim.group).abs());
    values.set("last_updated", Value::Instant(claim.updated, style));
    values.set("status", status);
    values.set("patient_id", person.v2_id);
    values.set("from", claim.from);
    values.set("through", claim.through);
    values.set("received", claim.through.plus(14));
    values.set("created", Value::RequestTime);
    values.set("control_number", Value::Padded(control, 14));
    claim_values::set_amounts(values, &sum);
}
