//! Text to tokens (FHIRPath section 2 and its grammar).
//!
//! A name that is also an operator (`contains`, `div`) is a word here; the parser knows by its place what
//! it is. Errors name the character, counted as people count: in characters, from 1.

use super::ast::Span;
use crate::error::{Error, ErrorKind};

/// A token of FHIRPath.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: an element, a function, a type or an operator such as `and`.
    Word(String),
    /// A name in back quotes.
    Quoted(String),
    /// `'text'` with its escapes resolved.
    Text(String),
    /// Digits, with a fraction or without.
    Number(String),
    /// `@…` without the `@`.
    DateTime(String),
    /// `@T…` without `@T`.
    Time(String),
    /// `%name`
    External(String),
    /// `$this`, `$index`, `$total`
    Dollar(String),
    /// Punctuation and operators.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// The longest first.
const SYMBOLS: &[&str] = &[
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ",", ".", "+", "-", "*", "/", "&", "|",
    "<", ">", "=", "~",
];

/// Splits a text; the last token is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Span)>, Error> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space_and_comments()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((
            token,
            Span {
                start,
                end: lexer.at,
            },
        ));
        if is_end {
            return Ok(tokens);
        }
    }
}

/// An error at a byte of the source.
pub(super) fn expression_error(source: &str, at: usize, reason: impl Into<String>) -> Error {
    let before = source.get(..at).unwrap_or(source);
    let character = before.chars().count() + 1;
    Error::new(ErrorKind::Expression { character }, "", reason)
}

/// The position in the source.
struct Lexer<'a> {
    /// The whole text.
    source: &'a str,
    /// The next byte.
    at: usize,
}

impl Lexer<'_> {
    /// The text that was not read yet.
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// The next character.
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads characters as long as they belong.
    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let taken = rest[..length].to_owned();
        self.at += length;
        taken
    }

    /// An error at a byte.
    fn error<T>(&self, at: usize, reason: impl Into<String>) -> Result<T, Error> {
        Err(expression_error(self.source, at, reason))
    }

    /// Passes over white space, `// …` and `/* … */`.
    fn skip_space_and_comments(&mut self) -> Result<(), Error> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(length) => self.at += length + 2,
                    None => return self.error(self.at, "the comment has no end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Reads a token.
    fn token(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.word())),
            '0'..='9' => self.number(),
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '`' => Ok(Token::Quoted(self.quoted('`')?)),
            '%' => {
                self.at += 1;
                match self.peek() {
                    Some('`') => Ok(Token::External(self.quoted('`')?)),
                    Some('\'') => Ok(Token::External(self.quoted('\'')?)),
                    Some('a'..='z' | 'A'..='Z' | '_') => Ok(Token::External(self.word())),
                    _ => self.error(start, "a name is expected after '%'"),
                }
            }
            '$' => {
                self.at += 1;
                Ok(Token::Dollar(self.word()))
            }
            '@' => self.date_or_time(),
            _ => {
                let symbol = SYMBOLS
                    .iter()
                    .find(|symbol| self.rest().starts_with(**symbol));
                match symbol {
                    Some(symbol) => {
                        self.at += symbol.len();
                        Ok(Token::Symbol(symbol))
                    }
                    None => self.error(start, format!("unexpected character '{first}'")),
                }
            }
        }
    }

    /// Reads a name.
    fn word(&mut self) -> String {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Reads a number; signs are operators.
    fn number(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let mut digits = self.take_while(|c| c.is_ascii_digit());
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            digits.push('.');
            digits.push_str(&self.take_while(|c| c.is_ascii_digit()));
        } else if self.peek() == Some('L') {
            // A Long; integers have 64 bits anyway.
            self.at += 1;
        }
        if self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
            return self.error(start, "a number is followed by a letter");
        }
        Ok(Token::Number(digits))
    }

    /// Reads what follows an `@`; whether there is such a day or time, the parser checks.
    fn date_or_time(&mut self) -> Result<Token, Error> {
        let start = self.at;
        self.at += 1;
        let is_time = self.peek() == Some('T');
        let mut text = String::new();
        while let Some(next) = self.peek() {
            let belongs = match next {
                '0'..='9' | ':' | 'T' | 'Z' => true,
                // The fraction of a second; `@2020.foo` is a step.
                '.' => {
                    text.contains('T')
                        && self
                            .rest()
                            .chars()
                            .nth(1)
                            .is_some_and(|c| c.is_ascii_digit())
                }
                '-' | '+' => self
                    .rest()
                    .chars()
                    .nth(1)
                    .is_some_and(|c| c.is_ascii_digit()),
                _ => false,
            };
            if !belongs {
                break;
            }
            text.push(next);
            self.at += 1;
        }
        if text.is_empty() || text == "T" {
            return self.error(start, "a date or time is expected after '@'");
        }
        Ok(if is_time {
            Token::Time(text.split_off(1))
        } else {
            Token::DateTime(text)
        })
    }

    /// Reads a text in quotes and resolves its escapes.
    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(next) = self.peek() {
            self.at += next.len_utf8();
            if next == quote {
                return Ok(text);
            }
            if next != '\\' {
                text.push(next);
                continue;
            }
            let escape_at = self.at - 1;
            let Some(escaped) = self.peek() else { break };
            self.at += escaped.len_utf8();
            text.push(match escaped {
                '\'' | '"' | '`' | '\\' | '/' => escaped,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\u{c}',
                'u' if self.four_hex_digits().is_some() => self.unicode_escape(escape_at)?,
                // By the standard, a backslash that begins no escape is ignored.
                _ => escaped,
            });
        }
        self.error(start, format!("no closing {quote}"))
    }

    /// Reads the digits of a `\u`, of both halves of a surrogate pair.
    fn unicode_escape(&mut self, escape_at: usize) -> Result<char, Error> {
        let first = self.take_four_hex_digits();
        if let Some(character) = first.and_then(char::from_u32) {
            return Ok(character);
        }
        if let Some(first @ 0xd800..0xdc00) = first
            && self.rest().starts_with("\\u")
        {
            self.at += 2;
            if let Some(second @ 0xdc00..0xe000) = self.take_four_hex_digits() {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                if let Some(character) = char::from_u32(code) {
                    return Ok(character);
                }
            }
        }
        self.error(escape_at, "the escape is half of a surrogate pair")
    }

    /// The code of the next four characters, if they are hexadecimal digits.
    fn four_hex_digits(&self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        all_hex
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    }

    /// The same; continues after the digits.
    fn take_four_hex_digits(&mut self) -> Option<u32> {
        let code = self.four_hex_digits()?;
        self.at += 4;
        Some(code)
    }
}
