//! Services before they are billed: of which kind, when, by whom, and what follows a stay.

use super::{FIRST_LOAD, LATEST_CLAIM, signed};
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::claim::{Claim, ClaimKind, StayBill};
use crate::population::day::Day;
use crate::population::enrollment::{has_part_a, has_part_b};
use crate::population::stay;
use crate::random::Random;

/// How many providers bill.
const PROVIDERS: u32 = 3_000;

/// What is billed, and for which provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) kind: ClaimKind,
    pub(super) from: Day,
    pub(super) admitted: Day,
    pub(super) stay_bill: StayBill,
    pub(super) provider: u32,
}

impl Service {
    pub(super) fn begin(kind: ClaimKind, from: Day, random: &mut Random) -> Self {
        Self {
            kind,
            from,
            admitted: from,
            stay_bill: StayBill::Whole,
            provider: random.below(PROVIDERS),
        }
    }
}

/// The stay that a stay led to: where the patient was transferred, or came back within a month.
pub(super) fn after_stay(last: &Claim, random: &mut Random) -> Option<Service> {
    let is_hospital = last.kind == ClaimKind::Inpatient;
    if !(is_hospital || last.kind == ClaimKind::Snf) || last.is_last {
        return None;
    }
    let same_day = last.through;
    match stay::ending(last).0 {
        stay::TO_HOSPITAL => Some(Service::begin(ClaimKind::Inpatient, same_day, random)),
        stay::TO_NURSING_FACILITY => Some(Service::begin(ClaimKind::Snf, same_day, random)),
        _ if is_hospital && random.chance(130) => {
            let from = same_day.plus(signed(random.between(2, 29)));
            let again = Service::begin(ClaimKind::Inpatient, from, random);
            let is_elsewhere = random.chance(400);
            Some(Service {
                provider: if is_elsewhere {
                    again.provider
                } else {
                    last.provider
                },
                ..again
            })
        }
        _ => None,
    }
}

/// The type under which a shared system has a few claims that were settled under another.
pub(super) fn typed_otherwise(kind: ClaimKind) -> ClaimKind {
    match kind {
        ClaimKind::Carrier => ClaimKind::Dme,
        ClaimKind::Hha => ClaimKind::Outpatient,
        other => other,
    }
}

/// Whether a service of this day is billed by the first load.
pub(super) fn can_be_billed(patient: &Beneficiary, from: Day) -> bool {
    from <= FIRST_LOAD.plus(-LATEST_CLAIM) && patient.death.is_none_or(|death| from <= death)
}

/// The day, moved into the time between entitlement and death.
pub(super) fn within_entitlement(patient: &Beneficiary, from: Day) -> Day {
    let first = enrolled(patient);
    let last = patient
        .death
        .unwrap_or(FIRST_LOAD)
        .min(FIRST_LOAD.plus(-LATEST_CLAIM));
    let span = last.days_since(first) + 1;
    let past = from.days_since(first);
    let moved = if from < first {
        past.rem_euclid(span.max(1))
    } else {
        past
    };
    let beyond = first.plus(i32::try_from(moved).unwrap_or_default());
    match patient.death {
        Some(death) if beyond > death => {
            let back = beyond.days_since(death) % 300;
            death
                .plus(-i32::try_from(back).unwrap_or_default())
                .max(first)
        }
        _ => beyond,
    }
}

pub(super) fn kind(patient: &Beneficiary, random: &mut Random) -> ClaimKind {
    // A fifth of the patients have no Part D; more than a quarter of all claims are Part D events.
    let of = |is_covered: bool, weight: u32| if is_covered { weight } else { 0 };
    let (a, b) = (has_part_a(patient), has_part_b(patient));
    let mut weights = [
        of(b, 490),
        of(patient.has_part_d, 360),
        of(b, 110),
        of(b, 50),
        25,
        of(a, 15),
        of(a, 25),
        of(a, 15),
    ]
    .into_iter();
    let kinds = ClaimKind::ALL.map(|kind| (weights.next().unwrap_or_default(), kind));
    random.weighted(&kinds)
}
