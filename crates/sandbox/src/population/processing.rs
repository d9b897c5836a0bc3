//! How Medicare processed a claim: the codes that say whether it paid, who else did, and which
//! bill of a stay it was. Both API versions show them, each under its own names.

use super::claim::{Claim, ClaimKind, StayBill};
use crate::random::Random;
use crate::vocabulary::{
    BILL_FREQUENCIES, CLAIM_DENIALS, Code, LINE_DENIALS, NONPAYMENT_REASONS, OTHER_PAID_LINES,
};

const PAID_TO_PROVIDER: Code = ("1", "Physician/supplier");
const PAID_TO_PATIENT: Code = ("2", "Beneficiary");
const PAYMENT_REQUESTED: Code = ("P", "Payment requested");
const ALLOWED: Code = ("A", "Allowed");

/// The codes of one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Processing {
    /// Carrier and DME: to whom was paid, or why the claim was denied.
    pub(crate) payment_denial: Code,
    /// Facilities: why nothing was paid; `P` where payment was requested; often not sent at all.
    pub(crate) non_payment: Option<Code>,
    /// Carrier and DME: the provider did not accept what Medicare pays, so that the patient was paid.
    pub(crate) is_paid_to_patient: bool,
    /// Nothing of the claim was paid.
    pub(crate) is_denied: bool,
    /// A Medicare Advantage plan paid: the claim is informational.
    pub(crate) is_paid_by_plan: bool,
    /// The third digit of the type of bill.
    pub(crate) frequency: Code,
}

impl Processing {
    /// How `claim` was processed. An adjustment is decided anew, so that a denied claim may be paid.
    pub(crate) fn of(claim: &Claim) -> Self {
        let mut random = Random::of(&[claim.seed, 0x7072_6f63, u64::from(claim.revision)]);
        let is_facility = claim.kind.is_institutional();
        // Part D events are events of what was paid.
        let is_denied = claim.kind != ClaimKind::Pde && random.chance(70);
        let denial = random.weighted(&CLAIM_DENIALS);
        let non_payment = random.weighted(&NONPAYMENT_REASONS);
        let is_silent = random.chance(150);
        let is_paid_to_patient = !is_facility && claim.kind != ClaimKind::Pde && random.chance(60);
        // A benefit that ran out in the middle of a stay: the first days were paid.
        let is_exhausted = claim.kind == ClaimKind::Snf && random.chance(60);
        let non_payment = match (is_denied, is_exhausted) {
            (true, _) => Some(non_payment),
            (false, true) => Some(("B", "Benefit exhausted")),
            (false, false) if is_silent => None,
            (false, false) => Some(PAYMENT_REQUESTED),
        };
        Self {
            payment_denial: match (is_denied, is_paid_to_patient) {
                (true, _) => denial,
                (false, true) => PAID_TO_PATIENT,
                (false, false) => PAID_TO_PROVIDER,
            },
            is_paid_to_patient,
            non_payment: non_payment.filter(|_| is_facility),
            is_denied,
            is_paid_by_plan: is_facility && claim.kind != ClaimKind::Hha && random.chance(40),
            frequency: frequency(claim, &mut random),
        }
    }
}

/// The outcome of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineOutcome {
    /// The processing indicator of carrier and DME lines.
    pub(crate) indicator: Code,
    pub(crate) is_denied: bool,
}

impl Default for LineOutcome {
    fn default() -> Self {
        Self {
            indicator: ALLOWED,
            is_denied: false,
        }
    }
}

