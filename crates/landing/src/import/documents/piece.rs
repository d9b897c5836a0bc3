//! What an input is cut into.

use std::ops::Range;

/// A piece of the input. [`super::Documents::text`] has its bytes until the next piece is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::import) struct Piece {
    pub(in crate::import) kind: PieceKind,
    /// The line of the input it begins on, from 1.
    pub(in crate::import) line: u64,
    /// The number of the document that it is, or is an entry of, from 1.
    pub(in crate::import) document: u64,
    /// Where it is in the buffer.
    pub(super) range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum PieceKind {
    /// A line, or a value (an object or a list) of a pretty-printed input.
    Document,
    /// An element of the `entry` array of a Bundle that is too large to be a document.
    BundleEntry,
    /// The beginning of a document over the limit; the rest of it is skipped.
    TooLarge,
    /// Text between values where no value begins.
    NotAValue,
    /// The beginning of an input that is no JSON in UTF-8, and what it is; nothing follows.
    Unreadable(&'static str),
}

/// The next step through an input.
pub(super) enum Step {
    Piece(Piece),
    /// Nothing yet: more was read, or blanks were skipped.
    Again,
    /// What begins here does not end within the limit.
    OverLimit,
    Ended,
}
