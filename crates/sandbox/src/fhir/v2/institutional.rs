//! Claims of facilities in version 2: hospitals, nursing facilities, home health, hospice.

use super::diagnoses::set_diagnoses;
use super::professional::set_drug;
use crate::fhir::claim_values::{
    ClaimValues, is_hospital_stay, npi_of, paid_by_plan, set_lines, set_stay,
};
use crate::fhir::coding_variants::{emergency_service, rate_line, revenue_center};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;
use crate::template::{Value, Values};
use crate::vocabulary::{FACILITIES, MODIFIERS, PROCEDURES, SERVICES, SPECIALTIES, STATES};

/// Sets all that the header's values lack.
pub(super) fn values(claim: &mut ClaimValues<'_>) {
    let kind = claim.claim.kind;
    let is_hospital_stay = is_hospital_stay(kind);
    facility(claim);
    team(claim);
    information(claim, is_hospital_stay);
    set_diagnoses(claim);
    let has_procedures = is_hospital_stay || claim.random.chance(100);
    claim.values.set("has_procedures", has_procedures);
    if has_procedures {
        let count = claim.random.between(1, 4);
        let procedures = Values::list(count, |_, values| {
            values.set_code("procedure", claim.random.pick(&PROCEDURES));
        });
        claim.values.set("procedures", procedures);
    }
    lines(claim);
    balance(claim);
}

fn facility(claim: &mut ClaimValues<'_>) {
    let random = &mut claim.random;
    let values = &mut claim.values;
    let facility = claim.claim.provider;
    values.set("facility_number", 100_000 + facility);
    values.set("facility_npi", npi_of(facility));
    let name = if claim.claim.is_one_in(3) {
        ""
    } else {
        random.pick(&FACILITIES)
    };
    values.set("facility_name", name);
    if claim.claim.kind == ClaimKind::Inpatient {
        for name in [
            "medical_education",
            "uncompensated_care",
            "disproportionate_share",
        ] {
            values.set(name, Value::Cents(i64::from(random.below(800_000))));
        }
    }
    values.set("processed", claim.claim.through.plus(9));
    let non_payment = claim.processing.non_payment.unwrap_or_default();
    values.set_code("non_payment", non_payment);
}

fn team(claim: &mut ClaimValues<'_>) {
    let attending = claim.random.below(3_000);
    for (name, offset) in [
        ("attending_npi", 0),
        ("operating_npi", 3),
        ("other_operating_npi", 5),
        ("performing_npi", 7),
    ] {
        claim.values.set(name, npi_of(attending + offset));
    }
    let (_, taxonomy, display) = claim.random.pick(&SPECIALTIES);
    claim.values.set("specialty.taxonomy", taxonomy);
    claim.values.set("specialty.display", display);
}

fn information(claim: &mut ClaimValues<'_>, is_hospital_stay: bool) {
    let random = &mut claim.random;
    let values = &mut claim.values;
    let from = claim.claim.from;
    if is_hospital_stay {
        values.set("diagnosis_related_group", claim.stay.related_group);
        values.set("blood_pints", random.below(5));
        values.set("qualifying_stay_from", from.plus(-4));
        values.set("qualifying_stay_through", from.plus(-1));
    }
    let by_plan = paid_by_plan(&claim.processing);
    values.set_code("paid_by_plan", by_plan);
    values.set_code("bill_frequency", claim.processing.frequency);
    values.set_code("discharge_status", claim.stay.ending);
    let status = match claim.stay.ending.0 {
        "30" => ("C", "Still a patient"),
        "20" => ("B", "Died"),
        _ => ("A", "Discharged"),
    };
    values.set_code("patient_status", status);
    set_stay(claim);
}

fn lines(claim: &mut ClaimValues<'_>) {
    // Old outpatient bodies number their lines from 25 on.
    let is_old = claim.claim.kind == ClaimKind::Outpatient && claim.claim.is_one_in(12);
    let first = if is_old { 25 } else { 1 };
    set_lines(claim, first, line, |claim, total| {
        total.set("state", claim.random.pick(&STATES));
    });
}

/// A line; `number` counts from 1.
fn line<'a>(claim: &mut ClaimValues<'a>, number: u32, _: &Amounts) -> Values<'a> {
    let random = &mut claim.random;
    let seed = claim.claim.seed;
    let mut values = Values::default();
    let units = random.between(1, 12);
    values.set("units", units);
    let rate = rate_line(claim.claim, number);
    let drawn = revenue_center(claim.claim, number, random);
    let center = match rate {
        Some((center, _)) => (
            center,
            "Health Insurance Prospective Payment System (HIPPS)",
        ),
        None => drawn,
    };
    values.set_code("revenue_center", center);
    let drawn = random.pick(&SERVICES);
    let (service, _) = emergency_service(claim.claim, number).unwrap_or(drawn);
    values.set("service", rate.map_or(service, |(_, code)| code));
    set_drug(&mut values, random, 120, seed);
    let modifier = random.chance(300).then(|| random.pick(&MODIFIERS).0);
    values.set("modifier", modifier);
    values.set("state", random.pick(&STATES));
    let quantity = random
        .chance(300)
        .then_some(Value::Thousandths(units * 1_500));
    values.set("quantity", quantity);
    values
}

/// Money of the header that is no sum of lines.
fn balance(claim: &mut ClaimValues<'_>) {
    if claim.claim.kind == ClaimKind::Inpatient {
        let paid = claim.bill.sum.paid;
        claim.values.set_cents([
            ("capital_total", paid / 10),
            ("capital_federal", paid / 20),
            ("capital_education", paid / 40),
        ]);
    }
}
