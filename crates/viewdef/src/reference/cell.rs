//! What an expression found to the value of a cell, checked against the type of its column.
//!
//! The rules are those of [`crate::column`], written a second time on purpose: the engine's cells are
//! compared with these. Only [`fit`], which decides whether a double wrote a number, is shared.

use serde_json::Value;

use super::item::Item;
use crate::definition::{Column, ScalarType};
use crate::fhirpath::{Decimal, Fit, Temporal, TemporalKind, fit, misfit};
use crate::problem::{Mismatch, ProblemKind, json_type};

/// The cell of a column; problems leave null, in a list the element is left out.
pub(super) fn cell(column: &Column, items: &[Item<'_>], problems: &mut Vec<Mismatch>) -> Value {
    let mut values = Vec::new();
    for value in items.iter().filter_map(Item::to_json) {
        let kind = match check(column, &value) {
            Ok(()) => {
                values.push(value);
                continue;
            }
            Err(kind) => kind,
        };
        let expected = column.column_type.scalar.to_string();
        problems.push(Mismatch::new(kind, expected, found(column, &value)));
        match kind {
            ProblemKind::Rounded => values.extend(rounded(column, &value)),
            _ if column.collection => {}
            _ => values.push(Value::Null),
        }
    }
    if column.collection {
        return Value::Array(values);
    }
    if values.len() > 1 {
        problems.clear();
        problems.push(Mismatch::several(values.len()));
        return Value::Null;
    }
    values.pop().unwrap_or(Value::Null)
}

/// What is wrong with a value for the column, if anything.
fn check(column: &Column, value: &Value) -> Result<(), ProblemKind> {
    match column.column_type.scalar {
        ScalarType::Utf8 => {
            let fits = match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
                // Only a column that is declared so has elements.
                Value::Object(_) => column.fhir_type.as_deref().is_some_and(is_complex),
                Value::Array(_) | Value::Null => false,
            };
            wrong_type_unless(fits)
        }
        ScalarType::Boolean => wrong_type_unless(value.is_boolean()),
        ScalarType::Int16 => integer(value, i64::from(i16::MIN)..=i64::from(i16::MAX)),
        ScalarType::Int32 => integer(value, i64::from(i32::MIN)..=i64::from(i32::MAX)),
        ScalarType::Int64 => match value {
            // FHIR's JSON writes integer64 as a string.
            Value::String(text) => wrong_type_unless(text.parse::<i64>().is_ok()),
            _ => integer(value, i64::MIN..=i64::MAX),
        },
        ScalarType::Float64 => wrong_type_unless(value.is_number()),
        ScalarType::Decimal { precision, scale } => decimal(value, precision, scale),
        ScalarType::Date => date(value),
        ScalarType::Timestamp => timestamp(value),
    }
}

/// Whether a FHIR type is one of elements: those begin with a capital.
fn is_complex(fhir_type: &str) -> bool {
    let name = fhir_type.rsplit('/').next().unwrap_or(fhir_type);
    name.starts_with(|first: char| first.is_ascii_uppercase())
}

/// A problem where the value has another type.
fn wrong_type_unless(fits: bool) -> Result<(), ProblemKind> {
    if fits {
        Ok(())
    } else {
        Err(ProblemKind::WrongType)
    }
}

/// A whole number in a range.
fn integer(value: &Value, range: std::ops::RangeInclusive<i64>) -> Result<(), ProblemKind> {
    let Value::Number(number) = value else {
        return Err(ProblemKind::WrongType);
    };
    let Some(number) = Decimal::parse(&number.to_string()) else {
        return Err(ProblemKind::TooManyDigits);
    };
    if number.normalized().scale() > 0 {
        return Err(ProblemKind::WrongType);
    }
    match number.to_integer() {
        Some(number) if range.contains(&number) => Ok(()),
        _ => Err(ProblemKind::TooManyDigits),
    }
}

/// A number whose digits fit.
fn decimal(value: &Value, precision: u8, scale: i8) -> Result<(), ProblemKind> {
    let Value::Number(number) = value else {
        return Err(ProblemKind::WrongType);
    };
    match fit(number.to_string().as_bytes(), precision, scale) {
        Fit::Exact(_) => Ok(()),
        Fit::Rounded(_) => Err(ProblemKind::Rounded),
        Fit::Not(_) => Err(ProblemKind::TooManyDigits),
    }
}

/// The number at the column's scale, where it fits so.
fn rounded(column: &Column, value: &Value) -> Option<Value> {
    let ScalarType::Decimal { precision, scale } = column.column_type.scalar else {
        return None;
    };
    let Fit::Rounded(digits) = fit(value.to_string().as_bytes(), precision, scale) else {
        return None;
    };
    let number = Decimal::new(digits, u32::try_from(scale).ok()?)?;
    number.to_string().parse().ok().map(Value::Number)
}

/// The type that was found, and for a number that does not fit what is too much about it.
fn found(column: &Column, value: &Value) -> String {
    match (column.column_type.scalar, value) {
        (ScalarType::Decimal { precision, scale }, Value::Number(number)) => {
            misfit(number.to_string().as_bytes(), precision, scale)
        }
        _ => json_type(value).to_owned(),
    }
}

/// A whole date, or a dateTime, of which the first ten characters count.
fn date(value: &Value) -> Result<(), ProblemKind> {
    let Value::String(text) = value else {
        return Err(ProblemKind::WrongType);
    };
    if text.len() >= 10 && Temporal::parse(text, TemporalKind::DateTime).is_some() {
        return Ok(());
    }
    Err(ProblemKind::BadDate)
}

/// An instant: to the second at least, with its zone.
fn timestamp(value: &Value) -> Result<(), ProblemKind> {
    let Value::String(text) = value else {
        return Err(ProblemKind::WrongType);
    };
    match Temporal::parse(text, TemporalKind::DateTime) {
        Some(temporal) if temporal.is_instant() => Ok(()),
        _ => Err(ProblemKind::BadDate),
    }
}
