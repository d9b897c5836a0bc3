//! How Medicare processed a claim: the codes that say whether it paid, who else did, and which
//! bill of a stay it was. Both API versions show them, each under its own names.

use super::claim::{Claim, ClaimKind};
use super::dice::Dice;

/// A code and what it says.
pub(crate) type Code = (&'static str, &'static str);

const PAID_TO_PROVIDER: Code = ("1", "Physician/supplier");
const PAYMENT_REQUESTED: Code = ("P", "Payment requested");
const ALLOWED: Code = ("A", "Allowed");

/// Why a carrier or DME claim was denied, by how often it happens.
const DENIALS: [(u32, Code); 4] = [
    (700, ("0", "Denied")),
    (
        150,
        ("D", "Denied due to demonstration involvement (eff. 5/97)"),
    ),
    (
        100,
        (
            "E",
            "MSP cost avoided IRS/SSA/HCFA Data Match (eff. 7/3/00)",
        ),
    ),
    (50, ("Y", "MSP cost avoided IRS/SSA data match")),
];

/// Why a facility's claim was not paid, by how often it happens.
const NON_PAYMENTS: [(u32, Code); 4] = [
    (600, ("N", "All other reasons for nonpayment")),
    (200, ("B", "Benefit exhausted")),
    (100, ("C", "Non-covered care (discontinued)")),
    (100, ("R", "Benefits refused, or evidence not submitted")),
];

/// Why a line of a carrier or DME claim was denied, by how often it happens.
const LINE_DENIALS: [(u32, Code); 4] = [
    (500, ("N", "Medically unnecessary")),
    (250, ("C", "Noncovered care")),
    (150, ("D", "Duplicate line item")),
    (100, ("B", "Benefits exhausted")),
];

/// Lines that were reduced or settled otherwise and still paid.
const OTHER_PAID_LINES: [(u32, Code); 2] = [
    (800, ("R", "Reprocessed adjustment")),
    (200, ("S", "Secondary payer")),
];

/// The codes of one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Processing {
    /// Carrier and DME: to whom was paid, or why the claim was denied.
    pub(crate) payment_denial: Code,
    /// Facilities: why nothing was paid; `P` where payment was requested; often not sent at all.
    pub(crate) non_payment: Option<Code>,
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
        let mut dice = Dice::of(&[claim.seed, 0x7072_6f63, u64::from(claim.revision)]);
        let is_facility = claim.kind.is_institutional();
        // Part D events are events of what was paid.
        let is_denied = claim.kind != ClaimKind::Pde && dice.chance(70);
        let denial = weighted(&mut dice, &DENIALS);
        let non_payment = weighted(&mut dice, &NON_PAYMENTS);
        let is_silent = dice.chance(150);
        // A benefit that ran out in the middle of a stay: the first days were paid.
        let is_exhausted = claim.kind == ClaimKind::Snf && dice.chance(60);
        let non_payment = match (is_denied, is_exhausted) {
            (true, _) => Some(non_payment),
            (false, true) => Some(("B", "Benefit exhausted")),
            (false, false) if is_silent => None,
            (false, false) => Some(PAYMENT_REQUESTED),
        };
        Self {
            payment_denial: if is_denied { denial } else { PAID_TO_PROVIDER },
            non_payment: non_payment.filter(|_| is_facility),
            is_denied,
            is_paid_by_plan: is_facility && claim.kind != ClaimKind::Hha && dice.chance(40),
            frequency: frequency(claim, &mut dice),
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
        let mut dice = Dice::of(&[claim.seed, 0x6c69_6e65, u64::from(claim.revision)]);
        let is_professional = matches!(claim.kind, ClaimKind::Carrier | ClaimKind::Dme);
        (0..count)
            .map(|_| {
                let line_denied = is_professional && dice.chance(50);
                let reason = weighted(&mut dice, &LINE_DENIALS);
                let other = weighted(&mut dice, &OTHER_PAID_LINES);
                let is_other = dice.chance(40);
                match (is_denied || line_denied, is_other) {
                    (true, _) => Self {
                        indicator: reason,
                        is_denied: true,
                    },
                    (false, true) => Self {
                        indicator: other,
                        is_denied: false,
                    },
                    (false, false) => Self::default(),
                }
            })
            .collect()
    }
}

/// Interim bills of long care, replacements of adjusted claims, else one bill for all.
fn frequency(claim: &Claim, dice: &mut Dice) -> Code {
    let is_long_care = matches!(
        claim.kind,
        ClaimKind::Hha | ClaimKind::Hospice | ClaimKind::Snf
    );
    let is_interim = dice.chance(if is_long_care { 350 } else { 20 });
    let interim = weighted(
        dice,
        &[
            (350, ("2", "Interim - first claim")),
            (400, ("3", "Interim - continuing claim")),
            (250, ("4", "Interim - last claim")),
        ],
    );
    if claim.revision > 0 {
        ("7", "Replacement of prior claim")
    } else if is_interim {
        interim
    } else {
        ("1", "Admit thru discharge claim")
    }
}

fn weighted(dice: &mut Dice, choices: &[(u32, Code)]) -> Code {
    let mut left = dice.below(choices.iter().map(|(weight, _)| weight).sum());
    for (weight, code) in choices {
        if left < *weight {
            return *code;
        }
        left -= weight;
    }
    ("", "")
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
        let denied = share(ClaimKind::Carrier, |found| found.payment_denial.0 != "1");
        assert!((50..90).contains(&denied), "{denied}");
        let interim = share(ClaimKind::Snf, |found| {
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
