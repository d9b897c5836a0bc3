//! What the values of a claim's body are made from, in both API versions.

use super::npi::npi;
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, ClaimKind};
use crate::population::money::{Amounts, Bill};
use crate::population::processing::Processing;
use crate::population::stay::Stay;
use crate::random::Random;
use crate::template::{Value, Values};
use crate::vocabulary::{Code, PRACTITIONERS};

/// The values of a claim's body, and what they are drawn from. Drawing in another order
/// changes the bytes of every seed.
pub(super) struct ClaimValues<'a> {
    pub(super) values: Values<'a>,
    pub(super) random: Random,
    pub(super) patient: &'a Beneficiary,
    pub(super) claim: &'a Claim,
    pub(super) bill: Bill,
    pub(super) processing: Processing,
    pub(super) stay: Stay,
}

impl<'a> ClaimValues<'a> {
    /// No values yet. `version` separates the random draws of the two API versions.
    pub(super) fn of(patient: &'a Beneficiary, claim: &'a Claim, version: u64) -> Self {
        let processing = Processing::of(claim);
        Self {
            values: Values::default(),
            random: Random::of(&[claim.seed, version]),
            patient,
            claim,
            bill: Bill::of(claim),
            processing,
            stay: Stay::of(claim, &processing),
        }
    }
}

/// The amounts of a line, or of a whole claim, with who was paid.
pub(super) fn set_amounts(values: &mut Values<'_>, amounts: &Amounts, processing: &Processing) {
    let (to_patient, to_provider) = if processing.is_paid_to_patient {
        (amounts.paid, 0)
    } else {
        (0, amounts.paid)
    };
    values.set_cents([
        ("submitted", amounts.submitted),
        ("allowed", amounts.allowed),
        ("deductible", amounts.deductible),
        ("coinsurance", amounts.coinsurance),
        ("owed", amounts.deductible + amounts.coinsurance),
        ("paid", amounts.paid),
        ("paid_to_patient", to_patient),
        ("paid_to_provider", to_provider),
        ("noncovered", amounts.noncovered),
    ]);
}

/// Sets the lines, numbered from `first`, and where the claim has one the line of their sum, to
/// which `total` adds what it shows beyond amounts. `line` is given a number that counts from 1.
pub(super) fn set_lines<'a>(
    claim: &mut ClaimValues<'a>,
    first: u32,
    line: impl Fn(&mut ClaimValues<'a>, u32, &Amounts) -> Values<'a>,
    total: impl Fn(&mut ClaimValues<'a>, &mut Values<'a>),
) {
    let amounts = std::mem::take(&mut claim.bill.lines);
    let mut lines = Vec::with_capacity(amounts.len());
    let mut sequence = first;
    for (number, amounts) in (1..).zip(&amounts) {
        let mut values = line(claim, number, amounts);
        values.set("sequence", sequence);
        set_amounts(&mut values, amounts, &claim.processing);
        lines.push(values);
        sequence += 1;
    }
    claim.values.set("lines", lines);
    let total_line = claim.bill.has_total_line.then(|| {
        let mut values = Values::default();
        total(claim, &mut values);
        values.set("sequence", sequence);
        set_amounts(&mut values, &claim.bill.sum, &claim.processing);
        vec![values]
    });
    claim.values.set("total_line", total_line);
}

/// A provider's NPI.
pub(super) fn npi_of(provider: u32) -> Value<'static> {
    Value::Padded(npi(provider), 10)
}

/// A stay in a hospital or a nursing facility.
pub(super) fn is_hospital_stay(kind: ClaimKind) -> bool {
    matches!(kind, ClaimKind::Inpatient | ClaimKind::Snf)
}

/// Sets what a facility's claim says of the stay.
pub(super) fn set_stay(claim: &mut ClaimValues<'_>) {
    let stay = claim.stay;
    let values = &mut claim.values;
    values.set("admitted", claim.claim.admitted);
    values.set_code("admission_type", stay.admission_type);
    values.set("covered_days", stay.covered_days);
    values.set("noncovered_days", stay.noncovered_days);
    values.set("coinsurance_days", stay.coinsurance_days);
    values.set("lifetime_reserve_days", stay.lifetime_reserve_days);
    values.set("per_diem", Value::Cents(stay.per_diem));
}

/// Whether a Medicare Advantage plan paid a facility's claim.
pub(super) fn paid_by_plan(processing: &Processing) -> Code {
    if processing.is_paid_by_plan {
        ("1", "MCO has paid the provider for a claim")
    } else {
        ("0", "No managed care organization (MCO) payment")
    }
}

/// Draws a practitioner of version 3's care teams: NPI and name.
pub(super) fn set_member(values: &mut Values<'_>, random: &mut Random, role: &str) {
    values.set(&format!("{role}.npi"), npi_of(random.below(3_000)));
    let (family, given) = random.pick(&PRACTITIONERS);
    values.set(&format!("{role}.name"), format!("{family}, {given}"));
}

/// The number a claim has with its contractor, the same in both versions; a later revision has its
/// own.
pub(super) fn control_number(seed: u64, revision: u8) -> u64 {
    let drawn = Random::of(&[seed, 0x0063_636e, u64::from(revision)]).next();
    10_000_000_000_000 + drawn % 1_000_000_000_000
}
