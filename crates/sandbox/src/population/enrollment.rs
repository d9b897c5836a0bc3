//! Months of Medicare: when a patient was entitled, to what, and until when the source knows.

use super::beneficiary::{Beneficiary, enrolled};
use super::day::{self, Day};
use super::history::load_time;
use crate::random::at_weight;
use crate::vocabulary::{
    Code, DUAL_ELIGIBILITY, HMO_INDICATORS_OF_MEMBERS, HMO_INDICATORS_OF_OTHERS,
};

/// The year of monthly codes: that of the first load.
pub(crate) const REFERENCE_YEAR: i32 = 2026;

/// A patient's enrolment in Medicare in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Month {
    /// Before entitlement, or after the month of death.
    NotEntitled,
    Entitled,
    /// Begins after the coverage was last updated: the source does not know it yet.
    Unknown,
}

/// When the source last updated a coverage, in milliseconds since the epoch: `age` days before the
/// first load, but after it learnt of a death.
pub(crate) fn coverage_updated(patient: &Beneficiary, age: u32) -> i64 {
    let age = i64::from(age) * 86_400_000;
    let known = patient.death.map_or(0, |death| death.plus(14).millis());
    (load_time(0) - age).max(known).min(load_time(0))
}

/// What a month (from 1) of [`REFERENCE_YEAR`] is, as of an instant.
pub(crate) fn month(patient: &Beneficiary, month: u32, as_of: i64) -> Month {
    let wanted = (REFERENCE_YEAR, month);
    let of = |day: Day| {
        let (year, month, _) = day.date();
        (year, month)
    };
    if wanted > of(day::split(as_of).0) {
        Month::Unknown
    } else if wanted < of(enrolled(patient))
        || patient.death.is_some_and(|death| wanted > of(death))
    {
        Month::NotEntitled
    } else {
        Month::Entitled
    }
}

/// Whether a patient has hospital insurance; a few have only medical insurance.
pub(crate) fn has_part_a(patient: &Beneficiary) -> bool {
    !patient.is_one_in(23, 14) || shows_all(patient)
}

/// Whether a patient has medical insurance; a few have only hospital insurance.
pub(crate) fn has_part_b(patient: &Beneficiary) -> bool {
    patient.seed / 23 % 14 != 1 || shows_all(patient)
}

/// Patients who show claims of all kinds have both Parts.
fn shows_all(patient: &Beneficiary) -> bool {
    patient.index.is_multiple_of(5)
}

/// A time in a plan of Part C or D.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) contract: &'static str,
    pub(crate) from: Day,
    /// The last day, where membership ended before death.
    pub(crate) until: Option<Day>,
}

impl Plan {
    /// Whether a month of [`REFERENCE_YEAR`] is one of membership; plans change with the month.
    pub(crate) fn has_month(&self, month: u32) -> bool {
        let first = Day::of(REFERENCE_YEAR, month, 1);
        self.from <= first && self.until.is_none_or(|until| first <= until)
    }
}

/// The plans of Part C or D, one after the other.
pub(crate) fn plans(patient: &Beneficiary, part: char) -> Vec<Plan> {
    let year = Day::of(REFERENCE_YEAR, 1, 1);
    let (former, change, current, is_member) = match part {
        'c' => {
            let has_both = has_part_a(patient) && has_part_b(patient);
            let has_changed = patient.is_one_in(31, 4);
            (
                "H5521",
                has_changed.then_some(year),
                "H1234",
                patient.has_part_c && has_both,
            )
        }
        _ => {
            let has_changed = patient.is_one_in(37, 3);
            let change = Day::of(REFERENCE_YEAR - 1, 1, 1);
            (
                "S5601",
                has_changed.then_some(change),
                "S0001",
                patient.has_part_d,
            )
        }
    };
    if !is_member {
        return Vec::new();
    }
    // Some joined Part C in July, some of the others left it then.
    let july = Day::of(REFERENCE_YEAR, 7, 1);
    let joined_late = part == 'c' && patient.seed.is_multiple_of(3);
    let has_left = part == 'c' && patient.is_one_in(29, 6);
    let first = enrolled(patient);
    let from = if joined_late { first.max(july) } else { first };
    let until = (has_left && from < july).then(|| july.plus(-1));
    let plan = |contract, from, until| Plan {
        contract,
        from,
        until,
    };
    match change.filter(|change| from < *change) {
        Some(change) => vec![
            plan(former, from, Some(change.plus(-1))),
            plan(current, change, until),
        ],
        None => vec![plan(current, from, until)],
    }
}

/// The last day of Medicaid, of the few dual patients who lost it.
pub(crate) fn dual_until(patient: &Beneficiary) -> Option<Day> {
    let is_lost = patient.is_dual && patient.is_one_in(19, 5);
    let end = Day::of(REFERENCE_YEAR, 3, 31);
    (is_lost && enrolled(patient) < end).then_some(end)
}

/// Whether a patient had Medicaid in a month of [`REFERENCE_YEAR`].
pub(crate) fn is_dual_in(patient: &Beneficiary, month: u32) -> bool {
    let first = Day::of(REFERENCE_YEAR, month, 1);
    patient.is_dual && dual_until(patient).is_none_or(|until| first <= until)
}

