//! What is wrong with a text, without any part of it: texts are PHI.

use std::fmt;

/// Levels of nesting; deeper texts are refused, so that no text can exhaust the stack.
pub const MAX_DEPTH: u32 = 120;

/// What is wrong with a string or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON.
    NotJson,
    /// JSON, but a string holds half of a surrogate pair.
    LoneSurrogate,
}

/// Why a text has no tree; like [`Fault`], without any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFault {
    /// Not JSON.
    NotJson,
    /// Not UTF-8.
    NotUtf8,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// An object has a key twice.
    DuplicateKey,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("not JSON"),
            Self::NotUtf8 => f.write_str("the text is not UTF-8"),
            Self::LoneSurrogate => f.write_str("a string holds half of a surrogate pair"),
            Self::DuplicateKey => f.write_str("an object has the same key twice"),
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
        }
    }
}

impl std::error::Error for ValueFault {}

impl From<Fault> for ValueFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotJson => Self::NotJson,
            Fault::LoneSurrogate => Self::LoneSurrogate,
        }
    }
}
