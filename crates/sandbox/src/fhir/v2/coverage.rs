//! Coverage of version 2: parts A to D, with an extension for every month of a year.

use crate::fhir::body::Body;
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::enrollment::{
    Month, NO_MEDICARE, REFERENCE_YEAR, coverage_updated, dual_status, month, part_c_from,
};
use crate::random::Random;
use crate::template::{InstantStyle, Value, Values};

/// The parts, in the order that ids sort in.
pub(crate) const PARTS: [char; 4] = ['a', 'b', 'c', 'd'];

/// A part of a patient's Medicare. Version 2 serves all four to everybody; codes say who is
/// enrolled.
pub(crate) fn coverage(patient: &Beneficiary, part: char) -> Body {
    let mut random = Random::of(&[patient.seed, u64::from(part)]);
    let updated = coverage_updated(patient, random.below(90));
    let is_over = patient.death.is_some();
    let mut values = Values::default();
    values.set("patient_id", patient.v2_id);
    values.set("last_updated", Value::Instant(updated, InstantStyle::Utc));
    let termination = if is_over {
        ("1", "Dead")
    } else {
        ("0", "Not Terminated")
    };
    values.set_code("termination", termination);
    values.set("reference_year", i64::from(REFERENCE_YEAR));
    values.set("status", if is_over { "cancelled" } else { "active" });
    values.set("mbi", patient.mbi.as_str());
    values.set("enrolled", enrolled(patient));
    values.set("death", patient.death);
    values.set("has_contract", patient.index.is_multiple_of(10));
    let months = known(patient, updated)
        .map(|(number, is_entitled)| {
            let mut values = month_values(patient, number, is_entitled);
            match part {
                'c' => part_c(&mut values, patient, number, is_entitled),
                'd' => part_d(&mut values, patient, is_entitled),
                _ => buy_in(&mut values, patient, is_entitled),
            }
            values
        })
        .collect::<Vec<_>>();
    values.set("months", months);
    Body::of(&format!("v2/coverage-{part}"), &values, 40_000)
}

/// The months that are known as of an instant, with Medicaid's code of each.
pub(super) fn months(patient: &Beneficiary, as_of: i64) -> Vec<Values<'_>> {
    known(patient, as_of)
        .map(|(number, is_entitled)| month_values(patient, number, is_entitled))
        .collect()
}

/// The numbers of the months that are known, and whether the patient was entitled then.
fn known(patient: &Beneficiary, as_of: i64) -> impl Iterator<Item = (u32, bool)> {
    (1..=12).filter_map(move |number| match month(patient, number, as_of) {
        Month::Entitled => Some((number, true)),
        Month::NotEntitled => Some((number, false)),
        Month::Unknown => None,
    })
}

fn month_values(patient: &Beneficiary, number: u32, is_entitled: bool) -> Values<'_> {
    let mut values = Values::default();
    values.set("month", Value::Padded(u64::from(number), 2));
    values.set("month_number", number);
    let dual = if is_entitled {
        dual_status(patient)
    } else {
        NO_MEDICARE
    };
    values.set_code("dual", dual);
    values
}

fn buy_in(values: &mut Values<'_>, patient: &Beneficiary, is_entitled: bool) {
    let code = match (is_entitled, patient.is_dual) {
        (true, true) => ("C", "Part A and Part B, state buy-in"),
        (true, false) => ("3", "Part A and Part B"),
        (false, _) => ("0", "Not entitled"),
    };
    values.set_code("buy_in", code);
}

fn part_c(values: &mut Values<'_>, patient: &Beneficiary, number: u32, is_entitled: bool) {
    let (_, first_month, _) = part_c_from(patient).date();
    let starts_later = part_c_from(patient) > enrolled(patient) && number < first_month;
    let is_member = is_entitled && patient.has_part_c && !starts_later;
    let contract = match (is_member, is_entitled) {
        (true, _) => "H1234",
        (false, true) => "N",
        (false, false) => "0",
    };
    values.set("contract", contract);
    // Some plans leave bills to Medicare's own contractors.
    let hmo = match (is_member, patient.seed / 2 % 5 < 2) {
        (true, true) => ("1", "Processed by CMS"),
        (true, false) => ("C", "Lock-in: processed by the plan"),
        (false, _) => ("0", "Not a member of an HMO"),
    };
    values.set_code("hmo", hmo);
}

fn part_d(values: &mut Values<'_>, patient: &Beneficiary, is_entitled: bool) {
    let contract = match (is_entitled, patient.has_part_d) {
        (true, true) => "S0001",
        (true, false) => "N",
        (false, _) => "0",
    };
    values.set("contract", contract);
}
