//! What was dispensed and what everybody paid for it, the same in both API versions.

use super::claim_values::ClaimValues;
use crate::population::claim::{Claim, ClaimKind};
use crate::random::Random;
use crate::template::Value;
use crate::vocabulary::{Code, DRUGS, FACILITIES, PRACTITIONERS, SPECIALTIES};

const COVERED: Code = ("C", "Covered");
const ENHANCED: Code = (
    "E",
    "Supplemental drugs (reported by plans that provide Enhanced Alternative coverage)",
);
const OVER_THE_COUNTER: Code = ("O", "Over-the-counter drugs");

/// A drug that was dispensed, and by whom.
pub(super) struct Dispensed {
    pub(super) prescription_number: u32,
    /// A number that an NPI is made of.
    pub(super) prescriber: u32,
    pub(super) prescriber_name: Option<String>,
    /// The taxonomy of the prescriber's specialty and its name.
    pub(super) specialty: (&'static str, &'static str),
    pub(super) pharmacy_name: Option<&'static str>,
    pub(super) days: u32,
    pub(super) refills: u32,
    pub(super) drug: Code,
}

impl Dispensed {
    /// Drawn in a fixed order: another one changes the bytes of every seed.
    pub(super) fn of(claim: &Claim) -> Self {
        let mut random = Random::of(&[claim.seed, 0x7632]);
        let prescription_number = random.between(1_000_000, 99_999_999);
        let prescriber = random.below(3_000);
        let days = random.pick(&[30_u32, 30, 60, 90]);
        let pharmacy_name = claim.is_one_in(3).then(|| random.pick(&FACILITIES));
        let prescriber_name = (!is_old_form(claim)).then(|| {
            let (family, given) = random.pick(&PRACTITIONERS);
            format!("{given} {family}")
        });
        let (_, taxonomy, display) = random.pick(&SPECIALTIES);
        Self {
            prescription_number,
            prescriber,
            prescriber_name,
            specialty: (taxonomy, display),
            pharmacy_name,
            days,
            refills: random.below(6),
            drug: random.pick(&DRUGS),
        }
    }
}

/// Old bodies lack what later releases added: version 2 still serves some Part D events so.
pub(super) fn is_old_form(claim: &Claim) -> bool {
    claim.kind == ClaimKind::Pde && claim.is_one_in(5)
}

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
