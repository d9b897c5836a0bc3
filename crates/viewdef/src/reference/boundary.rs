//! `lowBoundary()` and `highBoundary()`: the least and the greatest that a value may represent
//! (FHIRPath section 5.6.4, the draft's "Utility functions").
//!
//! `1.0` is anything from `0.95` to `1.05`, `2024-02` any instant from its first in the zone farthest
//! east to its last in the one farthest west.

use serde_json::Value;

use super::context::{Context, Found, type_of};
use super::item::{Item, Scalar, temporal_kind};
use super::navigate;
use crate::fhirpath::{Decimal, Expr, Literal, Temporal, TemporalKind};
use crate::problem::Mismatch;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `lowBoundary()`
    Low,
    /// `highBoundary()`
    High,
}

/// Digits behind the point that a boundary has at the least, by FHIRPath's text.
const LEAST_PRECISION: u32 = 8;
/// The largest precision: the standard's test cases do not accept 32.
const MOST_PRECISION: u32 = 31;

/// The boundary of one item to a precision, the greatest there is without one.
pub(super) fn boundary<'a>(
    context: &Context<'a, '_>,
    items: &[Item<'a>],
    side: Side,
    precision: Option<&Expr>,
) -> Found<'a> {
    let precision = match precision {
        None => None,
        Some(precision) => match context.integer(precision)? {
            None => return Ok(Vec::new()),
            // What is no number of digits is no precision either.
            Some(precision) => Some(u32::try_from(precision).unwrap_or(u32::MAX)),
        },
    };
    let found = whole_boundary(context, items, side, precision)?;
    Ok(match precision {
        None => found,
        Some(precision) => found
            .iter()
            .filter_map(|bound| cut(bound, precision))
            .collect(),
    })
}

/// A boundary to a precision: digits of a date and time; `None` if there is no such precision. A
/// number has its precision already.
fn cut<'a>(bound: &Item<'a>, precision: u32) -> Option<Item<'a>> {
    let Item::Value(literal) = bound else {
        return None;
    };
    Some(Item::Value(match literal {
        Literal::Decimal(number) => Literal::Decimal(*number),
        Literal::Date(text) => Literal::Date(date_digits(text, precision)?.to_owned()),
        Literal::Time(text) => Literal::Time(time_digits(text, precision)?.to_owned()),
        Literal::DateTime(text) => {
            let Some(hour_digits @ 1..) = precision.checked_sub(8) else {
                return Some(Item::Value(Literal::DateTime(
                    date_digits(text, precision)?.to_owned(),
                )));
            };
            let (date, rest) = text.split_once('T')?;
            let (time, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
            Literal::DateTime(format!("{date}T{}{zone}", time_digits(time, hour_digits)?))
        }
        _ => return None,
    }))
}

/// A date to 4, 6 or 8 digits.
fn date_digits(text: &str, precision: u32) -> Option<&str> {
    text.get(
        ..match precision {
            4 => 4,
            6 => 7,
            8 => 10,
            _ => return None,
        },
    )
}

/// A time to 2, 4, 6 or 9 digits.
fn time_digits(text: &str, precision: u32) -> Option<&str> {
    text.get(
        ..match precision {
            2 => 2,
            4 => 5,
            6 => 8,
            9 => 12,
            _ => return None,
        },
    )
}

/// The boundary of one item, as precise as its type is.
fn whole_boundary<'a>(
    context: &Context<'a, '_>,
    items: &[Item<'a>],
    side: Side,
    precision: Option<u32>,
) -> Found<'a> {
    let item = match items {
        [] => return Ok(Vec::new()),
        [item] => item,
        several => return Err(Mismatch::several(several.len())),
    };
    if let Item::Node(node) = item
        && let Some(Value::Object(_)) = node.value
    {
        return of_period(context, item, side, precision);
    }
    let no_boundary = || Mismatch::wrong_type("a number, date or time", type_of(items));
    match item.scalar() {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(Scalar::Number(number))) => Ok(of_number(number, side, precision)
            .map(|number| Item::Value(Literal::Decimal(number)))
            .into_iter()
            .collect()),
        Ok(Some(Scalar::Temporal(temporal))) => Ok(vec![of_temporal(&temporal, side)]),
        Ok(Some(Scalar::Text { text, .. })) => untyped_temporal(&text, context.declared_type)
            .map(|temporal| vec![of_temporal(&temporal, side)])
            .ok_or_else(no_boundary),
        _ => Err(no_boundary()),
    }
}

/// The start of a period at its low side, its end at its high side.
fn of_period<'a>(
    context: &Context<'a, '_>,
    period: &Item<'a>,
    side: Side,
    precision: Option<u32>,
) -> Found<'a> {
    let name = match side {
        Side::Low => "start",
        Side::High => "end",
    };
    let mut found = Vec::new();
    navigate::member(period, name, &mut found);
    if let [Item::Node(node)] = found.as_mut_slice() {
        if node.value.is_some_and(Value::is_object) {
            return Err(Mismatch::wrong_type(
                "a number, date, time or Period",
                "object",
            ));
        }
        node.fhir_type = Some("dateTime");
    }
    whole_boundary(context, &found, side, precision)
}

/// Half a unit of the last digit down or up, with as many digits behind the point as the precision
/// says. With fewer than it has, the edge nearer to zero is cut and the one farther from it rounded,
/// as the standard's test cases have it: `0.0034.highBoundary(1)` is `0.0`, `1.587.highBoundary(2)`
/// is `1.59`.
fn of_number(number: Decimal, side: Side, precision: Option<u32>) -> Option<Decimal> {
    let digits = match precision {
        Some(precision) => precision,
        None => LEAST_PRECISION.max(number.scale() + 1),
    };
    if digits > MOST_PRECISION {
        return None;
    }
    let half = Decimal::new(5, number.scale() + 1)?;
    let is_negative = number.mantissa() < 0;
    let size = if is_negative {
        number.checked_neg()?
    } else {
        number
    };
    // Zero has boundaries on both sides, equally far away.
    let is_outer = is_negative == (side == Side::Low) || size.mantissa() == 0;
    let edge = if is_outer {
        size.checked_add(half)?.rounded(digits)
    } else {
        size.checked_sub(half)?.floored(digits)?
    };
    let edge = edge.rescaled(digits)?;
    let is_below_zero = is_negative || size.mantissa() == 0 && side == Side::Low;
    if is_below_zero {
        edge.checked_neg()
    } else {
        Some(edge)
    }
}

/// The first or the last instant, day or time of a value that is given in part.
fn of_temporal<'a>(temporal: &Temporal, side: Side) -> Item<'a> {
    let text = match side {
        Side::Low => temporal.low_boundary(),
        Side::High => temporal.high_boundary(),
    };
    Item::Value(Literal::temporal(temporal.kind(), text))
}

/// The value of a text whose type only the column's type, or otherwise its form, decides.
fn untyped_temporal(text: &str, declared_type: Option<&str>) -> Option<Temporal> {
    let declared = declared_type
        .and_then(temporal_kind)
        .and_then(|kind| Temporal::parse(text, kind));
    declared
        .or_else(|| Temporal::parse(text, TemporalKind::DateTime))
        .or_else(|| Temporal::parse(text, TemporalKind::Time))
}
