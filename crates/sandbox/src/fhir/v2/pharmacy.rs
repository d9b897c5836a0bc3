//! Part D events of version 2.

use crate::fhir::claim_values::{ClaimValues, npi_of};
use crate::fhir::part_d::{Dispensed, is_old_form, set_payers};
use crate::population::claim::FinalAction;
use crate::template::Value;

/// Sets all that the header's values lack.
pub(super) fn values(claim: &mut ClaimValues<'_>) {
    let (old, is_compound) = (is_old_form(claim.claim), claim.claim.is_one_in(8));
    let dispensed = Dispensed::of(claim.claim);
    let values = &mut claim.values;
    // Most Part D events come without one.
    values.set("has_billable_period", claim.claim.seed % 4 == 1);
    values.set("prescription_number", dispensed.prescription_number);
    values.set("pharmacy_npi", npi_of(claim.claim.provider));
    values.set("prescriber_npi", npi_of(dispensed.prescriber));
    values.set("days", dispensed.days);
    values.set("pharmacy_name", dispensed.pharmacy_name);
    if let Some(name) = dispensed.prescriber_name {
        values.set("prescriber_name", name);
    }
    let (taxonomy, display) = dispensed.specialty;
    values.set("specialty.taxonomy", taxonomy);
    values.set("specialty.display", display);
    values.set("refills", dispensed.refills);
    values.set_code("drug", dispensed.drug);
    values.set("is_unknown_drug", old && claim.claim.is_one_in(2));
    // An original event has none.
    let adjustment = match (claim.claim.final_action, claim.claim.revision) {
        (FinalAction::Superseded, _) => ("D", "Deletion"),
        (FinalAction::Final, 1..) => ("A", "Adjustment"),
        (FinalAction::Final, 0) => ("", ""),
    };
    values.set_code("adjustment", adjustment);
    values.set("is_compound", is_compound);
    let per_day = if is_compound { 1_080 } else { 1_000 };
    values.set("quantity", Value::Thousandths(dispensed.days * per_day));
    values.set("payment_date", claim.claim.through.plus(15));
    set_payers(claim);
}
