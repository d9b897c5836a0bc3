//! All claims of one patient as of a week: those of past years, and what each weekly load since
//! brought, cancelled and adjusted.

use super::beneficiary::Beneficiary;
use super::claim::{
    Claim, ClaimKind, FinalAction, MOST_CLAIMS, PriorAuthorization, Source, v2_claim_id,
    v3_claim_id,
};
use super::day::{self, Day};
use crate::random::Random;
use claimlake_contract::ApiVersion;
use service::{Service, kind, within_entitlement};

/// The day of the first load; each further one is a week later.
pub(crate) const FIRST_LOAD: Day = Day::of(2026, 10, 31);

/// A history of this size gets no further weekly loads.
const LARGEST_HISTORY: usize = 9_000;

const YEARS_BACK: i32 = 4 * 365;

/// Days between the first load and the latest claim it has.
const LATEST_CLAIM: i32 = 11;

/// A change of one patient's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimChange {
    /// A claim that sorts before all others appears, with this number, at this time.
    Insert { number: u32, load: i64 },
    /// The claim of this number disappears.
    Delete { number: u32 },
}

/// All claims of one patient.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// In the order of their numbers.
    pub(crate) claims: Vec<Claim>,
    /// Positions in `claims` of what v2 serves, in its order: claim id as text, then type.
    pub(crate) v2: Vec<usize>,
    /// Positions in `claims`, in the order of v3: claim id as a number.
    pub(crate) v3: Vec<usize>,
    /// Served by v3 after all claims.
    pub(crate) prior_authorizations: Vec<PriorAuthorization>,
}

/// The instant of a weekly load, in milliseconds since the epoch.
pub(crate) fn load_time(week: u32) -> i64 {
    let days = i32::try_from(week).unwrap_or_default().saturating_mul(7);
    FIRST_LOAD.plus(days).millis() + 3 * 3_600_000
}

impl History {
    /// The history of a patient after `weeks` loads and these changes.
    pub(crate) fn of(
        patient: &Beneficiary,
        eobs_mean: u32,
        weeks: u32,
        drift: &[ClaimChange],
    ) -> Self {
        let mut history = Self::default();
        history.first_load(patient, eobs_mean);
        for week in 1..=weeks {
            history.weekly_load(patient, week);
        }
        for change in drift {
            history.change(patient, *change);
        }
        history.sort(patient.index);
        history
    }

    fn first_load(&mut self, patient: &Beneficiary, eobs_mean: u32) {
        let mut random = Random::of(&[patient.seed, 0x6c6f_6164]);
        let count = claim_count(patient, eobs_mean, &mut random);
        let mut days: Vec<i32> = (0..count).map(|_| signed(random.below(1_460))).collect();
        days.sort_unstable();
        let covers_all_kinds = patient.index.is_multiple_of(5) && count >= 8;
        for (position, back) in days.into_iter().enumerate() {
            let mut kind = kind(patient, &mut random);
            if covers_all_kinds && let Some(wanted) = ClaimKind::ALL.get(position) {
                kind = *wanted;
            }
            let mut from = FIRST_LOAD.plus(back - YEARS_BACK - LATEST_CLAIM);
            let is_ancient = random.chance(20);
            if is_ancient {
                from = from.plus(-10 * 365);
                let service = Service::begin(kind, from, &mut random);
                self.bill(patient, service, 0, &mut random);
                // Rows from before load times were recorded have this one.
                if let Some(claim) = self.claims.last_mut() {
                    claim.updated = Day::of(2020, 1, 1).millis();
                }
            } else {
                from = within_entitlement(patient, from);
                self.serve(
                    patient,
                    Service::begin(kind, from, &mut random),
                    &mut random,
                );
            }
        }
        self.prior_authorizations(patient, &mut random);
    }

    fn weekly_load(&mut self, patient: &Beneficiary, week: u32) {
        let mut random = Random::of(&[patient.seed, 0x7765_656b, u64::from(week)]);
        let load = load_time(week);
        let is_shown = patient.index == 0;
        if self.claims.len() >= LARGEST_HISTORY {
            // No further ids are available.
            return;
        }
        self.settle(load);
        if is_shown || random.chance(250) {
            let from = signed(random.below(1_000));
            self.replace_one(from, load, random.chance(600) || is_shown);
        }
        if is_shown {
            self.replace_one(3, load, false);
        }
        if random.chance(100)
            && let Some(claim) = self.claims.last_mut()
        {
            claim.updated = load;
        }
        let mut new_claims = if random.chance(500) {
            random.between(1, 3)
        } else {
            0
        };
        if is_shown {
            new_claims = new_claims.max(2);
        } else if self.claims.is_empty() && !random.chance(100) {
            new_claims = 0;
        }
        for _ in 0..new_claims {
            let kind = kind(patient, &mut random);
            let (day, _) = day::split(load);
            let from = within_entitlement(patient, day.plus(-signed(random.between(7, 14))));
            let old = self.claims.len();
            let service = Service::begin(kind, from, &mut random);
            self.bill(patient, service, week, &mut random);
            self.claims
                .iter_mut()
                .skip(old)
                .for_each(|claim| claim.updated = load);
        }
    }

    /// Claims in flight for two weeks become final ones, under a number of their own.
    fn settle(&mut self, load: i64) {
        for position in 0..self.claims.len() {
            let Some(claim) = self.claims.get(position).copied() else {
                continue;
            };
            // What was due four weeks ago was settled by the loads since.
            let due = claim.through.plus(14);
            let is_due = claim.source.is_shared_system()
                && due.millis() < load
                && due.plus(28).millis() > load;
            let is_alone = || {
                !self
                    .claims
                    .iter()
                    .any(|other| other.group == claim.group && !other.source.is_shared_system())
            };
            if is_due && is_alone() {
                let source = Source::settled(claim.kind);
                self.push(Claim {
                    source,
                    updated: load,
                    ..claim
                });
            }
        }
    }

