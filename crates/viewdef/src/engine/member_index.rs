//! Where the members of the resource and of the row's element are: most paths of columns begin there.
//!
//! A path's first step is then one look instead of a scan over the members. An index belongs to one element
//! and is overwritten by the next; a stamp tells what is left from elements before.

use std::cell::Cell;

use super::keys::{KeyCode, element_number};
use super::tape::{Position, Tape};

/// Where a member is.
pub(super) enum Place {
    /// No member has the name, or is a choice (`value[x]`) of that name.
    Missing,
    /// The position of the only such member.
    At(Position),
    /// There are several.
    Unknown,
}

/// The members of one element.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The element; `None` at first.
    of: Cell<Option<Position>>,
    /// The number of the current element; older entries of `places` have a smaller one.
    stamp: Cell<u32>,
    /// For each name, by its number: the stamp when it was last found and the position of the
    /// member, or [`SEVERAL`].
    places: Vec<Cell<(u32, Position)>>,
}

/// Marks a name that several members have.
const SEVERAL: Position = u32::MAX;

impl Members {
    /// `elements` is how many names of elements there are.
    fn new(elements: usize) -> Self {
        Self {
            places: vec![Cell::new((0, 0)); elements],
            ..Self::default()
        }
    }

    /// Where a member is.
    #[inline]
    pub(super) fn place(&self, element: KeyCode) -> Place {
        match self.places.get(element_number(element)).map(Cell::get) {
            Some((stamp, _)) if stamp != self.stamp.get() => Place::Missing,
            Some((_, position)) if position != SEVERAL => Place::At(position),
            _ => Place::Unknown,
        }
    }

    /// Learns the members of an element.
    fn learn(&self, tape: &Tape, of: Position) {
        let Some(stamp) = self.stamp.get().checked_add(1) else {
            // Stamps begin again.
            for place in &self.places {
                place.set((0, 0));
            }
            self.stamp.set(0);
            self.of.set(None);
            return;
        };
        self.stamp.set(stamp);
        let end = tape.entry(of).next;
        let mut position = of + 1;
        while position < end {
            let entry = tape.entry(position);
            if let Some(place) = self.places.get(element_number(entry.code)) {
                let is_first = place.get().0 != stamp;
                place.set((stamp, if is_first { position } else { SEVERAL }));
            }
            position = entry.run_end;
        }
        self.of.set(Some(of));
    }
}

/// The members of the resource, and of the element that makes the row.
#[derive(Debug, Default)]
pub(super) struct MemberIndex {
    resource: Members,
    row: Members,
}

impl MemberIndex {
    /// `elements` is how many names of elements there are.
    pub(super) fn new(elements: usize) -> Self {
        Self {
            resource: Members::new(elements),
            row: Members::new(elements),
        }
    }

    /// The members of an element, if they are known.
    #[inline]
    pub(super) fn of(&self, element: Position) -> Option<&Members> {
        let members = match element {
            0 => &self.resource,
            _ => &self.row,
        };
        (members.of.get() == Some(element)).then_some(members)
    }

    /// Learns the members of the element that makes rows now.
    pub(super) fn learn(&self, tape: &Tape, element: Position) {
        if self.of(element).is_none() {
            match element {
                0 => self.resource.learn(tape, 0),
                _ => self.row.learn(tape, element),
            }
        }
    }

    /// Forgets the resource.
    pub(super) fn clear(&self) {
        self.resource.of.set(None);
        self.row.of.set(None);
    }
}
