//! Lines of claims in version 3.

use crate::fhir::claim_values::{self, ClaimValues};
use crate::fhir::coding_variants::{
    emergency_service, modifier_count, ndc_of_line, place_of_service, rate_line, revenue_center,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;
use crate::random::Random;
use crate::template::{Value, Values};
use crate::vocabulary::{DRUGS, EQUIPMENT, MODIFIERS, PLACES, REVENUE_CENTERS, SERVICES};

/// Sets the lines; a Part D event has one, whose amounts are those of the header.
pub(super) fn set_lines(claim: &mut ClaimValues<'_>) {
    if claim.claim.kind == ClaimKind::Pde {
        drug(claim);
        return;
    }
    let line = match claim.claim.kind {
        ClaimKind::Carrier | ClaimKind::Dme => professional_line,
        _ => revenue_line,
    };
    claim_values::set_lines(claim, 1, line, |_, _| {});
}

fn drug(claim: &mut ClaimValues<'_>) {
    let is_compound = claim.claim.is_one_in(8);
    claim.values.set("is_compound", is_compound);
    let compound = match (claim.claim.seed / 8 % 6, is_compound) {
        (0, _) => ("0", "Not specified (missing values are also possible)"),
        (_, false) => ("1", "Not a compound"),
        (_, true) => ("2", "Compound"),
    };
    claim.values.set_code("compound", compound);
    if is_compound {
        let (ingredient, quantity) = ingredient(&mut claim.random);
        claim.values.set("ingredient", ingredient);
        claim.values.set("ingredient_quantity", quantity);
    }
}

fn professional_line<'a>(
    claim: &mut ClaimValues<'a>,
    number: u32,
    amounts: &Amounts,
) -> Values<'a> {
    let seed = claim.claim.seed;
    let random = &mut claim.random;
    let mut values = Values::default();
    let units = random.between(1, 3);
    values.set("units", units);
    values.set("quantity", Value::Thousandths(units * 1_000));
    values.set("measured_units", Value::Cents(i64::from(units) * 100 + 10));
    values.set("shows_tax_number", random.chance(300));
    values.set("processing_indicator", amounts.outcome.indicator.0);
    let shows_observation = claim.claim.is_one_in(3) && number == 1;
    values.set("shows_observation", shows_observation);
    let service = if claim.claim.kind == ClaimKind::Dme {
        random.pick(&EQUIPMENT)
    } else {
        random.pick(&SERVICES)
    };
    let service = emergency_service(claim.claim, number).unwrap_or(service);
    set_service(&mut values, random, service, seed);
    // Professional lines have a revenue centre now and then, and 0001 is no total there.
    let center = match claim.claim.seed / 3 % 9 {
        0 if number == 1 => ("0001", "TOTAL CHARGE"),
        0 | 1 => random.pick(&REVENUE_CENTERS),
        _ => ("", ""),
    };
    values.set_code("revenue_center", center);
    let drawn = random.pick(&PLACES);
    let (place, display) = place_of_service(claim.claim, drawn);
    let is_shown = number.is_multiple_of(2);
    values.set_code("place", (place, if is_shown { display } else { "" }));
    set_status_and_drug(&mut values, random, seed);
    values
}

fn revenue_line<'a>(claim: &mut ClaimValues<'a>, number: u32, _: &Amounts) -> Values<'a> {
    let seed = claim.claim.seed;
    let random = &mut claim.random;
    let mut values = Values::default();
    let units = random.between(1, 12);
    values.set("quantity", Value::Thousandths(units * 1_000));
    let drawn = revenue_center(claim.claim, number, random);
    let rate = rate_line(claim.claim, number);
    let center = match rate {
        Some((center, _)) => (center, "HIPPS RATE CODE"),
        None => drawn,
    };
    values.set_code("revenue_center", center);
    values.set("rate", rate.map(|(_, code)| code));
    if rate.is_none() {
        let drawn = random.pick(&SERVICES);
        let service = emergency_service(claim.claim, number).unwrap_or(drawn);
        set_service(&mut values, random, service, seed);
    }
    // A few lines of stays say who treated.
    let points = claim.claim.kind == ClaimKind::Inpatient && number == 1;
    values.set("points_to_rendering", points);
    set_status_and_drug(&mut values, random, seed);
    values
}

/// The procedure code, and modifiers: seldom more than one, in a few lines up to five.
fn set_service(
    values: &mut Values<'_>,
    random: &mut Random,
    (code, system): (&'static str, &'static str),
    seed: u64,
) {
    values.set("service_system", system);
    values.set("service", code);
    let has_modifiers = random.chance(350);
    values.set("has_modifiers", has_modifiers);
    if has_modifiers {
        let modifiers = Values::list(modifier_count(seed), |_, values| {
            let (modifier, system) = random.pick(&MODIFIERS);
            values.set("modifier_system", system);
            values.set("modifier", modifier);
        });
        values.set("modifiers", modifiers);
    }
}

/// Why a line was not paid in full, and which drug it was for, on the few lines that have this.
fn set_status_and_drug(values: &mut Values<'_>, random: &mut Random, seed: u64) {
    values.set("is_adjusted", random.chance(100));
    if random.chance(120) {
        let (drug, quantity) = ingredient(random);
        values.set("drug", ndc_of_line(drug, seed));
        values.set("drug_quantity", quantity);
    } else {
        values.set("drug", Value::Absent);
    }
}

fn ingredient(random: &mut Random) -> (&'static str, Value<'static>) {
    let (drug, _) = random.pick(&DRUGS);
    (drug, Value::Thousandths(random.between(1, 90) * 500))
}
