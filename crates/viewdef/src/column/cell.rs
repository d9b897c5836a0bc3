//! One value of JSON to one cell.
//!
//! Decimals are made from the digits of the source and never through a double. A value that a column
//! cannot take is a [`ProblemKind`], and the caller leaves null: no value is changed to make it fit.

use serde_json::Value;

use super::temporal::{date_days, instant_micros};
use crate::definition::ScalarType;
use crate::fhirpath::{Decimal, Fit, fit, misfit};
use crate::json::unescape_into;
use crate::problem::ProblemKind;

/// A cell whose text, if it has one, lies in a buffer or in a [`Scratch`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Cell {
    /// Null.
    #[default]
    Null,
    /// Bytes of the buffer.
    Text {
        /// The first byte.
        start: u32,
        /// The end, exclusive.
        end: u32,
    },
    /// Bytes of the scratch.
    ScratchText {
        /// The first byte.
        start: u32,
        /// The end, exclusive.
        end: u32,
    },
    /// A boolean.
    Boolean(bool),
    /// An integer, days, microseconds, or the digits of a decimal.
    Integer(i64),
    /// The digits of a long decimal: a position in the scratch.
    Wide(u32),
    /// A double.
    Float(f64),
    /// Cells of the scratch.
    List {
        /// The first cell.
        start: u32,
        /// The end, exclusive.
        end: u32,
    },
}

/// What cells refer to and the buffer does not hold; emptied after each resource.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Texts.
    pub bytes: Vec<u8>,
    /// Elements of lists.
    pub cells: Vec<Cell>,
    /// Digits of long decimals.
    pub wide: Vec<i128>,
}

impl Scratch {
    /// Empties it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.cells.clear();
        self.wide.clear();
    }

    /// Whether it holds more than `most` of anything; positions in it are right up to `u32::MAX`.
    pub(crate) fn exceeds(&self, most: usize) -> bool {
        let lens = [self.bytes.len(), self.cells.len(), self.wide.len()];
        lens.iter().any(|len| *len > most)
    }

    /// A text as a cell.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> Cell {
        let start = position(self.bytes.len());
        self.bytes.extend_from_slice(text);
        Cell::ScratchText {
            start,
            end: position(self.bytes.len()),
        }
    }

    /// Cells as the elements of a list.
    pub fn list(&mut self, cells: &[Cell]) -> Cell {
        let start = position(self.cells.len());
        self.cells.extend_from_slice(cells);
        Cell::List {
            start,
            end: position(self.cells.len()),
        }
    }

    /// A text with its escapes resolved, as a cell.
    fn escaped_text(&mut self, raw: &[u8]) -> Cell {
        let start = position(self.bytes.len());
        unescape_into(raw, &mut self.bytes);
        Cell::ScratchText {
            start,
            end: position(self.bytes.len()),
        }
    }

    /// The digits of a decimal as a cell: in the cell itself, or in the scratch buffer if they are
    /// many.
    fn digits(&mut self, digits: i128) -> Cell {
        if let Ok(digits) = i64::try_from(digits) {
            return Cell::Integer(digits);
        }
        self.wide.push(digits);
        Cell::Wide(position(self.wide.len() - 1))
    }
}

