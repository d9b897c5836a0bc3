//! What everybody paid for a drug, the same in both API versions.

use super::claim_values::ClaimValues;
use crate::template::Value;
use crate::vocabulary::Code;

const COVERED: Code = ("C", "Covered");
const ENHANCED: Code = (
    "E",
    "Supplemental drugs (reported by plans that provide Enhanced Alternative coverage)",
);
const OVER_THE_COUNTER: Code = ("O", "Over-the-counter drugs");

/// Sets the payments for a Part D event; together they are the cost of the drug.
pub(super) fn set_payers(claim: &mut ClaimValues<'_>) {
    let is_one_in = |n| claim.claim.is_one_in(n);
    let cost = claim.bill.sum.allowed;
    let own_share = claim.bill.sum.deductible + claim.bill.sum.coinsurance;
    let share = |applies: bool, part: i64| if applies { own_share / part } else { 0 };
    let subsidy = share(claim.patient.is_dual, 2);
    let other_payers = share(is_one_in(6), 10);
    let other_out_of_pocket = share(is_one_in(12), 8);
    let gap = share(is_one_in(10), 5);
    let plan = cost - own_share;
    let status = match claim.claim.seed / 2 % 40 {
        0..4 => ENHANCED,
        4 => OVER_THE_COUNTER,
        _ => COVERED,
    };
    // A plan pays for what Part D does not cover, or more than it would.
    let noncovered = match status.0 {
        "C" if is_one_in(11) => Some(plan / 4),
        "C" => None,
        _ => Some(plan),
    };
    let below = cost.min(300_000);
    let values = &mut claim.values;
    values.set_code("coverage_status", status);
    values.set("noncovered_plan_paid", noncovered.map(Value::Cents));
    values.set_cents([
        ("cost", cost),
        ("covered_plan_paid", plan - noncovered.unwrap_or_default()),
        ("below_threshold", below),
        ("above_threshold", cost - below),
        (
            "patient_paid",
            own_share - subsidy - other_payers - other_out_of_pocket - gap,
        ),
        ("subsidy", subsidy),
        ("other_payers", other_payers),
        ("other_out_of_pocket", other_out_of_pocket),
        ("gap_discount", gap),
    ]);
}
