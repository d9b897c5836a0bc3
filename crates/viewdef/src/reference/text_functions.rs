//! Functions over single values: texts and conversions (FHIRPath sections 5.5 and 5.6).
//!
//! Positions and lengths count characters, not bytes. What cannot be converted is nothing, not an error.

use serde_json::Value;

use super::context::{Context, Found, one, text_of, type_of};
use super::item::{Item, Scalar};
use super::navigate::is_of_type;
use crate::fhirpath::{Decimal, Expr, Function, Pattern};
use crate::problem::Mismatch;

/// The result of a call.
pub(super) fn call<'a>(
    context: &Context<'a, '_>,
    items: &[Item<'a>],
    function: Function,
    arguments: &[Expr],
) -> Found<'a> {
    match function {
        Function::Join => return join(context, items, arguments.first()),
        Function::ToText | Function::ToInteger | Function::ToDecimal | Function::Abs => {
            return convert(items, function);
        }
        _ => {}
    }
    let Some(text) = text_of(items)? else {
        return Ok(Vec::new());
    };
    let result = match function {
        Function::Length => Item::integer(text.chars().count()),
        Function::Upper => Item::text(text.to_uppercase()),
        Function::Lower => Item::text(text.to_lowercase()),
        Function::Trim => Item::text(text.trim_matches([' ', '\t', '\r', '\n'])),
        Function::Substring => return substring(context, &text, arguments),
        _ => return with_texts(context, &text, function, arguments),
    };
    Ok(vec![result])
}

/// Functions whose arguments are texts.
fn with_texts<'a>(
    context: &Context<'a, '_>,
    text: &str,
    function: Function,
    arguments: &[Expr],
) -> Found<'a> {
    let mut texts = Vec::new();
    for argument in arguments {
        match context.text(argument)? {
            Some(argument) => texts.push(argument),
            None => return Ok(Vec::new()),
        }
    }
    Ok(match (function, texts.as_slice()) {
        (Function::StartsWith, [prefix]) => vec![Item::boolean(text.starts_with(prefix))],
        (Function::EndsWith, [suffix]) => vec![Item::boolean(text.ends_with(suffix))],
        (Function::ContainsText, [part]) => vec![Item::boolean(text.contains(part))],
        (Function::Replace, [pattern, by]) => {
            let found = text.matches(pattern.as_str()).count();
            context.budget.spend(found.saturating_mul(by.len()))?;
            vec![Item::text(text.replace(pattern, by))]
        }
        _ => Vec::new(),
    })
}

/// Whether a text matches, or the text with its matches replaced; nothing of nothing.
///
/// The regular expressions have no back-references and no look-around, so that matching takes
/// linear time whatever the view says.
pub(super) fn matches<'a>(
    context: &Context<'a, '_>,
    items: &[Item<'a>],
    pattern: &Pattern,
    substitution: Option<&Expr>,
) -> Found<'a> {
    let Some(text) = text_of(items)? else {
        return Ok(Vec::new());
    };
    // The work is linear in the text and in the pattern.
    context
        .budget
        .spend(text.len().saturating_mul(pattern.as_str().len()))?;
    let Some(substitution) = substitution else {
        return Ok(vec![Item::boolean(pattern.is_match(&text))]);
    };
    let Some(substitution) = context.text(substitution)? else {
        return Ok(Vec::new());
    };
    context
        .budget
        .spend(text.len().saturating_mul(substitution.len()))?;
    Ok(vec![Item::text(pattern.replace_all(&text, &substitution))])
}

/// Texts one after another; nothing of nothing.
///
/// SQL-on-FHIR, `join([separator])`. Items that are no text are an error.
fn join<'a>(context: &Context<'a, '_>, items: &[Item<'a>], separator: Option<&Expr>) -> Found<'a> {
    let separator = match separator {
        None => String::new(),
        Some(separator) => match context.text(separator)? {
            Some(separator) => separator,
            None => return Ok(Vec::new()),
        },
    };
    let mut texts = Vec::new();
    for item in items {
        if let Some(text) = text_of(std::slice::from_ref(item))? {
            context.budget.spend(text.len() + separator.len())?;
            texts.push(text);
        }
    }
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Item::text(texts.join(&separator))])
}

