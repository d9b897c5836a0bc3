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
    spots: Vec<Members>,
}

/// The members that are looked at in one place.
#[derive(Debug, Clone, Default)]
struct Members {
    /// A bit for the first two bytes of each key: most keys that are not looked at have another.
    beginnings: u64,
    wanted: Vec<Wanted>,
}

/// The bit of a key by its first two bytes; that of a single byte has its closing quote.
#[inline]
fn beginning(head: u64) -> u64 {
    1 << ((head ^ (head >> 5)) & 63)
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
            spots: vec![Members::default()],
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
        let known = self.spots.get(from.0);
        let mut known = known.into_iter().flat_map(|members| &members.wanted);
        if let Some(known) = known.find(|wanted| *wanted.key == *key) {
            return (known.name, known.spot);
        }
        let spot = Spot(self.spots.len());
        self.spots.push(Members::default());
        let name = self.name(key);
        if let Some(members) = self.spots.get_mut(from.0) {
            let quoted: Vec<u8> = key.iter().copied().chain([b'"']).collect();
            let counting = quoted.len().min(8);
            let mask = u64::MAX >> (64 - 8 * counting);
            let head = word(&quoted, 0) & mask;
            members.beginnings |= match counting {
                // The byte behind the quote may be any.
                1 => u64::MAX,
                _ => beginning(head),
            };
            members.wanted.push(Wanted {
                head,
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
        let members = self.spots.get(spot.0)?;
        if members.beginnings & beginning(head) == 0 {
            return None;
        }
        let wanted = members.wanted.iter();
        let mut alike = wanted.filter(|wanted| head & wanted.mask == wanted.head);
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
        let members = self.spots.get(spot.0);
        members.is_none_or(|members| members.wanted.is_empty())
    }
}
