//! What the lexer and the parser refuse a text with.

/// Why a text is no expression that views may use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at character {character}")]
pub struct ParseError {
    /// The character it is about, from 1.
    pub character: usize,
    /// What is wrong there.
    pub reason: String,
}

impl ParseError {
    pub(super) fn new(source: &str, at: usize, reason: impl Into<String>) -> Self {
        let before = source.get(..at).unwrap_or(source);
        Self {
            character: before.chars().count() + 1,
            reason: reason.into(),
        }
    }
}
