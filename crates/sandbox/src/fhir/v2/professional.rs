//! Carrier and DME claims of version 2: what doctors, laboratories and suppliers bill.

use super::diagnoses::set_diagnoses;
use crate::fhir::claim_values::{ClaimValues, npi_of, set_lines};
use crate::fhir::coding_variants::{
    emergency_service, modifier_count, ndc_of_line, place_of_service,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;
use crate::random::Random;
use crate::template::{Value, Values};
use crate::vocabulary::{
    BETOS, BLOOD_TESTS, DRUGS, EQUIPMENT, FACILITIES, MODIFIERS, PLACES, PRACTITIONERS, SERVICES,
    SPECIALTIES, STATES,
};

/// Sets all that the header's values lack.
pub(super) fn values<'a>(claim: &mut ClaimValues<'a>) {
    let is_dme = claim.claim.kind == ClaimKind::Dme;
    // Old bodies number their lines from later on.
    let first_line = if claim.claim.is_one_in(11) { 6 } else { 1 };
    let has_observation = claim.claim.is_one_in(3);
    claim.values.set("first_line", first_line);
    if has_observation {
        let test = claim.random.pick(&BLOOD_TESTS);
        claim.values.set_code("observation", test);
        let tenths = i64::from(claim.random.between(90, 460));
        claim
            .values
            .set("observation_value", Value::Cents(tenths * 10));
    } else {
        claim.values.set_code("observation", ("", ""));
    }
    let contractor = claim.random.between(10_000, 69_999);
    claim.values.set("contractor", contractor);
    let denial = claim.processing.payment_denial;
    claim.values.set_code("payment_denial", denial);
    providers(claim, is_dme);
    let diagnoses = set_diagnoses(claim);
    let line = |claim: &mut ClaimValues<'a>, number, amounts: &Amounts| {
        let mut line = line(claim, number, amounts, diagnoses);
        line.set("shows_observation", has_observation && number == 1);
        line
    };
    set_lines(claim, first_line, line, |_, _| {});
}

/// Who bills, refers and performs; carriers name the organization too.
fn providers(claim: &mut ClaimValues<'_>, is_dme: bool) {
    let random = &mut claim.random;
    let values = &mut claim.values;
    let billing = claim.claim.provider;
    let referring = random.below(3_000);
    // Numbers of before NPIs, under the type of an NPI.
    let referring = if claim.claim.is_one_in(23) {
        Value::Text("B58432")
    } else {
        npi_of(referring)
    };
    let performing = if claim.claim.is_one_in(29) {
        Value::Padded(7_654_000 + u64::from(billing % 1_000), 7)
    } else {
        npi_of(billing + 1)
    };
    if is_dme {
        values.set("billing_name", practitioner(random));
        values.set("referring_name", practitioner(random));
    }
    values.set("billing_npi", npi_of(billing));
    values.set("referring_npi", referring);
    values.set("performing_npi", performing);
    let (specialty, taxonomy, display) = random.pick(&SPECIALTIES);
    values.set_code("specialty", (specialty, display));
    values.set("specialty.taxonomy", taxonomy);
    if !is_dme {
        // Numbers of the team have gaps now and then.
        let sequence = if claim.claim.is_one_in(13) { 4 } else { 3 };
        values.set("organization_sequence", sequence);
        // The source fills a number that it does not have with zeros.
        let npi = if claim.claim.is_one_in(19) {
            Value::Padded(0, 10)
        } else {
            npi_of(billing)
        };
        values.set("organization_npi", npi);
        values.set("organization_name", random.pick(&FACILITIES));
    }
}

/// The name of a practitioner, as displays give it.
pub(super) fn practitioner(random: &mut Random) -> String {
    let (family, given) = random.pick(&PRACTITIONERS);
    format!("{given} {family}")
}

fn line<'a>(
    claim: &mut ClaimValues<'a>,
    number: u32,
    amounts: &Amounts,
    diagnoses: u32,
) -> Values<'a> {
    let is_dme = claim.claim.kind == ClaimKind::Dme;
    let random = &mut claim.random;
    let mut values = Values::default();
    let units = random.between(1, 3);
    values.set("units", units);
    values.set("quantity", Value::Thousandths(units * 1_000));
    if is_dme {
        let supplier = random.between(1_000_000, 9_999_999);
        values.set("supplier", Value::Padded(u64::from(supplier), 10));
        let measured = units * 1_000 + random.below(1_000);
        values.set("measured_units", Value::Thousandths(measured));
        values.set("pricing_state", random.pick(&STATES));
    } else {
        values.set_code("betos", random.pick(&BETOS));
    }
    values.set_code("processing_indicator", amounts.outcome.indicator);
    values.set("diagnosis_sequence", 1 + random.below(diagnoses));
    set_drug(&mut values, random, 150, claim.claim.seed);
    let services = if is_dme { &EQUIPMENT } else { &SERVICES };
    let drawn = random.pick(services);
    let emergency = emergency_service(claim.claim, number);
    values.set("service", emergency.unwrap_or(drawn).0);
    let has_modifiers = random.chance(400);
    values.set("has_modifiers", has_modifiers);
    if has_modifiers {
        let modifiers = Values::list(modifier_count(claim.claim.seed), |_, values| {
            values.set("modifier", random.pick(&MODIFIERS).0);
        });
        values.set("modifiers", modifiers);
    }
    values.set("state", random.pick(&STATES));
    if !is_dme {
        let laboratory = random
            .chance(200)
            .then(|| random.between(1_000_000, 9_999_999))
            .map(|number| Value::Padded(u64::from(number), 10));
        values.set("laboratory", laboratory);
    }
    let drawn = random.pick(&PLACES);
    values.set_code("place", place_of_service(claim.claim, drawn));
    values
}

/// The NDC of a line, in `per_mille` of a thousand lines.
pub(super) fn set_drug(values: &mut Values<'_>, random: &mut Random, per_mille: u32, seed: u64) {
    if random.chance(per_mille) {
        let (code, display) = random.pick(&DRUGS);
        values.set_code("drug", (ndc_of_line(code, seed), display));
    } else {
        values.set_code("drug", ("", ""));
    }
}
