//! Evaluates conditions on an item of a tape: true, false or unknown, by FHIRPath's three-valued
//! logic (<https://hl7.org/fhirpath/#boolean-logic>).

use std::ops::ControlFlow;

use super::program::Condition;
use super::tape::{Kind, Position};
use super::tape_reader::{TapeReader, Unsupported};
use crate::fhirpath::{Decimal, Pattern};
use crate::json::unescape;

/// The most work for one match, in bytes of text times bytes of pattern. More is left to the
/// reference evaluator, which counts work and gives up on too much.
const MOST_WORK: usize = 1 << 20;

impl TapeReader<'_> {
    /// The truth of a condition; `None` if it is unknown.
    #[inline(never)]
    pub(super) fn truth(
        &self,
        condition: &Condition,
        this: Position,
    ) -> Result<Option<bool>, Unsupported> {
        Ok(match condition {
            Condition::Constant(truth) => *truth,
            Condition::OfResource { position, .. } => self.truth_of_resource(*position)?,
            Condition::Path(path) => match self.one(path, this)? {
                Err(_) => return Err(Unsupported),
                Ok(item) => item.map(|item| self.tape.entry(item).kind != Kind::False),
            },
            Condition::EqualsText(path, text) => match self.one(path, this)? {
                Err(_) => Some(false),
                Ok(item) => item.map(|item| self.is_text(item, text)),
            },
            Condition::EqualsBoolean(path, value) => match self.one(path, this)? {
                Err(_) => Some(false),
                Ok(item) => item.map(|item| {
                    self.tape.entry(item).kind == if *value { Kind::True } else { Kind::False }
                }),
            },
            Condition::EqualsNumber(path, value) => match self.one(path, this)? {
                Err(_) => Some(false),
                Ok(None) => None,
                Ok(Some(item)) => Some(match self.tape.entry(item).kind {
                    Kind::Number => self.number(item).ok_or(Unsupported)? == *value,
                    // It may be an integer64.
                    Kind::Text | Kind::EscapedText => return Err(Unsupported),
                    _ => false,
                }),
            },
            Condition::EqualsPath(left, right) => {
                match (self.one(left, this)?, self.one(right, this)?) {
                    (Ok(None), _) | (_, Ok(None)) => None,
                    (Ok(Some(left)), Ok(Some(right))) => Some(self.equal(left, right)?),
                    (Err(_), Err(_)) => return Err(Unsupported),
                    _ => Some(false),
                }
            }
            Condition::EqualsTail(left, right, start) => {
                match (self.one(left, this)?, self.one(right, this)?) {
                    (_, Err(_)) => return Err(Unsupported),
                    (Ok(None), _) | (_, Ok(None)) => None,
                    (Ok(Some(left)), Ok(Some(right))) => self.is_tail(left, right, *start)?,
                    (Err(_), Ok(Some(_))) => Some(false),
                }
            }
            Condition::In(item, among) => {
                let Ok(item) = self.one(item, this)? else {
                    return Err(Unsupported);
                };
                let Some(item) = item else { return Ok(None) };
                let mut is_in = Ok(false);
                self.each(among, this, &mut |other| {
                    is_in = self.equal(item, other);
                    match is_in {
                        Ok(false) => ControlFlow::Continue(()),
                        _ => ControlFlow::Break(()),
                    }
                })?;
                Some(is_in?)
            }
            Condition::Matches(path, pattern) => match self.one(path, this)? {
                Err(_) => return Err(Unsupported),
                Ok(None) => None,
                Ok(Some(item)) => Some(self.matches(item, pattern)?),
            },
            Condition::Exists(path) => {
                let mut exists = false;
                self.each(path, this, &mut |_| {
                    exists = true;
                    ControlFlow::Break(())
                })?;
                Some(exists)
            }
            Condition::Repeated { place, condition } => {
                self.repeated_truth(*place, condition, this)?
            }
            Condition::Not(condition) => self.truth(condition, this)?.map(|truth| !truth),
            Condition::And(left, right) => match self.truth(left, this)? {
                Some(false) => Some(false),
                left => match (left, self.truth(right, this)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            },
            Condition::Or(left, right) => match self.truth(left, this)? {
                Some(true) => Some(true),
                left => match (left, self.truth(right, this)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            },
        })
    }

    /// Whether an item matches a regular expression. An item that is not a text is left to the
    /// reference evaluator, which reports it.
    fn matches(&self, item: Position, pattern: &Pattern) -> Result<bool, Unsupported> {
        let raw = self.raw(item);
        let unescaped;
        let text = match self.tape.entry(item).kind {
            Kind::Text => raw,
            Kind::EscapedText => {
                unescaped = unescape(raw);
                &unescaped
            }
            _ => return Err(Unsupported),
        };
        // The reference evaluator counts the work, and gives up on too much.
        if text.len().saturating_mul(pattern.as_str().len()) > MOST_WORK {
            return Err(Unsupported);
        }
        let text = std::str::from_utf8(text).map_err(|_| Unsupported)?;
        Ok(pattern.is_match(text))
    }

    /// The number of an item, if a decimal can hold it.
    fn number(&self, item: Position) -> Option<Decimal> {
        Decimal::parse(std::str::from_utf8(self.raw(item)).ok()?)
    }

    /// Two numbers or two texts. Texts that may be dates are left to the reference evaluator, unless
    /// they are the same.
    fn equal(&self, left: Position, right: Position) -> Result<bool, Unsupported> {
        match (self.tape.entry(left).kind, self.tape.entry(right).kind) {
            (Kind::Number, Kind::Number) => {
                let (left_digits, right_digits) = (self.raw(left), self.raw(right));
                // Integers without a sign are written in one way only.
                let is_plain = |raw: &[u8]| raw.len() <= 18 && raw.iter().all(u8::is_ascii_digit);
                if is_plain(left_digits) && is_plain(right_digits) {
                    return Ok(left_digits == right_digits);
                }
                let (left, right) = (self.number(left), self.number(right));
                return Ok(left.ok_or(Unsupported)? == right.ok_or(Unsupported)?);
            }
            (Kind::Text, Kind::Text) => {}
            _ => return Err(Unsupported),
        }
        equal_texts(self.raw(left), self.raw(right))
    }

    /// Whether a text is the end of another one, from a character on.
    fn is_tail(
        &self,
        left: Position,
        right: Position,
        start: usize,
    ) -> Result<Option<bool>, Unsupported> {
        let is_text = |item| self.tape.entry(item).kind == Kind::Text;
        let right_text = self.raw(right);
        if !is_text(left) || !is_text(right) || !right_text.is_ascii() {
            return Err(Unsupported);
        }
        match right_text.get(start..) {
            None | Some([]) => Ok(None),
            Some(tail) => equal_texts(self.raw(left), tail).map(Some),
        }
    }
}

/// Texts that may both be dates or times are left to the reference evaluator, unless they are the same.
///
/// A text may be a date or time if it begins like one (`2024`, `2024-`, `12:`, `12`); two different
/// texts of this kind can still be equal in FHIRPath, for example in two time zones.
fn equal_texts(left: &[u8], right: &[u8]) -> Result<bool, Unsupported> {
    let may_be_time = |text: &[u8]| {
        text.first().is_some_and(u8::is_ascii_digit)
            && (matches!(text.len(), 2 | 4)
                || text.get(2) == Some(&b':')
                || text.get(4) == Some(&b'-'))
    };
    if left != right && may_be_time(left) && may_be_time(right) {
        return Err(Unsupported);
    }
    Ok(left == right)
}