/// Medicaid's code for a dual patient: full benefits, or only help with premiums.
pub(crate) fn dual_status(patient: &Beneficiary) -> Code {
    by_seed(&DUAL_ELIGIBILITY, patient.seed / 7)
}

/// Medicaid's code for a month of entitlement.
pub(crate) fn dual_status_in(patient: &Beneficiary, month: u32) -> Code {
    if is_dual_in(patient, month) {
        dual_status(patient)
    } else if patient.has_part_d {
        ("NA", "Non-Medicaid")
    } else {
        (
            "**",
            "Enrolled in Medicare A and/or B, but no Part D enrollment data for the beneficiary.",
        )
    }
}

/// Who processes the claims of a month, by membership of a plan.
pub(crate) fn hmo_indicator(patient: &Beneficiary, is_member: bool) -> Code {
    let choices = if is_member {
        &HMO_INDICATORS_OF_MEMBERS
    } else {
        &HMO_INDICATORS_OF_OTHERS
    };
    by_seed(choices, patient.seed / 2)
}

/// The code of the months of Parts A and B, one for both.
pub(crate) fn buy_in(patient: &Beneficiary, month: u32) -> Code {
    let is_state = is_dual_in(patient, month);
    match (has_part_a(patient), has_part_b(patient), is_state) {
        (true, true, false) => ("3", "Part A and Part B"),
        (true, true, true) => ("C", "Part A and Part B, state buy-in"),
        (true, false, false) => ("1", "Part A only"),
        (true, false, true) => ("A", "Part A state buy-in"),
        (_, _, false) => ("2", "Part B only"),
        (_, _, true) => ("B", "Part B state buy-in"),
    }
}

fn by_seed(choices: &[(u32, Code)], seed: u64) -> Code {
    let all: u32 = choices.iter().map(|(weight, _)| weight).sum();
    let position = seed % u64::from(all.max(1));
    at_weight(choices, u32::try_from(position).unwrap_or_default())
}

/// Medicaid's code for a month without Medicare.
pub(crate) const NO_MEDICARE: Code = ("00", "Not Medicare enrolled for the month");

#[cfg(test)]
mod tests {
    use super::{Month, coverage_updated, dual_until, has_part_a, has_part_b, month, plans};
    use crate::population::beneficiary::{Beneficiary, enrolled};
    use crate::population::day::Day;

    fn patient(birth: Day, death: Option<Day>) -> Beneficiary {
        Beneficiary {
            birth,
            death,
            ..Beneficiary::of(1, 0)
        }
    }

    #[test]
    fn months_run_from_entitlement_to_death_as_far_as_the_source_knows() {
        let as_of = Day::of(2026, 10, 3).millis();
        let new = patient(Day::of(1961, 4, 20), None);
        let months: Vec<Month> = (1..=12).map(|number| month(&new, number, as_of)).collect();
        assert_eq!(months[..3], [Month::NotEntitled; 3]);
        assert_eq!(months[3..10], [Month::Entitled; 7]);
        assert_eq!(months[10..], [Month::Unknown; 2]);
        let dead = patient(Day::of(1940, 1, 2), Some(Day::of(2026, 2, 28)));
        let months: Vec<Month> = (1..=12).map(|number| month(&dead, number, as_of)).collect();
        assert_eq!(months[..2], [Month::Entitled; 2]);
        assert_eq!(months[2..10], [Month::NotEntitled; 8]);
        let long_dead = patient(Day::of(1940, 1, 2), Some(Day::of(2025, 12, 31)));
        assert_eq!(month(&long_dead, 1, as_of), Month::NotEntitled);
    }

    #[test]
    fn plans_follow_one_another_from_entitlement_on() {
        let (mut changed, mut left, mut lone) = (0, 0, 0);
        for index in 0..500 {
            let patient = Beneficiary::of(7, index);
            assert!(has_part_a(&patient) || has_part_b(&patient));
            lone += usize::from(!has_part_a(&patient) || !has_part_b(&patient));
            let until = dual_until(&patient);
            assert!(until.is_none_or(|until| until > enrolled(&patient)));
            for part in ['c', 'd'] {
                let plans = plans(&patient, part);
                assert!(plans.iter().all(|plan| plan.from >= enrolled(&patient)));
                left += usize::from(plans.last().is_some_and(|plan| plan.until.is_some()));
                for pair in plans.windows(2) {
                    changed += 1;
                    assert_eq!(pair[0].until.unwrap().plus(1), pair[1].from);
                    assert_ne!(pair[0].contract, pair[1].contract);
                }
                for month in 1..=12 {
                    assert!(plans.iter().filter(|plan| plan.has_month(month)).count() <= 1);
                }
            }
        }
        assert!(
            changed > 50 && left > 5 && lone > 20,
            "{changed} {left} {lone}"
        );
    }

    #[test]
    fn a_coverage_is_updated_after_the_death_it_shows() {
        for index in 0..500 {
            let patient = Beneficiary::of(7, index);
            for age in [0, 45, 89] {
                let updated = coverage_updated(&patient, age);
                assert!(patient.death.is_none_or(|death| death.millis() < updated));
            }
        }
    }
}
