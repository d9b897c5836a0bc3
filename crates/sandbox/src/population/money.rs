//! What a claim costs, in cents: lines whose sums are the header's amounts, in both API
//! versions.

use super::claim::{Claim, ClaimKind};
use super::processing::LineOutcome;
use crate::random::Random;

/// The amounts of one line, or of the whole claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amounts {
    pub(crate) submitted: i64,
    pub(crate) allowed: i64,
    pub(crate) deductible: i64,
    pub(crate) coinsurance: i64,
    pub(crate) paid: i64,
    pub(crate) noncovered: i64,
    pub(crate) outcome: LineOutcome,
}

impl Amounts {
    fn add(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.allowed += other.allowed;
        self.deductible += other.deductible;
        self.coinsurance += other.coinsurance;
        self.paid += other.paid;
        self.noncovered += other.noncovered;
    }

    /// A quarter of a line, taken back.
    fn credited(&self) -> Self {
        let (allowed, deductible) = (-self.allowed / 4, -self.deductible / 4);
        let coinsurance = -self.coinsurance / 4;
        Self {
            submitted: -self.submitted / 4,
            allowed,
            deductible,
            coinsurance,
            paid: allowed - deductible - coinsurance,
            noncovered: -self.noncovered / 4,
            outcome: self.outcome,
        }
    }

    /// The amounts of a line with this outcome: nothing is paid for what was denied.
    fn decided(self, outcome: LineOutcome) -> Self {
        if !outcome.is_denied {
            return Self { outcome, ..self };
        }
        Self {
            submitted: self.submitted,
            noncovered: self.submitted,
            outcome,
            ..Self::default()
        }
    }
}

/// A claim's lines and their sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill {
    pub(crate) lines: Vec<Amounts>,
    pub(crate) sum: Amounts,
    /// Whether a last line repeats the sum under revenue centre 0001.
    pub(crate) has_total_line: bool,
}

impl Bill {
    /// The bill of a claim; a later revision keeps the lines and what was charged, and pays other
    /// amounts.
    pub(crate) fn of(claim: &Claim) -> Self {
        let mut random = Random::of(&[claim.seed, 0x6269_6c6c]);
        let mut priced = Random::of(&[claim.seed, 0x7061_6964, u64::from(claim.revision)]);
        let count = line_count(claim.kind, &mut random);
        let largest = match claim.kind {
            ClaimKind::Carrier | ClaimKind::Dme => 60_000,
            ClaimKind::Pde => 45_000,
            ClaimKind::Outpatient | ClaimKind::Hha | ClaimKind::Hospice => 120_000,
            ClaimKind::Inpatient | ClaimKind::Snf => 900_000,
        };
        let mut bill = Self {
            lines: Vec::with_capacity(count),
            sum: Amounts::default(),
            has_total_line: claim.kind.is_institutional() && random.chance(450),
        };
        let has_credit = count > 1 && random.chance(25);
        for (number, outcome) in (1..).zip(LineOutcome::of_lines(claim, count)) {
            // The square of a uniform number: many small amounts, few large ones.
            let first = i64::from(random.between(1, 1_000));
            let submitted =
                500 + largest * first * first / 1_000_000 + i64::from(random.below(100));
            // Every fifth charge is a round one, so that amounts end in zeros.
            let submitted = if random.chance(200) {
                submitted / 1_000 * 1_000
            } else {
                submitted
            };
            let mut line = line(submitted.max(500), &mut priced).decided(outcome);
            if has_credit
                && number == count
                && let Some(first) = bill.lines.first()
            {
                line = first.credited();
            }
            bill.sum.add(line);
            bill.lines.push(line);
        }
        bill
    }

    /// Lines as they are served, the total line included.
    pub(crate) fn served_lines(&self) -> usize {
        self.lines.len() + usize::from(self.has_total_line)
    }
}

fn line(submitted: i64, priced: &mut Random) -> Amounts {
    let allowed = submitted * i64::from(priced.between(35, 90)) / 100;
    let deductible = if priced.chance(80) {
        allowed.min(24_000)
    } else {
        0
    };
    let coinsurance = (allowed - deductible) / 5;
    let noncovered = if priced.chance(60) {
        submitted - allowed
    } else {
        0
    };
    Amounts {
        submitted,
        allowed,
        deductible,
        coinsurance,
        paid: allowed - deductible - coinsurance,
        noncovered,
        ..Amounts::default()
    }
}

fn line_count(kind: ClaimKind, random: &mut Random) -> usize {
    let ranges: &[(u32, (u32, u32))] = match kind {
        ClaimKind::Pde => &[(1, (1, 1))],
        ClaimKind::Carrier => &[(640, (1, 1)), (240, (2, 2)), (100, (3, 5)), (20, (6, 20))],
        ClaimKind::Dme => &[(700, (1, 1)), (300, (2, 4))],
        ClaimKind::Outpatient => &[(450, (1, 2)), (400, (3, 6)), (150, (7, 19))],
        ClaimKind::Hha | ClaimKind::Hospice => &[(500, (1, 4)), (500, (5, 12))],
        ClaimKind::Inpatient | ClaimKind::Snf => &[(400, (2, 5)), (400, (6, 11)), (200, (12, 19))],
    };
    let (low, high) = random.weighted(ranges);
    usize::try_from(random.between(low, high)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::Bill;
    use crate::population::claim::{Claim, ClaimKind};

    #[test]
    fn a_bill_pays_what_is_allowed_less_what_the_patient_owes() {
        for seed in 0..500 {
            for kind in ClaimKind::ALL {
                let bill = Bill::of(&Claim {
                    seed,
                    kind,
                    ..Claim::default()
                });
                assert!(
                    (1..=20).contains(&bill.served_lines()),
                    "{}",
                    bill.served_lines()
                );
                let paid: i64 = bill.lines.iter().map(|line| line.paid).sum();
                assert_eq!(paid, bill.sum.paid);
                let sum = bill.sum;
                assert_eq!(sum.paid + sum.deductible + sum.coinsurance, sum.allowed);
                assert!(sum.allowed < sum.submitted);
            }
        }
    }

    #[test]
    fn a_revision_charges_the_same_and_pays_otherwise() {
        let claim = Claim {
            seed: 9,
            kind: ClaimKind::Inpatient,
            ..Claim::default()
        };
        let (first, second) = (
            Bill::of(&claim),
            Bill::of(&Claim {
                revision: 1,
                ..claim
            }),
        );
        assert_eq!(first.sum.submitted, second.sum.submitted);
        assert_ne!(first.sum.paid, second.sum.paid);
    }
}