/// A position, right up to 4 GiB: lines are in buffers below that, and a resource for which more is
/// made than a [`Scratch`] counts ([`Scratch::exceeds`]) has no rows.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A value in the text of a line.
#[derive(Debug, Clone, Copy)]
pub enum Source<'s> {
    /// A string: what is between its quotes, where in the buffer, and whether with escapes.
    Text {
        /// The bytes.
        raw: &'s [u8],
        /// Where they begin in the buffer.
        start: u32,
        /// Whether there is a backslash among them.
        escaped: bool,
    },
    /// A number: its text and where it begins in the buffer.
    Number {
        /// The bytes.
        raw: &'s [u8],
        /// Where they begin in the buffer.
        start: u32,
    },
    /// A boolean.
    Boolean(bool),
    /// An object.
    Object,
}
/// The cell of a value in a column of a type.
///
/// # Errors
/// What is wrong with the value; [`ProblemKind::Rounded`] where [`rounded_cell`] has one.
#[inline]
pub fn cell_of(
    scalar: ScalarType,
    source: Source<'_>,
    scratch: &mut Scratch,
) -> Result<Cell, ProblemKind> {
    match scalar {
        ScalarType::Utf8 => match source {
            Source::Text {
                raw,
                start,
                escaped: false,
            }
            | Source::Number { raw, start } => Ok(Cell::Text {
                start,
                end: start + position(raw.len()),
            }),
            Source::Text { raw, .. } => Ok(scratch.escaped_text(raw)),
            Source::Boolean(value) => Ok(scratch.text(if value { b"true" } else { b"false" })),
            Source::Object => Err(ProblemKind::WrongType),
        },
        ScalarType::Boolean => match source {
            Source::Boolean(value) => Ok(Cell::Boolean(value)),
            _ => Err(ProblemKind::WrongType),
        },
        ScalarType::Int16 => integer(source, i64::from(i16::MIN), i64::from(i16::MAX)),
        ScalarType::Int32 => integer(source, i64::from(i32::MIN), i64::from(i32::MAX)),
        ScalarType::Int64 => match source {
            // FHIR's JSON writes integer64 as a string.
            Source::Text { .. } => with_text(source, |text| {
                text.parse()
                    .map(Cell::Integer)
                    .map_err(|_| ProblemKind::WrongType)
            }),
            _ => integer(source, i64::MIN, i64::MAX),
        },
        ScalarType::Float64 => match source {
            Source::Number { raw, .. } => std::str::from_utf8(raw)
                .ok()
                .and_then(|text| text.parse().ok())
                .filter(|value: &f64| value.is_finite())
                .map(Cell::Float)
                .ok_or(ProblemKind::TooManyDigits),
            _ => Err(ProblemKind::WrongType),
        },
        ScalarType::Decimal { precision, scale } => match source {
            Source::Number { raw, .. } => decimal(raw, precision, scale, scratch),
            _ => Err(ProblemKind::WrongType),
        },
        ScalarType::Date => match source {
            Source::Text { .. } => with_text(source, |text| {
                date_days(text)
                    .map(|days| Cell::Integer(i64::from(days)))
                    .ok_or(ProblemKind::BadDate)
            }),
            _ => Err(ProblemKind::WrongType),
        },
        ScalarType::Timestamp => match source {
            Source::Text { .. } => with_text(source, |text| {
                instant_micros(text)
                    .map(Cell::Integer)
                    .ok_or(ProblemKind::BadDate)
            }),
            _ => Err(ProblemKind::WrongType),
        },
    }
}

/// The cell of a number that fits its column when it is rounded; null for any other.
pub fn rounded_cell(scalar: ScalarType, source: Source<'_>, scratch: &mut Scratch) -> Cell {
    match (scalar, source) {
        (ScalarType::Decimal { precision, scale }, Source::Number { raw, .. }) => {
            match fit(raw, precision, scale) {
                Fit::Exact(digits) | Fit::Rounded(digits) => scratch.digits(digits),
                Fit::Not(_) => Cell::Null,
            }
        }
        _ => Cell::Null,
    }
}

/// What was found if a column expects another type: the type, and for a number that does not fit
/// what is too much about it.
#[must_use]
pub fn misfit_of(scalar: ScalarType, json_type: &str, number: &[u8]) -> String {
    match scalar {
        ScalarType::Decimal { precision, scale } if json_type == "number" => {
            misfit(number, precision, scale)
        }
        _ => json_type.to_owned(),
    }
}

