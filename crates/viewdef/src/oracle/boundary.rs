//! `lowBoundary()` and `highBoundary()`: the least and the greatest that a value may stand for.

use serde_json::Value;

use super::EvaluationError;
use super::evaluate::{Context, Found, type_of};
use super::item::{Item, Scalar, temporal_kind};
use super::navigate;
use crate::fhirpath::{Decimal, Literal, Temporal, TemporalKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
}

pub(super) fn boundary<'a>(context: &Context<'a, '_>, items: &[Item<'a>], side: Side) -> Found<'a> {
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
    boundary(context, &found, side)
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
