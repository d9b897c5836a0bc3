//! Part D events of version 2.

use super::professional::practitioner;
use crate::fhir::claim_values::{ClaimValues, npi_of};
use crate::fhir::part_d::set_payers;
use crate::population::claim::{Claim, ClaimKind, FinalAction};
use crate::template::Value;
use crate::vocabulary::{DRUGS, FACILITIES, SPECIALTIES};

/// Old bodies lack what later releases added: some Part D events are still served so.
pub(super) fn is_old_form(claim: &Claim) -> bool {
    claim.kind == ClaimKind::Pde && claim.is_one_in(5)
}

/// Sets all that the header's values lack.
pub(super) fn values(claim: &mut ClaimValues<'_>) {
    let (old, is_compound) = (is_old_form(claim.claim), claim.claim.is_one_in(8));
    let random = &mut claim.random;
    let values = &mut claim.values;
    // Most Part D events come without one.
    values.set("has_billable_period", claim.claim.seed % 4 == 1);
    let prescription = random.between(1_000_000, 99_999_999);
    values.set("prescription_number", prescription);
    values.set("pharmacy_npi", npi_of(claim.claim.provider));
    values.set("prescriber_npi", npi_of(random.below(3_000)));
    let days = random.pick(&[30_u32, 30, 60, 90]);
    values.set("days", days);
    let is_named = claim.claim.is_one_in(3);
    values.set("pharmacy_name", is_named.then(|| random.pick(&FACILITIES)));
    if !old {
        values.set("prescriber_name", practitioner(random));
    }
    let (_, taxonomy, display) = random.pick(&SPECIALTIES);
    values.set("specialty.taxonomy", taxonomy);
    values.set("specialty.display", display);
    values.set("refills", random.below(6));
    values.set_code("drug", random.pick(&DRUGS));
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
    values.set("quantity", Value::Thousandths(days * per_day));
    values.set("payment_date", claim.claim.through.plus(15));
    set_payers(claim);
}
