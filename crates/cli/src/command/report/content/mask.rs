//! Counts of 1 to 10 are not shown, and neither is what would let them be worked out.

use std::collections::BTreeMap;

use super::cell::{Cell, FEW};
use super::month::Month;

/// Whether small numbers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Masking {
    /// Numbers of 1 to 10 are hidden.
    Masked,
    /// Every number is shown; the output is PHI.
    Unmasked,
}

impl Masking {
    /// Whether a number is shown.
    pub(crate) fn shows(self, number: u64) -> bool {
        self == Masking::Unmasked || number == 0 || number > FEW as u64
    }

    /// Whether a part of a total is shown: neither the part nor the rest may be few.
    pub(crate) fn shows_part(self, part: u64, total: u64) -> bool {
        self.shows(part) && self.shows(total.saturating_sub(part))
    }

    /// Whether claims and money of a cell are shown: neither claims nor people may be few.
    pub(crate) fn shows_cell(self, cell: &Cell) -> bool {
        self == Masking::Unmasked
            || cell.claims == 0
            || (cell.people_at_least() > FEW && cell.claims > FEW as u64)
    }

    /// Whether the money of a cell that is shown is shown: a sum of few payments would disclose them.
    pub(crate) fn shows_money(self, cell: &Cell) -> bool {
        self.shows(cell.with_payment)
    }

    /// Which cells of a row are shown if the row's sum is shown. If only one were hidden, it could
    /// be computed from the sum: the smallest of the others is hidden as well.
    pub(crate) fn shown_of_sum<'c>(self, cells: impl IntoIterator<Item = &'c Cell>) -> Vec<bool> {
        let cells: Vec<&Cell> = cells.into_iter().collect();
        let sizes: Vec<u64> = cells.iter().map(|cell| cell.claims).collect();
        hide_a_second(cells.iter().map(|cell| self.shows_cell(cell)), &sizes)
    }

    /// The same for the money of the cells, whose sum is shown.
    pub(crate) fn money_of_sum<'c>(self, cells: impl IntoIterator<Item = &'c Cell>) -> Vec<bool> {
        let cells: Vec<&Cell> = cells.into_iter().collect();
        let shown = self.shown_of_sum(cells.iter().copied());
        let sizes: Vec<u64> = cells.iter().map(|cell| cell.with_payment).collect();
        let shown = shown.into_iter().zip(&cells);
        let shown = shown.map(|(is_shown, cell)| is_shown && self.shows_money(cell));
        hide_a_second(shown, &sizes)
    }

    /// Whether at least half of the claims in `cells` would be shown.
    pub(crate) fn shows_most(self, cells: &BTreeMap<Month, Cell>) -> bool {
        let all: u64 = cells.values().map(|cell| cell.claims).sum();
        let shown = cells.values().filter(|cell| self.shows_cell(cell));
        shown.map(|cell| cell.claims).sum::<u64>() * 2 >= all
    }
}

/// Hides the smallest cell that is shown and not empty, where exactly one is hidden.
fn hide_a_second(shown: impl Iterator<Item = bool>, sizes: &[u64]) -> Vec<bool> {
    let mut shown: Vec<bool> = shown.collect();
    if shown.iter().filter(|shown| !**shown).count() == 1 {
        let smallest = (0..sizes.len())
            .filter(|at| shown[*at] && sizes[*at] > 0)
            .min_by_key(|at| sizes[*at]);
        if let Some(smallest) = smallest {
            shown[smallest] = false;
        }
    }
    shown
}
