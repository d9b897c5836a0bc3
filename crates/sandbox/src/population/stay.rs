//! How a stay went: how it ended, the days that Medicare covered, the group it was paid by. Both API
//! versions show these, each in its own terms.

use super::claim::{Claim, ClaimKind};
use super::processing::Processing;
use crate::random::Random;
use crate::vocabulary::{ADMISSION_TYPES, Code, DIAGNOSIS_RELATED_GROUPS, STAY_ENDINGS};

const STILL_PATIENT: Code = ("30", "Still patient.");
const EXPIRED: Code = ("20", "Expired (patient did not recover).");

/// Codes of `STAY_ENDINGS` after which another facility bills from the same day.
pub(crate) const TO_HOSPITAL: &str = "2";
pub(crate) const TO_NURSING_FACILITY: &str = "3";

/// What a facility's claim says of the stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stay {
    /// The patient's discharge status, without a leading zero.
    pub(crate) ending: Code,
    pub(crate) admission_type: Code,
    /// Three digits.
    pub(crate) related_group: &'static str,
    pub(crate) covered_days: u32,
    pub(crate) noncovered_days: u32,
    pub(crate) coinsurance_days: u32,
    pub(crate) lifetime_reserve_days: u32,
    /// Cents a covered day, on top of the payment; none on most claims.
    pub(crate) per_diem: i64,
}

impl Stay {
    pub(crate) fn of(claim: &Claim, processing: &Processing) -> Self {
        let mut random = Random::of(&[claim.seed, 0x7374_6179]);
        let (covered_days, noncovered_days) = days(claim, processing);
        let is_long = covered_days > 60 || random.chance(50);
        let is_passed_through = claim.kind == ClaimKind::Inpatient && random.chance(500);
        Self {
            ending: ending(claim),
            admission_type: random.weighted(&ADMISSION_TYPES),
            related_group: random.pick(&DIAGNOSIS_RELATED_GROUPS),
            covered_days,
            noncovered_days,
            coinsurance_days: match claim.kind {
                ClaimKind::Snf => covered_days.saturating_sub(20),
                _ => 0,
            },
            lifetime_reserve_days: if is_long { random.below(9) } else { 0 },
            per_diem: i64::from(random.between(1_000, 25_000)) * i64::from(is_passed_through),
        }
    }
}

/// How the stay of a claim ended.
pub(crate) fn ending(claim: &Claim) -> Code {
    if claim.stay_bill.is_interim() {
        STILL_PATIENT
    } else if claim.is_last {
        EXPIRED
    } else {
        Random::of(&[claim.seed, 0x656e_6465]).weighted(&STAY_ENDINGS)
    }
}

/// Covered and other days: the day of discharge counts only while the patient is still there.
fn days(claim: &Claim, processing: &Processing) -> (u32, u32) {
    let nights = claim.through.days_since(claim.from);
    let all = nights + i64::from(claim.stay_bill.is_interim());
    let all = u32::try_from(all.max(1)).unwrap_or(1);
    let is_exhausted = processing.non_payment.is_some_and(|code| code.0 == "B");
    match (processing.is_denied, is_exhausted) {
        (true, _) => (0, all),
        (false, true) => (all - all / 3, all / 3),
        (false, false) => (all, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Stay, days};
    use crate::population::claim::{Claim, ClaimKind, StayBill};
    use crate::population::day::Day;
    use crate::population::processing::Processing;

    fn claim(seed: u64) -> Claim {
        Claim {
            seed,
            kind: ClaimKind::Snf,
            from: Day::of(2025, 3, 1),
            through: Day::of(2025, 3, 31),
            ..Claim::default()
        }
    }

    #[test]
    fn days_are_nights_and_the_last_day_of_who_stays() {
        for (stay_bill, all) in [
            (StayBill::Whole, 30),
            (StayBill::First, 31),
            (StayBill::Last, 30),
        ] {
            for seed in 0..300 {
                let claim = Claim {
                    stay_bill,
                    ..claim(seed)
                };
                let processing = Processing::of(&claim);
                let (covered, other) = days(&claim, &processing);
                assert_eq!(covered + other, all);
                assert_eq!(covered == 0, processing.is_denied);
                let stay = Stay::of(&claim, &processing);
                assert_eq!(stay.coinsurance_days, covered.saturating_sub(20));
                assert_eq!(stay.ending.0 == "30", stay_bill == StayBill::First);
            }
        }
    }

    #[test]
    fn whoever_died_was_discharged_as_dead() {
        let claim = Claim {
            is_last: true,
            ..claim(1)
        };
        assert_eq!(Stay::of(&claim, &Processing::of(&claim)).ending.0, "20");
    }
}
