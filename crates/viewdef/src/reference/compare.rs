//! Equality, equivalence and order (FHIRPath sections 6.1 and 6.2).
//!
//! Equality is unknown where a side is empty or a date is not precise enough; equivalence (`~`) is always
//! true or false, ignores case, order and white space, and compares numbers at the lesser precision.
//! Order of unlike types is an error.

use std::cmp::Ordering;

use serde_json::Value;

use super::context::{one, type_of};
use super::item::{Item, Scalar};
use crate::fhirpath::{Decimal, Temporal, TemporalKind};
use crate::problem::Mismatch;

/// `=`: unknown where a side is empty or the precision of a date does not suffice.
pub(super) fn equal(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut result = Some(true);
    for (left, right) in left.iter().zip(right) {
        match equal_items(left, right) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

/// `=` of two items.
pub(super) fn equal_items(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match (left.scalar(), right.scalar()) {
        (Ok(Some(Scalar::Number(_))), Ok(Some(Scalar::Text { text, .. }))) => {
            Some(is_written_as(left, &text))
        }
        (Ok(Some(Scalar::Text { text, .. })), Ok(Some(Scalar::Number(_)))) => {
            Some(is_written_as(right, &text))
        }
        (Ok(Some(left)), Ok(Some(right))) => equal_scalars(&left, &right),
        (Ok(None), _) | (_, Ok(None)) => None,
        _ => match (left.to_json(), right.to_json()) {
            (Some(left), Some(right)) => Some(equal_json(&left, &right)),
            _ => None,
        },
    }
}

/// A number equals a text only where the resource has it as this text, an `integer64`.
fn is_written_as(number: &Item<'_>, text: &str) -> bool {
    matches!(number.to_json(), Some(Value::String(written)) if written == text)
}

/// `=` of two primitives.
fn equal_scalars(left: &Scalar, right: &Scalar) -> Option<bool> {
    match (left, right) {
        (Scalar::Boolean(left), Scalar::Boolean(right)) => Some(left == right),
        (Scalar::Number(left), Scalar::Number(right)) => Some(left == right),
        (Scalar::Temporal(left), Scalar::Temporal(right)) => equal_temporals(left, right),
        (Scalar::Temporal(temporal), Scalar::Text { text, .. })
        | (Scalar::Text { text, .. }, Scalar::Temporal(temporal)) => {
            match read_like(text, temporal) {
                Some(other) => equal_temporals(temporal, &other),
                None => Some(false),
            }
        }
        (
            Scalar::Text {
                text: left,
                untyped: left_untyped,
            },
            Scalar::Text {
                text: right,
                untyped: right_untyped,
            },
        ) => {
            if *left_untyped
                && *right_untyped
                && let (Some(left), Some(right)) = (full_date(left), full_date(right))
            {
                return equal_temporals(&left, &right);
            }
            Some(left == right)
        }
        _ => Some(false),
    }
}

/// `=` of two dates or times; those of different kinds are not equal.
fn equal_temporals(left: &Temporal, right: &Temporal) -> Option<bool> {
    if !left.is_comparable(right) {
        return Some(false);
    }
    left.compare(right).map(Ordering::is_eq)
}

/// A text read as what it is compared with.
fn read_like(text: &str, like: &Temporal) -> Option<Temporal> {
    let kind = match like.kind() {
        TemporalKind::Date => TemporalKind::DateTime,
        kind => kind,
    };
    Temporal::parse(text, kind)
}

/// A text that is a date with its day, perhaps with a time.
fn full_date(text: &str) -> Option<Temporal> {
    (text.len() >= 10)
        .then(|| Temporal::parse(text, TemporalKind::DateTime))
        .flatten()
}

/// `=` of two elements: all that is in them, numbers by value.
fn equal_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.to_string(), right.to_string());
            match (Decimal::parse(&left), Decimal::parse(&right)) {
                (Some(left), Some(right)) => left == right,
                _ => left == right,
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal_json(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| equal_json(left, right)))
        }
        _ => left == right,
    }
}

