//! What the values of a claim's body are made from, in both API versions.

use super::npi::npi;
use super::template::{Value, Values};
use super::vocabulary::PRACTITIONERS;
use crate::population::claim::{Claim, ClaimKind};
use crate::population::dice::Dice;
use crate::population::money::{Amounts, Bill};
use crate::population::person::Person;
use crate::population::processing::{Code, Processing};

/// The values of a claim's body, and what they are drawn from. The dice make a body reproducible:
/// drawing in another order changes the bytes of every seed.
pub(super) struct ClaimValues<'a> {
    pub(super) values: Values<'a>,
    pub(super) dice: Dice,
    pub(super) person: &'a Person,
    pub(super) claim: &'a Claim,
    pub(super) bill: Bill,
    pub(super) processing: Processing,
}

impl<'a> ClaimValues<'a> {
    /// No values yet. `version` parts the dice of the API versions.
    pub(super) fn of(person: &'a Person, claim: &'a Claim, version: u64) -> Self {
        Self {
            values: Values::default(),
            dice: Dice::of(&[claim.seed, version]),
            person,
            claim,
            bill: Bill::of(claim),
            processing: Processing::of(claim),
        }
    }
}

/// The amounts of a line, or of a whole claim.
pub(super) fn set_amounts(values: &mut Values<'_>, amounts: &Amounts) {
    for (name, cents) in [
        ("submitted", amounts.submitted),
        ("allowed", amounts.allowed),
        ("deductible", amounts.deductible),
        ("coinsurance", amounts.coinsurance),
        ("owed", amounts.deductible + amounts.coinsurance),
        ("paid", amounts.paid),
        ("noncovered", amounts.noncovered),
    ] {
        values.set(name, Value::Cents(cents));
    }
}

/// A provider's NPI.
pub(super) fn npi_of(provider: u32) -> Value<'static> {
    Value::Padded(npi(provider), 10)
}

/// A stay in a hospital or a nursing facility.
pub(super) fn is_hospital_stay(kind: ClaimKind) -> bool {
    matches!(kind, ClaimKind::Inpatient | ClaimKind::Snf)
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
pub(super) fn set_member(values: &mut Values<'_>, dice: &mut Dice, role: &str) {
    values.set(&format!("{role}.npi"), npi_of(dice.below(3_000)));
    let (family, given) = dice.pick(&PRACTITIONERS);
    values.set(&format!("{role}.name"), format!("{family}, {given}"));
}
