//! A number of claims, what was paid for them, and whether few people are behind them.

/// The greatest number that is masked.
pub(crate) const FEW: usize = 10;

/// A number of claims, or of a member's months.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The number of claims.
    pub(crate) claims: u64,
    /// How many of them have a payment.
    pub(crate) with_payment: u64,
    /// The sum of these payments, in cents.
    paid_cents: i128,
    /// Hashes of the patients of these claims: all if they are few, otherwise just enough to show
    /// that they are not.
    people: Vec<u64>,
}

impl Cell {
    /// Distinct people behind the claims; where they are more than few, one more than few.
    pub(crate) fn people_at_least(&self) -> usize {
        self.people.len()
    }

    /// The sum of payments, in cents; `None` if no claim states one.
    pub(crate) fn paid_cents(&self) -> Option<i128> {
        (self.with_payment > 0).then_some(self.paid_cents)
    }

    /// A cell as tests need it.
    #[cfg(test)]
    pub(super) fn of(claims: u64, paid_cents: i128, people: u64) -> Self {
        let mut cell = Self {
            claims,
            with_payment: claims,
            paid_cents,
            people: Vec::new(),
        };
        (0..people).for_each(|person| cell.see(person));
        cell
    }

    /// Adds the claims of another cell.
    pub(crate) fn add(&mut self, other: &Cell) {
        self.claims += other.claims;
        self.with_payment += other.with_payment;
        self.paid_cents += other.paid_cents;
        other.people.iter().for_each(|person| self.see(*person));
    }

    /// Adds one claim.
    pub(super) fn count(&mut self, person: u64, paid: Option<i128>) {
        self.claims += 1;
        self.with_payment += u64::from(paid.is_some());
        self.paid_cents += paid.unwrap_or(0);
        self.see(person);
    }

    fn see(&mut self, person: u64) {
        if self.people.len() <= FEW && !self.people.contains(&person) {
            self.people.push(person);
        }
    }
}