/// `~`: always known; texts without regard to case and to which white space, numbers as precise as
/// the less precise one, collections without regard to order, elements by all that is in them.
pub(super) fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    matched(left, right, equivalent_items)
}

/// Whether each of the left has one of the right for itself, and none is left over.
fn matched<T>(left: &[T], right: &[T], is_match: impl Fn(&T, &T) -> bool) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut unmatched: Vec<&T> = right.iter().collect();
    left.iter().all(|item| {
        let position = unmatched.iter().position(|other| is_match(item, other));
        position.map(|at| unmatched.swap_remove(at)).is_some()
    })
}

/// `~` of two items.
fn equivalent_items(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left.scalar(), right.scalar()) {
        (Ok(Some(Scalar::Text { text: left, .. })), Ok(Some(Scalar::Text { text: right, .. }))) => {
            equivalent_texts(&left, &right)
        }
        (Ok(Some(Scalar::Number(left))), Ok(Some(Scalar::Number(right)))) => {
            equivalent_numbers(left, right)
        }
        (Err(_), Err(_)) => match (left.to_json(), right.to_json()) {
            (Some(left), Some(right)) => equivalent_json(&left, &right),
            _ => false,
        },
        _ => equal_items(left, right) == Some(true),
    }
}

/// White space is not collapsed: two spaces are not one.
fn equivalent_texts(left: &str, right: &str) -> bool {
    let folded = |text: &str| {
        let spaces = text
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c });
        spaces.collect::<String>().to_lowercase()
    };
    folded(left) == folded(right)
}

/// `~` of two numbers: at the precision of the one with fewer digits.
fn equivalent_numbers(left: Decimal, right: Decimal) -> bool {
    let scale = left.normalized().scale().min(right.normalized().scale());
    left.rounded(scale) == right.rounded(scale)
}

/// `~` of two elements: all that is in them, lists in any order.
fn equivalent_json(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => equivalent_texts(left, right),
        (Value::Number(left), Value::Number(right)) => {
            let read = |number: &serde_json::Number| Decimal::parse(&number.to_string());
            match (read(left), read(right)) {
                (Some(left), Some(right)) => equivalent_numbers(left, right),
                _ => left == right,
            }
        }
        (Value::Array(left), Value::Array(right)) => matched(left, right, equivalent_json),
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| {
                    let right = right.get(key);
                    right.is_some_and(|right| equivalent_json(left, right))
                })
        }
        _ => left == right,
    }
}

/// The order of two single values; unknown where a side is empty or a date too imprecise.
pub(super) fn order(
    left_items: &[Item<'_>],
    right_items: &[Item<'_>],
) -> Result<Option<Ordering>, Mismatch> {
    let (Some(left), Some(right)) = (one(left_items)?, one(right_items)?) else {
        return Ok(None);
    };
    let incomparable = || {
        let found = format!("{} and {}", type_of(left_items), type_of(right_items));
        Mismatch::wrong_type("two values that have an order", found)
    };
    match (&left, &right) {
        (Scalar::Number(left), Scalar::Number(right)) => Ok(Some(left.cmp(right))),
        (Scalar::Temporal(left), Scalar::Temporal(right)) => match left.is_comparable(right) {
            true => Ok(left.compare(right)),
            false => Err(incomparable()),
        },
        (Scalar::Temporal(temporal), Scalar::Text { text, .. }) => read_like(text, temporal)
            .map(|other| temporal.compare(&other))
            .ok_or_else(incomparable),
        (Scalar::Text { text, .. }, Scalar::Temporal(temporal)) => read_like(text, temporal)
            .map(|other| other.compare(temporal))
            .ok_or_else(incomparable),
        (
            Scalar::Text {
                text: left,
                untyped: left_untyped,
            },
            Scalar::Text {
                text: right,
                untyped: right_untyped,
            },
        ) => {
            let may_be_dates = *left_untyped || *right_untyped;
            let dates = full_date(left).zip(full_date(right));
            Ok(match dates.filter(|_| may_be_dates) {
                Some((left, right)) => left.compare(&right),
                None => Some(left.cmp(right)),
            })
        }
        _ => Err(incomparable()),
    }
}
