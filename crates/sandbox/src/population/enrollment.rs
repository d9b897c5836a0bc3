//! Months of Medicare: when a patient was entitled, to what, and until when the source knows.

use super::beneficiary::{Beneficiary, enrolled};
use super::day::{self, Day};
use super::history::load_time;
use crate::random::at_weight;
use crate::vocabulary::{Code, DUAL_ELIGIBILITY};

/// The year of monthly codes: that of the first load.
pub(crate) const REFERENCE_YEAR: i32 = 2026;

/// What a month is to a patient's Medicare.
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

/// The first day in a Medicare Advantage plan, of patients who are in one: some joined in July.
pub(crate) fn part_c_from(patient: &Beneficiary) -> Day {
    let joined = Day::of(REFERENCE_YEAR, 7, 1);
    if patient.seed.is_multiple_of(3) {
        enrolled(patient).max(joined)
    } else {
        enrolled(patient)
    }
}

/// Medicaid's code for a month of entitlement: full benefits, help with premiums alone, or none.
pub(crate) fn dual_status(patient: &Beneficiary) -> Code {
    if !patient.is_dual && patient.has_part_d {
        return ("NA", "Non-Medicaid");
    }
    if !patient.is_dual {
        return (
            "**",
            "Enrolled in Medicare A and/or B, but no Part D enrollment data for the beneficiary.",
        );
    }
    let position = u32::try_from(patient.seed / 7 % 20).unwrap_or_default();
    at_weight(&DUAL_ELIGIBILITY, position)
}

/// Medicaid's code for a month without Medicare.
pub(crate) const NO_MEDICARE: Code = ("00", "Not Medicare enrolled for the month");

#[cfg(test)]
mod tests {
    use super::{Month, coverage_updated, month, part_c_from};
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
    fn a_coverage_is_updated_after_the_death_it_shows() {
        for index in 0..500 {
            let patient = Beneficiary::of(7, index);
            for age in [0, 45, 89] {
                let updated = coverage_updated(&patient, age);
                assert!(patient.death.is_none_or(|death| death.millis() < updated));
            }
            assert!(part_c_from(&patient) >= enrolled(&patient));
        }
    }
}
