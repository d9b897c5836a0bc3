//! The tokens of an expression while its tree is built: the current position, the depth of the
//! tree, and errors with their place.

use std::collections::BTreeMap;
use std::fmt;

use super::ast::{Literal, Span};
use super::lexer::{Token, expression_error, tokens};
use crate::error::Error;

/// The constants of a view by name, as `%name` refers to them.
pub type Constants = BTreeMap<String, Literal>;

/// Reads tokens; [`super::parser`] and [`super::term`] make the tree.
pub(super) struct Parser<'a> {
    /// The text, for errors.
    pub(super) source: &'a str,
    /// The values of constants such as `%name`.
    pub(super) constants: &'a Constants,
    /// All tokens with their places.
    pub(super) tokens: Vec<(Token, Span)>,
    /// The next token.
    pub(super) position: usize,
    /// How many expressions are open around the one being read.
    pub(super) depth: usize,
    /// The height of the tree read last.
    pub(super) height: usize,
    /// How many function calls the parser is inside of: their arguments are being read.
    pub(super) calls: usize,
}

impl<'a> Parser<'a> {
    /// Splits the source into tokens.
    pub(super) fn new(source: &'a str, constants: &'a Constants) -> Result<Self, Error> {
        Ok(Self {
            source,
            constants,
            tokens: tokens(source)?,
            position: 0,
            depth: 0,
            height: 0,
            calls: 0,
        })
    }

    /// The next token.
    pub(super) fn peek(&self) -> &Token {
        self.tokens
            .get(self.position)
            .map_or(&Token::End, |(token, _)| token)
    }

    /// The place of the next token.
    pub(super) fn span(&self) -> Span {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.position.min(last))
            .map_or_else(Span::default, |(_, span)| *span)
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> (Token, Span) {
        let token = (self.peek().clone(), self.span());
        self.position += 1;
        token
    }

    /// An error at the next token.
    pub(super) fn error<T>(&self, reason: impl Into<String>) -> Result<T, Error> {
        Err(expression_error(self.source, self.span().start, reason))
    }

    /// An error at a place.
    pub(super) fn error_at<T>(&self, span: Span, reason: impl Into<String>) -> Result<T, Error> {
        Err(expression_error(self.source, span.start, reason))
    }

    /// Passes over a symbol if it is the next token.
    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        if found {
            self.position += 1;
        }
        found
    }

    /// Passes over a symbol that must be the next token.
    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<(), Error> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        self.error(format!(
            "'{symbol}' is expected, found {}",
            DisplayToken(self.peek())
        ))
    }

    /// The place from `start` to the token read last.
    pub(super) fn since(&self, start: usize) -> Span {
        let end = self
            .position
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(start, |(_, span)| span.end);
        Span { start, end }
    }
}

/// Displays a token as errors show it.
pub(super) struct DisplayToken<'a>(pub(super) &'a Token);

impl fmt::Display for DisplayToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Token::End => f.write_str("the end"),
            Token::Word(text) | Token::Number(text) => write!(f, "'{text}'"),
            Token::Quoted(text) => write!(f, "'`{text}`'"),
            Token::Text(_) => f.write_str("a string"),
            Token::DateTime(_) => f.write_str("a date"),
            Token::Time(_) => f.write_str("a time"),
            Token::External(name) => write!(f, "'%{name}'"),
            Token::Dollar(name) => write!(f, "'${name}'"),
            Token::Symbol(symbol) => write!(f, "'{symbol}'"),
        }
    }
}
