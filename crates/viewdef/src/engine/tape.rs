//! What the walk recorded of a resource: its values in the order of the text.
//!
//! A tape in the sense of simdjson and of Arrow's JSON reader: a flat list in which each object knows
//! where it ends, so that stepping over what is not wanted costs one jump. Arrays have no entry of their
//! own, as in FHIR a single value and a list of one mean the same to a path.

use super::keys::KeyCode;

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its members are the entries up to [`Entry::next`].
    Object,
    /// A string without an escape.
    Text,
    /// A string with escapes.
    EscapedText,
    /// The digits are in the text.
    Number,
    True,
    False,
}

impl Kind {
    /// The name of the JSON type, for words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Text | Kind::EscapedText => "string",
            Kind::Number => "number",
            Kind::True | Kind::False => "boolean",
        }
    }
}

/// A value. The elements of an array are values under the array's key, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The key it is under; 0 for the resource.
    pub(super) code: KeyCode,
    /// What it is.
    pub(super) kind: Kind,
    /// Where the text begins and ends in the buffer; a string's without its quotes.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The entry after all that is within this one.
    pub(super) next: u32,
    /// The entry after the last element of the array, for its first element; else `next`.
    pub(super) run_end: u32,
}

/// A value's position on the tape.
pub(super) type Position = u32;

/// The values of one resource; the resource itself is the first.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// In the order of the text.
    pub(super) entries: Vec<Entry>,
    /// Whether something came that only the reference evaluator knows how to take.
    pub(super) needs_fallback: bool,
}

impl Tape {
    /// The value at a position; behind the end one that has no key and is no object.
    #[inline]
    pub(super) fn entry(&self, position: Position) -> Entry {
        self.entries
            .get(position as usize)
            .copied()
            .unwrap_or(Entry {
                code: 0,
                kind: Kind::False,
                start: 0,
                end: 0,
                next: u32::MAX,
                run_end: u32::MAX,
            })
    }
}
