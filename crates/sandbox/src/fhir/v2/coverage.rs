//! Coverage of version 2: parts A to D, with an extension for every month of a year.

use crate::fhir::body::Body;
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::enrollment::{
    Month, NO_MEDICARE, Plan, REFERENCE_YEAR, buy_in, coverage_updated, dual_status_in,
    hmo_indicator, month, plans,
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
    let plans = plans(patient, part);
    let months = known(patient, updated)
        .map(|(number, is_entitled)| {
            let mut values = month_values(patient, number, is_entitled);
            match part {
                'c' | 'd' => plan(&mut values, patient, &plans, number, is_entitled),
                _ if is_entitled => values.set_code("buy_in", buy_in(patient, number)),
                _ => values.set_code("buy_in", ("0", "Not entitled")),
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
        dual_status_in(patient, number)
    } else {
        NO_MEDICARE
    };
    values.set_code("dual", dual);
    values
}

/// The contract of a month: `N` where there is none, `0` without Medicare.
fn plan(
    values: &mut Values<'_>,
    patient: &Beneficiary,
    plans: &[Plan],
    number: u32,
    is_entitled: bool,
) {
    let plan = plans.iter().find(|plan| plan.has_month(number));
    let contract = match (is_entitled, plan) {
        (true, Some(plan)) => plan.contract,
        (true, None) => "N",
        (false, _) => "0",
    };
    values.set("contract", contract);
    let hmo = if is_entitled {
        hmo_indicator(patient, plan.is_some())
    } else {
        ("0", "Not a member of an HMO")
    };
    values.set_code("hmo", hmo);
}