/// The cell of a value that the reference evaluator found.
///
/// # Errors
/// What is wrong with the value.
pub fn cell_of_json(
    scalar: ScalarType,
    value: &Value,
    scratch: &mut Scratch,
) -> Result<Cell, ProblemKind> {
    let text_cell = |text: &str, scratch: &mut Scratch| scratch.text(text.as_bytes());
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Bool(value) => cell_of(scalar, Source::Boolean(*value), scratch),
        Value::Number(number) => {
            let text = number.to_string();
            if scalar == ScalarType::Utf8 {
                return Ok(text_cell(&text, scratch));
            }
            let source = Source::Number {
                raw: text.as_bytes(),
                start: 0,
            };
            cell_of(scalar, source, scratch)
        }
        Value::String(text) => {
            if scalar == ScalarType::Utf8 {
                return Ok(text_cell(text, scratch));
            }
            let source = Source::Text {
                raw: text.as_bytes(),
                start: 0,
                escaped: false,
            };
            cell_of(scalar, source, scratch)
        }
        Value::Array(values) => {
            let mut cells = Vec::with_capacity(values.len());
            for value in values {
                cells.push(cell_of_json(scalar, value, scratch)?);
            }
            Ok(scratch.list(&cells))
        }
        // Only if the column is declared to have elements.
        Value::Object(_) if scalar == ScalarType::Utf8 => {
            Ok(text_cell(&value.to_string(), scratch))
        }
        Value::Object(_) => Err(ProblemKind::WrongType),
    }
}

/// Reads the text of a string, its escapes resolved.
fn with_text(
    source: Source<'_>,
    read: impl Fn(&str) -> Result<Cell, ProblemKind>,
) -> Result<Cell, ProblemKind> {
    let Source::Text { raw, escaped, .. } = source else {
        return Err(ProblemKind::WrongType);
    };
    if escaped {
        let text = crate::json::unescape(raw);
        return read(std::str::from_utf8(&text).map_err(|_| ProblemKind::WrongType)?);
    }
    read(std::str::from_utf8(raw).map_err(|_| ProblemKind::WrongType)?)
}

/// A whole number in a range; `1.0` and `1e3` are whole numbers, too.
fn integer(source: Source<'_>, least: i64, most: i64) -> Result<Cell, ProblemKind> {
    let Source::Number { raw, .. } = source else {
        return Err(ProblemKind::WrongType);
    };
    let text = std::str::from_utf8(raw).map_err(|_| ProblemKind::WrongType)?;
    let value = match text.parse::<i64>() {
        Ok(value) => value,
        Err(_) => {
            let number = Decimal::parse(text).ok_or(ProblemKind::TooManyDigits)?;
            if number.normalized().scale() > 0 {
                return Err(ProblemKind::WrongType);
            }
            number.to_integer().ok_or(ProblemKind::TooManyDigits)?
        }
    };
    if (least..=most).contains(&value) {
        Ok(Cell::Integer(value))
    } else {
        Err(ProblemKind::TooManyDigits)
    }
}

/// The digits of a number at a scale; zeros behind the scale are no digits.
fn decimal(
    raw: &[u8],
    precision: u8,
    scale: i8,
    scratch: &mut Scratch,
) -> Result<Cell, ProblemKind> {
    if let Some(digits) = short_decimal(raw, precision, scale) {
        return Ok(Cell::Integer(digits));
    }
    match fit(raw, precision, scale) {
        Fit::Exact(digits) => Ok(scratch.digits(digits)),
        Fit::Rounded(_) => Err(ProblemKind::Rounded),
        Fit::Not(_) => Err(ProblemKind::TooManyDigits),
    }
}

/// How many digits a number has.
fn length(digits: i128) -> u32 {
    digits
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| log + 1)
}

/// Amounts as they mostly are: few digits, no exponent, not more behind the point than the scale.
#[inline]
fn short_decimal(raw: &[u8], precision: u8, scale: i8) -> Option<i64> {
    let (negative, digits) = match raw.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, raw),
    };
    if digits.len() > 16 {
        return None;
    }
    let mut value: i64 = 0;
    let mut behind_point: Option<i8> = None;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                if let Some(places) = &mut behind_point {
                    *places += 1;
                }
            }
            b'.' => behind_point = Some(0),
            _ => return None,
        }
    }
    let missing = scale.checked_sub(behind_point.unwrap_or(0))?;
    let factor = 10_i64.checked_pow(u32::try_from(missing).ok()?)?;
    value = value.checked_mul(factor)?;
    (length(i128::from(value)) <= u32::from(precision)).then_some(if negative {
        -value
    } else {
        value
    })
}

#[cfg(test)]
mod tests;
