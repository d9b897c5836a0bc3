//! Reading a template's text into a list of operations.

use super::value::Key;

/// A template, ready to be filled.
#[derive(Debug)]
pub(crate) struct Template {
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug)]
pub(super) enum Operation {
    Literal {
        bytes: Box<[u8]>,
        /// Whether it begins by closing an object or array, so that a comma before it is removed.
        closes: bool,
    },
    /// A value within other text.
    Value(Name),
    /// A value in HTML.
    Escaped(Name),
    /// A member or element that is nothing but a value, and is left out where that is absent.
    Member {
        before: Box<[u8]>,
        name: Name,
        after: Box<[u8]>,
    },
    /// The next number of a counter.
    Counter(Name),
    Section {
        name: Name,
        when: When,
        operations: Vec<Operation>,
    },
}

/// When a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Once if the value is present, or once for each element of a list.
    Present,
    Absent,
}

#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) key: Key,
    pub(super) text: Box<str>,
}

impl Name {
    fn of(text: &str) -> Self {
        Self {
            key: Key::of(text),
            text: text.into(),
        }
    }
}

/// What is wrong with a template's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("a placeholder has no end: {0}")]
    Unended(String),
    #[error("{{{{/{0}}}}} closes no section of that name")]
    Unopened(String),
    #[error("the section {{{{#{0}}}}} has no end")]
    Unclosed(String),
    #[error("there is no part {0}")]
    UnknownPart(String),
}

/// What kind of text surrounds the marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// White space between tokens is dropped, and values are written as they are.
    Json,
    /// The text stays as it is, and values are escaped.
    Html,
}

impl Template {
    /// Reads a template. `part` gives the text of what `{{> name}}` includes.
    ///
    /// # Errors
    ///
    /// Where marks do not match, or a part is not known.
    pub(crate) fn parse(
        text: &str,
        syntax: Syntax,
        part: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<Self, TemplateError> {
        let text = with_parts(text, part)?;
        let mut parser = Parser {
            rest: &text,
            syntax,
            is_in_string: false,
            operations: Vec::new(),
            literal: String::new(),
            closes: false,
        };
        match parser.section(None)? {
            None => Ok(Self {
                operations: parser.operations,
            }),
            Some(name) => Err(TemplateError::Unopened(name)),
        }
    }
}

fn with_parts(
    text: &str,
    part: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<String, TemplateError> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{>") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| TemplateError::Unended(beginning(after)))?;
        let name = name.trim();
        let included = part(name).ok_or_else(|| TemplateError::UnknownPart(name.to_owned()))?;
        whole.push_str(before);
        whole.push_str(&with_parts(included, part)?);
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole)
}

fn beginning(text: &str) -> String {
    text.chars().take(20).collect()
}

struct Parser<'t> {
    rest: &'t str,
    syntax: Syntax,
    is_in_string: bool,
    operations: Vec<Operation>,
    literal: String,
    closes: bool,
}

impl<'t> Parser<'t> {
    /// Reads up to the end of the section `open`, or of the text; returns an end mark that belongs
    /// to another section.
    fn section(&mut self, open: Option<&str>) -> Result<Option<String>, TemplateError> {
        while let Some(next) = self.rest.chars().next() {
            if let Some(mark) = self.rest.strip_prefix("{{") {
                let (mark, rest) = mark
                    .split_once("}}")
                    .ok_or_else(|| TemplateError::Unended(beginning(mark)))?;
                self.rest = rest;
                let name = mark.trim_start_matches(['#', '^', '/', '+']).trim();
                match mark.chars().next() {
                    Some('#') => self.nested(name, When::Present)?,
                    Some('^') => self.nested(name, When::Absent)?,
                    Some('+') => {
                        self.end_literal();
                        self.operations.push(Operation::Counter(Name::of(name)));
                    }
                    Some('/') => {
                        self.end_literal();
                        let is_own = open == Some(name);
                        return Ok((!is_own).then(|| name.to_owned()));
                    }
                    _ => self.value(Name::of(name)),
                }
                continue;
            }
            self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
            self.character(next);
        }
        self.end_literal();
        match open {
            Some(open) => Err(TemplateError::Unclosed(open.to_owned())),
            None => Ok(None),
        }
    }

    fn nested(&mut self, name: &str, when: When) -> Result<(), TemplateError> {
        self.end_literal();
        let outer = std::mem::take(&mut self.operations);
        if let Some(other) = self.section(Some(name))? {
            return Err(TemplateError::Unopened(other));
        }
        let operations = std::mem::replace(&mut self.operations, outer);
        self.operations.push(Operation::Section {
            name: Name::of(name),
            when,
            operations,
        });
        Ok(())
    }

    /// Keeps what JSON means: no white space between tokens, no comma before an end.
    fn character(&mut self, next: char) {
        if self.syntax == Syntax::Html {
            self.literal.push(next);
        } else if self.is_in_string {
            self.literal.push(next);
            match next {
                '"' => self.is_in_string = false,
                '\\' => {
                    let escaped = self.rest.chars().next();
                    self.literal.extend(escaped);
                    let length = escaped.map_or(0, char::len_utf8);
                    self.rest = self.rest.get(length..).unwrap_or_default();
                }
                _ => {}
            }
        } else {
            self.between_strings(next);
        }
    }

    fn between_strings(&mut self, next: char) {
        match next {
            '}' | ']' => {
                if self.literal.ends_with(',') {
                    self.literal.pop();
                }
                self.closes |= self.literal.is_empty();
            }
            '"' => self.is_in_string = true,
            _ if next.is_ascii_whitespace() => return,
            _ => {}
        }
        self.literal.push(next);
    }

    fn value(&mut self, name: Name) {
        let start = match self.syntax {
            Syntax::Json => self.member_start(),
            Syntax::Html => None,
        };
        let Some(start) = start else {
            self.end_literal();
            self.operations.push(match self.syntax {
                Syntax::Json => Operation::Value(name),
                Syntax::Html => Operation::Escaped(name),
            });
            return;
        };
        let before: Box<[u8]> = self.literal.split_off(start).into_bytes().into();
        self.end_literal();
        let mut after = String::new();
        if self.is_in_string {
            after.push('"');
            self.rest = self.rest.get(1..).unwrap_or_default();
            self.is_in_string = false;
        }
        if let Some(rest) = self.rest.trim_ascii_start().strip_prefix(',') {
            after.push(',');
            self.rest = rest;
        }
        self.operations.push(Operation::Member {
            before,
            name,
            after: after.into_bytes().into(),
        });
    }

    /// Where in the literal the member or element begins whose value is just the placeholder read
    /// last.
    fn member_start(&self) -> Option<usize> {
        let value_start = if self.is_in_string {
            let is_all = self.literal.ends_with('"') && self.rest.starts_with('"');
            is_all.then(|| self.literal.len() - 1)?
        } else {
            self.literal.len()
        };
        let before = self.literal.get(..value_start)?;
        match before.strip_suffix("\":") {
            Some(key) => key.rfind('"'),
            None => Some(value_start),
        }
    }

    fn end_literal(&mut self) {
        let closes = std::mem::take(&mut self.closes);
        if !self.literal.is_empty() {
            let bytes = std::mem::take(&mut self.literal).into_bytes().into();
            self.operations.push(Operation::Literal { bytes, closes });
        }
    }
}