impl LineOutcome {
    /// The outcomes of the first `count` lines of a claim.
    pub(crate) fn of_lines(claim: &Claim, count: usize) -> Vec<Self> {
        let is_denied = Processing::of(claim).is_denied;
        let mut random = Random::of(&[claim.seed, 0x6c69_6e65, u64::from(claim.revision)]);
        let is_professional = matches!(claim.kind, ClaimKind::Carrier | ClaimKind::Dme);
        (0..count)
            .map(|_| {
                let line_denied = is_professional && random.chance(50);
                let reason = random.weighted(&LINE_DENIALS);
                let other = random.weighted(&OTHER_PAID_LINES);
                let is_other = random.chance(40);
                let is_denied = is_denied || line_denied;
                let indicator = match (is_denied, is_other) {
                    (true, _) => reason,
                    (false, true) => other,
                    (false, false) => ALLOWED,
                };
                Self {
                    indicator,
                    is_denied,
                }
            })
            .collect()
    }
}

/// A code for replacements of adjusted claims and for interim bills of stays and episodes;
/// otherwise that of one bill for all.
fn frequency(claim: &Claim, random: &mut Random) -> Code {
    let is_interim = claim.kind == ClaimKind::Hha && random.chance(350);
    let place = match claim.stay_bill {
        StayBill::Whole if is_interim => random.below(3),
        StayBill::Whole => 3,
        StayBill::First => 0,
        StayBill::Continuing => 1,
        StayBill::Last => 2,
    };
    let place = if claim.revision > 0 { 4 } else { place };
    let place = usize::try_from(place).unwrap_or_default();
    BILL_FREQUENCIES.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LineOutcome, Processing};
    use crate::population::claim::{Claim, ClaimKind};

    fn claims(kind: ClaimKind) -> impl Iterator<Item = Claim> {
        (0..2_000).map(move |seed| Claim {
            seed,
            kind,
            ..Claim::default()
        })
    }

    #[test]
    fn codes_of_a_kind_occur_at_rates_that_a_payer_would_know() {
        let share = |kind, holds: fn(&Processing) -> bool| {
            let count = claims(kind)
                .filter(|claim| holds(&Processing::of(claim)))
                .count();
            count * 1_000 / 2_000
        };
        let denied = share(ClaimKind::Carrier, |found| {
            !matches!(found.payment_denial.0, "1" | "2")
        });
        assert!((50..90).contains(&denied), "{denied}");
        let interim = share(ClaimKind::Hha, |found| {
            matches!(found.frequency.0, "2" | "3" | "4")
        });
        assert!((300..400).contains(&interim), "{interim}");
        let by_plan = share(ClaimKind::Inpatient, |found| found.is_paid_by_plan);
        assert!((25..60).contains(&by_plan), "{by_plan}");
        let silent = share(ClaimKind::Outpatient, |found| found.non_payment.is_none());
        assert!((100..200).contains(&silent), "{silent}");
        let exhausted = share(ClaimKind::Snf, |found| {
            !found.is_denied && found.non_payment.is_some_and(|code| code.0 == "B")
        });
        assert!((30..90).contains(&exhausted), "{exhausted}");
        assert_eq!(share(ClaimKind::Pde, |found| found.is_denied), 0);
        assert_eq!(share(ClaimKind::Hha, |found| found.is_paid_by_plan), 0);
    }

    #[test]
    fn all_lines_of_a_denied_claim_are_denied_and_few_others() {
        let mut denied_lines = 0;
        for claim in claims(ClaimKind::Carrier) {
            let lines = LineOutcome::of_lines(&claim, 3);
            let is_denied = Processing::of(&claim).is_denied;
            assert!(!is_denied || lines.iter().all(|line| line.is_denied));
            for line in lines {
                assert_eq!(line.is_denied, !matches!(line.indicator.0, "A" | "R" | "S"));
                denied_lines += usize::from(line.is_denied && !is_denied);
            }
        }
        assert!((150..450).contains(&denied_lines), "{denied_lines}");
    }

    #[test]
    fn an_adjusted_claim_replaces_the_bill_before() {
        for claim in claims(ClaimKind::Hospice) {
            let adjusted = Claim {
                revision: 1,
                ..claim
            };
            assert_eq!(Processing::of(&adjusted).frequency.0, "7");
            assert_ne!(Processing::of(&claim).frequency.0, "7");
        }
    }
}