    /// The first final claim at or after a position is adjusted, or cancelled.
    fn replace_one(&mut self, from: i32, load: i64, is_adjusted: bool) {
        let count = self.claims.len();
        let Some(start) = usize::try_from(from)
            .ok()
            .and_then(|from| from.checked_rem(count))
        else {
            return;
        };
        let number = (0..count)
            .filter_map(|step| self.claims.get((start + step) % count))
            .find(|claim| claim.final_action == FinalAction::Final && claim.is_in_v2())
            .map(|claim| claim.number);
        match number {
            Some(number) if is_adjusted => self.adjust(number, load),
            Some(number) => self.cancel(number, load),
            None => {}
        }
    }

    fn adjust(&mut self, number: u32, at: i64) {
        let Some(claim) = self.cancel_at(number, at) else {
            return;
        };
        self.push(Claim {
            revision: claim.revision.saturating_add(1),
            prior: Some(number),
            final_action: FinalAction::Final,
            updated: at,
            ..claim
        });
    }

    fn cancel(&mut self, number: u32, at: i64) {
        self.cancel_at(number, at);
    }

    fn cancel_at(&mut self, number: u32, at: i64) -> Option<Claim> {
        let claim = self
            .claims
            .iter_mut()
            .find(|claim| claim.number == number)?;
        claim.final_action = FinalAction::Superseded;
        claim.updated = claim.updated.max(at);
        Some(*claim)
    }

    /// Numbers a version of a claim whose group is known.
    fn push(&mut self, claim: Claim) -> u32 {
        let number = u32::try_from(self.claims.len()).unwrap_or_default();
        self.claims.push(Claim { number, ..claim });
        number
    }

    /// Numbers a claim that begins a group of its own.
    fn push_new(&mut self, claim: Claim) -> u32 {
        let group = u32::try_from(self.claims.len()).unwrap_or_default();
        self.push(Claim { group, ..claim })
    }

    fn prior_authorizations(&mut self, patient: &Beneficiary, random: &mut Random) {
        let count = match patient.index {
            0 => 2,
            _ if random.chance(150) => random.between(1, 3),
            _ => 0,
        };
        for number in 0..count {
            let from = FIRST_LOAD.plus(-signed(random.between(30, 900)));
            self.prior_authorizations.push(PriorAuthorization {
                number,
                from,
                until: from.plus(365),
                updated: from.millis() + i64::from(random.below(86_400_000)),
                seed: random.next(),
            });
        }
    }

    fn sort(&mut self, patient: usize) {
        let claims = &self.claims;
        let id = |position: &usize| claims.get(*position).copied().unwrap_or_default();
        self.v2 = (0..claims.len())
            .filter(|position| id(position).is_in_v2())
            .collect();
        self.v2.sort_by_cached_key(|position| {
            let claim = id(position);
            let text = v2_claim_id(patient, claim.number, claim.is_inserted).to_string();
            (text, claim.kind.lower())
        });
        self.v3 = (0..claims.len()).collect();
        self.v3.sort_by_key(|position| {
            let claim = id(position);
            v3_claim_id(patient, claim.number, claim.is_inserted)
        });
    }

    fn change(&mut self, patient: &Beneficiary, change: ClaimChange) {
        match change {
            ClaimChange::Insert { number, load } => {
                let (day, _) = day::split(load);
                self.claims.push(Claim {
                    number,
                    group: number,
                    from: day.plus(-8),
                    through: day.plus(-8),
                    admitted: day.plus(-8),
                    updated: load,
                    is_inserted: true,
                    seed: Random::of(&[patient.seed, u64::from(number)]).next(),
                    ..Claim::default()
                });
            }
            ClaimChange::Delete { number } => {
                self.claims.retain(|claim| claim.number != number);
            }
        }
    }

    /// The number of the claim that v2 or v3 lists first in a search without parameters.
    pub(crate) fn first_shown(&self, version: ApiVersion) -> Option<u32> {
        let order = match version {
            ApiVersion::V2 => &self.v2,
            ApiVersion::V3 | ApiVersion::Carin => &self.v3,
        };
        order
            .iter()
            .filter_map(|position| self.claims.get(*position))
            .find(|claim| claim.is_in_v2())
            .map(|claim| claim.number)
    }

    /// A number that no claim has, far from those that weekly loads give out.
    pub(crate) fn free_number(&self) -> u32 {
        let inserted = self.claims.iter().filter(|claim| claim.is_inserted);
        let lowest = inserted.map(|claim| claim.number).min();
        lowest.unwrap_or(MOST_CLAIMS + 1).saturating_sub(1)
    }
}

fn claim_count(patient: &Beneficiary, eobs_mean: u32, random: &mut Random) -> u32 {
    // Shares of the mean in percent, by how often they happen; they average about one.
    const SHARES: [(u32, (u32, u32)); 5] = [
        (80, (0, 0)),
        (610, (20, 110)),
        (240, (110, 200)),
        (60, (200, 400)),
        (10, (400, 600)),
    ];
    let (low, high) = if patient.index.is_multiple_of(5) {
        SHARES[1].1
    } else {
        random.weighted(&SHARES)
    };
    let count = eobs_mean.saturating_mul(random.between(low, high)) / 100;
    let least = u32::from(high > 0 && eobs_mean > 0);
    count.clamp(least, MOST_CLAIMS / 4)
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

mod billing;
mod service;
#[cfg(test)]
mod tests;
