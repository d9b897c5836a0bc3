//! Lines of claims in version 3.

use crate::fhir::as_sent::{modifier_count, ndc_of_line, rate_line, revenue_as_sent};
use crate::fhir::claim_values::{ClaimValues, set_amounts};
use crate::fhir::template::{Value, Values};
use crate::fhir::vocabulary::{DRUGS, EQUIPMENT, MODIFIERS, PLACES, REVENUE_CENTERS, SERVICES};
use crate::population::claim::ClaimKind;
use crate::population::dice::Dice;
use crate::population::money::Amounts;

/// Sets the lines; a Part D event has one, whose amounts are those of the header.
pub(super) fn set_lines(claim: &mut ClaimValues<'_>) {
    if claim.claim.kind == ClaimKind::Pde {
        drug(claim);
        return;
    }
    let amounts = std::mem::take(&mut claim.bill.lines);
    let mut lines = Vec::with_capacity(amounts.len());
    for (number, amounts) in (1..).zip(&amounts) {
        let mut line = match claim.claim.kind {
            ClaimKind::Carrier | ClaimKind::Dme => professional_line(claim, number, amounts),
            _ => revenue_line(claim, number),
        };
        line.set("sequence", number);
        set_amounts(&mut line, amounts);
        lines.push(line);
    }
    let total_line = claim.bill.has_total_line.then(|| {
        // The units and the revenue centre of a total are drawn and not shown.
        claim.dice.between(1, 12);
        claim.dice.pick(&REVENUE_CENTERS);
        let mut total = Values::default();
        let number = i64::try_from(lines.len()).unwrap_or_default() + 1;
        total.set("sequence", number);
        set_amounts(&mut total, &claim.bill.sum);
        vec![total]
    });
    claim.values.set("lines", lines);
    claim.values.set("total_line", total_line);
}

fn drug(claim: &mut ClaimValues<'_>) {
    let (drug, _) = claim.dice.pick(&DRUGS);
    let is_compound = claim.claim.is_one_in(8);
    claim.values.set("drug", drug);
    claim.values.set("is_compound", is_compound);
    if is_compound {
        let (ingredient, quantity) = ingredient(&mut claim.dice);
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
    let dice = &mut claim.dice;
    let mut values = Values::default();
    let units = dice.between(1, 3);
    values.set("units", units);
    values.set("quantity", Value::Thousandths(units * 1_000));
    values.set("measured_units", Value::Cents(i64::from(units) * 100 + 10));
    values.set("shows_tax_number", dice.chance(300));
    values.set("processing_indicator", amounts.outcome.indicator.0);
    let shows_observation = claim.claim.is_one_in(3) && number == 1;
    values.set("shows_observation", shows_observation);
    let service = if claim.claim.kind == ClaimKind::Dme {
        dice.pick(&EQUIPMENT)
    } else {
        dice.pick(&SERVICES)
    };
    set_service(&mut values, dice, service, seed);
    let (place, display) = dice.pick(&PLACES);
    let is_shown = number.is_multiple_of(2);
    values.set_code("place", (place, if is_shown { display } else { "" }));
    set_status_and_drug(&mut values, dice, seed);
    values
}

fn revenue_line<'a>(claim: &mut ClaimValues<'a>, number: u32) -> Values<'a> {
    let seed = claim.claim.seed;
    let dice = &mut claim.dice;
    let mut values = Values::default();
    let units = dice.between(1, 12);
    values.set("quantity", Value::Thousandths(units * 1_000));
    let (center, display) = dice.pick(&REVENUE_CENTERS);
    let rate = rate_line(claim.claim, number);
    let center = match rate {
        Some((center, _)) => (center, "HIPPS RATE CODE"),
        None => (revenue_as_sent(center, seed), display),
    };
    values.set_code("revenue_center", center);
    values.set("rate", rate.map(|(_, code)| code));
    if rate.is_none() {
        let service = dice.pick(&SERVICES);
        set_service(&mut values, dice, service, seed);
    }
    set_status_and_drug(&mut values, dice, seed);
    values
}

/// The procedure code, and modifiers: seldom more than one, in a few lines up to five.
fn set_service(
    values: &mut Values<'_>,
    dice: &mut Dice,
    (code, system): (&'static str, &'static str),
    seed: u64,
) {
    values.set("service_system", system);
    values.set("service", code);
    let has_modifiers = dice.chance(350);
    values.set("has_modifiers", has_modifiers);
    if has_modifiers {
        let modifiers: Vec<Values<'_>> = (0..modifier_count(seed))
            .map(|_| {
                let (modifier, system) = dice.pick(&MODIFIERS);
                let mut values = Values::default();
                values.set("modifier_system", system);
                values.set("modifier", modifier);
                values
            })
            .collect();
        values.set("modifiers", modifiers);
    }
}

/// Why a line was not paid in full, and which drug it was for, on the few lines that say so.
fn set_status_and_drug(values: &mut Values<'_>, dice: &mut Dice, seed: u64) {
    values.set("is_adjusted", dice.chance(100));
    if dice.chance(120) {
        let (drug, quantity) = ingredient(dice);
        values.set("drug", ndc_of_line(drug, seed));
        values.set("drug_quantity", quantity);
    } else {
        values.set("drug", Value::Absent);
    }
}

fn ingredient(dice: &mut Dice) -> (&'static str, Value<'static>) {
    let (drug, _) = dice.pick(&DRUGS);
    (drug, Value::Thousandths(dice.between(1, 90) * 500))
}
