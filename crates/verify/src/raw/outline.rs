//! Which members of a resource are read.

use super::scan::word;

/// A member's name, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(pub(super) u16);

/// A place in an outline. The elements of an array are at their array's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot(usize);

/// The members that are looked at, from the resource on.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    names: Vec<Box<[u8]>>,
    spots: Vec<Vec<Wanted>>,
}

#[derive(Debug, Clone)]
struct Wanted {
    key: Box<[u8]>,
    /// The first eight bytes of the key and its closing quote, and which of them count.
    head: u64,
    mask: u64,
    name: Name,
    spot: Spot,
}

impl Outline {
    /// The resource itself.
    pub(crate) const ROOT: Spot = Spot(0);

    pub(crate) fn new() -> Self {
        Self {
            names: Vec::new(),
            spots: vec![Vec::new()],
        }
    }

    /// Asks for the members at a path below `from`; where they are then, and the path's names.
    pub(crate) fn want<S: AsRef<str>>(&mut self, from: Spot, path: &[S]) -> (Spot, Vec<Name>) {
        let mut spot = from;
        let mut names = Vec::new();
        for member in path {
            let (name, next) = self.member(spot, member.as_ref().as_bytes());
            names.push(name);
            spot = next;
        }
        (spot, names)
    }

    fn member(&mut self, from: Spot, key: &[u8]) -> (Name, Spot) {
        let known = self.spots.get(from.0).into_iter().flatten();
        if let Some(known) = known.into_iter().find(|wanted| *wanted.key == *key) {
            return (known.name, known.spot);
        }
        let spot = Spot(self.spots.len());
        self.spots.push(Vec::new());
        let name = self.name(key);
        if let Some(members) = self.spots.get_mut(from.0) {
            let quoted: Vec<u8> = key.iter().copied().chain([b'"']).collect();
            let counting = quoted.len().min(8);
            let mask = u64::MAX >> (64 - 8 * counting);
            members.push(Wanted {
                head: word(&quoted, 0) & mask,
                mask,
                key: key.into(),
                name,
                spot,
            });
        }
        (name, spot)
    }

    fn name(&mut self, key: &[u8]) -> Name {
        let position = self.names.iter().position(|name| **name == *key);
        let position = position.unwrap_or_else(|| {
            self.names.push(key.into());
            self.names.len() - 1
        });
        // A view has some hundred paths; names beyond the last number would share it.
        Name(u16::try_from(position).unwrap_or(u16::MAX))
    }

    /// The member whose key begins at `at` (behind its quote), if it is looked at, and one after
    /// the key's closing quote.
    #[inline]
    pub(super) fn find(&self, spot: Spot, text: &[u8], at: usize) -> Option<(Name, Spot, usize)> {
        let head = word(text, at);
        let members = self.spots.get(spot.0)?.iter();
        let mut alike = members.filter(|wanted| head & wanted.mask == wanted.head);
        alike.find_map(|wanted| {
            let end = at + wanted.key.len();
            let is_it = wanted.key.len() < 8
                || (text.get(at..end) == Some(&wanted.key) && text.get(end) == Some(&b'"'));
            is_it.then_some((wanted.name, wanted.spot, end + 1))
        })
    }

    /// Whether nothing within is looked at.
    #[inline]
    pub(super) fn is_leaf(&self, spot: Spot) -> bool {
        self.spots.get(spot.0).is_none_or(Vec::is_empty)
    }
}