/// `substring(start[, length])`.
///
/// A negative start, or one after the last character, gives an empty result; a negative length
/// gives an empty text (FHIRPath, section 5.6.2).
fn substring<'a>(context: &Context<'a, '_>, text: &str, arguments: &[Expr]) -> Found<'a> {
    let mut numbers = Vec::new();
    for argument in arguments {
        numbers.push(context.integer(argument)?);
    }
    let Some(Some(start)) = numbers.first() else {
        return Ok(Vec::new());
    };
    let Ok(start) = usize::try_from(*start) else {
        return Ok(Vec::new());
    };
    if start >= text.chars().count() {
        return Ok(Vec::new());
    }
    let length = match numbers.get(1) {
        Some(Some(length)) => usize::try_from(*length).unwrap_or(0),
        _ => usize::MAX,
    };
    let part: String = text.chars().skip(start).take(length).collect();
    Ok(vec![Item::text(part)])
}

/// By FHIRPath, what cannot be converted is empty.
fn convert<'a>(items: &[Item<'a>], function: Function) -> Found<'a> {
    if function != Function::Abs && matches!(items, [item] if item.scalar().is_err()) {
        return Ok(Vec::new());
    }
    let Some(scalar) = one(items)? else {
        return Ok(Vec::new());
    };
    let converted = match function {
        Function::ToText => to_text(items, &scalar),
        Function::ToInteger => to_integer(items, &scalar),
        Function::ToDecimal => to_decimal(&scalar),
        _ => match &scalar {
            Scalar::Number(number) if number.mantissa() < 0 => {
                number.checked_neg().map(Item::number)
            }
            Scalar::Number(number) => Some(Item::number(*number)),
            _ => return Err(Mismatch::wrong_type("a number", type_of(items))),
        },
    };
    Ok(converted.into_iter().collect())
}

/// `toInteger()`
///
/// A decimal is not converted, even if its fraction is 0: FHIRPath's `toInteger()` takes an
/// Integer, a Boolean or a text.
fn to_integer<'a>(items: &[Item<'a>], scalar: &Scalar) -> Option<Item<'a>> {
    match scalar {
        Scalar::Number(number) => items
            .first()
            .filter(|item| is_of_type(item, "Integer"))
            .map(|_| Item::number(*number)),
        Scalar::Boolean(value) => Some(Item::integer(usize::from(*value))),
        Scalar::Text { text, .. } if !text.contains('.') => written(text).map(Item::number),
        Scalar::Text { .. } | Scalar::Temporal(_) => None,
    }
}

/// `toDecimal()`
fn to_decimal<'a>(scalar: &Scalar) -> Option<Item<'a>> {
    match scalar {
        Scalar::Number(number) => Some(Item::number(*number)),
        Scalar::Boolean(value) => Decimal::new(if *value { 10 } else { 0 }, 1).map(Item::number),
        Scalar::Text { text, .. } => written(text).map(Item::number),
        Scalar::Temporal(_) => None,
    }
}

/// The number of a text: a sign perhaps, digits, a fraction perhaps; no exponent.
fn written(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) || unsigned.contains(['e', 'E'])
    {
        return None;
    }
    Decimal::parse(text.strip_prefix('+').unwrap_or(text))
}

/// `toString()`: numbers without an exponent, dates as they are written.
fn to_text<'a>(items: &[Item<'a>], scalar: &Scalar) -> Option<Item<'a>> {
    let text = match scalar {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Text { text, .. } => text.clone(),
        Scalar::Number(_) | Scalar::Temporal(_) => match (items.first()?.to_json()?, scalar) {
            (Value::String(text), _) => text,
            (Value::Number(written), Scalar::Number(number)) => match written.to_string() {
                exponential if exponential.contains(['e', 'E']) => number.to_string(),
                digits => digits,
            },
            (other, _) => other.to_string(),
        },
    };
    Some(Item::text(text))
}
