//! How a service is billed: one bill or several, copies in shared systems, adjustments, and further
//! stays after a stay.

use super::service::{Service, after_stay, can_be_billed, typed_otherwise};
use super::{History, load_time, signed};
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, ClaimKind, Source, StayBill};
use crate::population::day;
use crate::random::Random;

impl History {
    /// Bills a service, in the interim where it takes long, and what followed a stay.
    pub(super) fn serve(&mut self, patient: &Beneficiary, service: Service, random: &mut Random) {
        let per_mille = match service.kind {
            ClaimKind::Hospice | ClaimKind::Snf => 350,
            ClaimKind::Inpatient => 20,
            _ => 0,
        };
        let bills = if random.chance(per_mille) {
            random.between(2, 4)
        } else {
            1
        };
        let mut from = service.from;
        let mut last = None;
        for number in 1..=bills {
            let stay_bill = match number {
                _ if bills == 1 => StayBill::Whole,
                1 => StayBill::First,
                _ if number == bills => StayBill::Last,
                _ => StayBill::Continuing,
            };
            if !can_be_billed(patient, from) {
                return;
            }
            let bill = Service {
                from,
                stay_bill,
                ..service
            };
            let billed = self.bill(patient, bill, 0, random);
            from = billed.through.plus(1);
            last = Some(billed);
        }
        if let Some(next) = last.and_then(|last| after_stay(&last, random))
            && can_be_billed(patient, next.from)
        {
            self.serve(patient, next, random);
        }
    }

    /// Adds a claim, sometimes with a copy in a shared system, an adjustment or a cancellation;
    /// returns the claim as it was first billed.
    pub(super) fn bill(
        &mut self,
        patient: &Beneficiary,
        service: Service,
        week: u32,
        random: &mut Random,
    ) -> Claim {
        let load = load_time(week);
        let Service { kind, from, .. } = service;
        let length = match kind {
            ClaimKind::Hha => random.between(10, 55),
            ClaimKind::Hospice | ClaimKind::Snf => random.between(5, 30),
            ClaimKind::Inpatient => random.between(1, 14),
            ClaimKind::Carrier if random.chance(60) => 2,
            _ => 0,
        };
        let (today, _) = day::split(load);
        let latest = patient.death.unwrap_or(today).min(today.plus(-3));
        let through = from.plus(signed(length)).min(latest).max(from);
        let processed = through.plus(signed(random.between(9, 34)));
        let claim = Claim {
            kind,
            source: Source::settled(kind),
            from,
            through,
            admitted: service.admitted,
            stay_bill: service.stay_bill,
            provider: service.provider,
            is_last: patient.death == Some(through),
            updated: (processed.millis() + i64::from(random.below(86_400_000))).min(load),
            // Never the first ones, which show every type in both versions.
            is_sensitive: self.claims.len() >= 10
                && !matches!(kind, ClaimKind::Pde | ClaimKind::Dme)
                && random.chance(25),
            seed: random.next(),
            ..Claim::default()
        };
        let in_flight = Source::in_flight(kind);
        let is_recent = through.plus(21).millis() > load;
        if let Some(source) = in_flight.filter(|_| is_recent && random.chance(600)) {
            self.push_new(Claim { source, ..claim });
            return claim;
        }
        let number = self.push_new(claim);
        if let Some(source) = in_flight.filter(|_| random.chance(30)) {
            let updated = claim.updated.min(through.plus(5).millis());
            let is_typed_otherwise = random.chance(300);
            self.push(Claim {
                kind: if is_typed_otherwise {
                    typed_otherwise(kind)
                } else {
                    kind
                },
                source,
                updated,
                group: number,
                ..claim
            });
        }
        let is_first = patient.index == 0 && number < 12;
        if random.chance(40) || (is_first && number == 8) {
            self.adjust(number, processed.plus(40).millis().min(load));
        } else if random.chance(20) || (is_first && number == 10) {
            self.cancel(number, processed.plus(30).millis().min(load));
        }
        claim
    }
}
