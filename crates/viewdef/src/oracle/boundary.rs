//! `lowBoundary()` and `highBoundary()`: the least and the greatest that a value may stand for.

use serde_json::Value;

use super::EvaluationError;
use super::evaluate::{Context, Found, type_of};
use super::item::{Item, Scalar, temporal_kind};
use super::navigate;
use crate::fhirpath::{Decimal, Expr, Literal, Temporal, TemporalKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
}

/// The boundary of one item; with a precision, cut to it, numbers away from what they bound.
pub(super) fn boundary<'a>(
    context: &Context<'a, '_>,
    items: &[Item<'a>],
    side: Side,
    precision: Option<&Expr>,
) -> Found<'a> {
    let found = whole_boundary(context, items, side)?;
    let precision = match precision {
        Some(precision) => context.integer(precision)?,
        None => None,
    };
    Ok(match precision {
        None => found,
        Some(precision) => found
            .iter()
            .filter_map(|bound| cut(bound, side, precision))
            .collect(),
    })
}

/// A boundary to a precision: digits behind the point, or digits of a date and time; nothing where
/// there is no such precision.
fn cut<'a>(bound: &Item<'a>, side: Side, precision: i64) -> Option<Item<'a>> {
    let precision = u32::try_from(precision).ok()?;
    let Item::Value(literal) = bound else {
        return None;
    };
    Some(Item::Value(match literal {
        Literal::Decimal(number) => Literal::Decimal(match side {
            Side::Low => number.floored(precision)?,
            Side::High => number.checked_neg()?.floored(precision)?.checked_neg()?,
        }),
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

fn whole_boundary<'a>(context: &Context<'a, '_>, items: &[Item<'a>], side: Side) -> Found<'a> {
    let item = match items {
        [] => return Ok(Vec::new()),
        [item] => item,
        several => return Err(EvaluationError::several(several.len())),
    };
    if let Item::Node(node) = item
        && let Some(Value::Object(_)) = node.value
    {
        return of_period(context, item, side);
    }
    let no_boundary = || EvaluationError::wrong_type("a number, date or time", type_of(items));
    match item.scalar() {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(Scalar::Number(number))) => of_number(number, side)
            .map(|number| vec![Item::Value(Literal::Decimal(number))])
            .ok_or_else(EvaluationError::too_many_digits),
        Ok(Some(Scalar::Temporal(temporal))) => Ok(vec![of_temporal(&temporal, side)]),
        Ok(Some(Scalar::Text { text, .. })) => untyped_temporal(&text, context.declared_type)
            .map(|temporal| vec![of_temporal(&temporal, side)])
            .ok_or_else(no_boundary),
        _ => Err(no_boundary()),
    }
}

/// The start of a period at its low side, its end at its high side.
fn of_period<'a>(context: &Context<'a, '_>, period: &Item<'a>, side: Side) -> Found<'a> {
    let name = match side {
        Side::Low => "start",
        Side::High => "end",
    };
    let mut found = Vec::new();
    navigate::member(period, name, &mut found);
    if let [Item::Node(node)] = found.as_mut_slice() {
        if node.value.is_some_and(Value::is_object) {
            return Err(EvaluationError::wrong_type(
                "a number, date, time or Period",
                "object",
            ));
        }
        node.fhir_type = Some("dateTime");
    }
    whole_boundary(context, &found, side)
}

/// Half a unit of the last digit down or up.
fn of_number(number: Decimal, side: Side) -> Option<Decimal> {
    let half = Decimal::new(5, number.scale() + 1)?;
    match side {
        Side::Low => number.checked_sub(half),
        Side::High => number.checked_add(half),
    }
}

fn of_temporal<'a>(temporal: &Temporal, side: Side) -> Item<'a> {
    let text = match side {
        Side::Low => temporal.low_boundary(),
        Side::High => temporal.high_boundary(),
    };
    Item::Value(match temporal.kind() {
        TemporalKind::Date => Literal::Date(text),
        TemporalKind::DateTime => Literal::DateTime(text),
        TemporalKind::Time => Literal::Time(text),
    })
}

/// A text of which only the column's type, or else its form, tells what it is.
fn untyped_temporal(text: &str, declared_type: Option<&str>) -> Option<Temporal> {
    let declared = declared_type
        .and_then(temporal_kind)
        .and_then(|kind| Temporal::parse(text, kind));
    declared
        .or_else(|| Temporal::parse(text, TemporalKind::DateTime))
        .or_else(|| Temporal::parse(text, TemporalKind::Time))
}
