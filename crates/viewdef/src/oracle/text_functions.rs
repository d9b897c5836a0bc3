//! Functions over single values: texts and conversions.

use super::EvaluationError;
use super::evaluate::{Context, Found, one, text_of, type_of};
use super::item::{Item, Scalar};
use crate::fhirpath::{Decimal, Expr, Function};

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
        Function::Trim => Item::text(text.trim()),
        Function::Substring => return substring(context, &text, arguments),
        _ => return with_texts(context, &text, function, arguments),
    };
    Ok(vec![result])
}

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

/// Texts one after another; of nothing, the empty text.
fn join<'a>(context: &Context<'a, '_>, items: &[Item<'a>], separator: Option<&Expr>) -> Found<'a> {
    let separator = match separator {
        Some(separator) => context.text(separator)?.unwrap_or_default(),
        None => String::new(),
    };
    let mut texts = Vec::new();
    for item in items {
        if let Some(text) = text_of(std::slice::from_ref(item))? {
            context.budget.spend(text.len() + separator.len())?;
            texts.push(text);
        }
    }
    Ok(vec![Item::text(texts.join(&separator))])
}

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

/// What cannot be converted is nothing, by FHIRPath.
fn convert<'a>(items: &[Item<'a>], function: Function) -> Found<'a> {
    let Some(scalar) = one(items)? else {
        return Ok(Vec::new());
    };
    let number = match &scalar {
        Scalar::Number(number) => Some(*number),
        Scalar::Boolean(value) => Some(Decimal::from_integer(i64::from(*value))),
        Scalar::Text { text, .. } => Decimal::parse(text.strip_prefix('+').unwrap_or(text)),
        Scalar::Temporal(_) => None,
    };
    let converted = match function {
        Function::ToText => return Ok(to_text(items, &scalar)),
        Function::ToInteger => number
            .filter(|number| number.scale() == 0)
            .map(Item::number),
        Function::ToDecimal => number.map(Item::number),
        _ => match (&scalar, number) {
            (Scalar::Number(_), Some(number)) if number.mantissa() < 0 => {
                number.checked_neg().map(Item::number)
            }
            (Scalar::Number(_), Some(number)) => Some(Item::number(number)),
            _ => return Err(EvaluationError::wrong_type("a number", type_of(items))),
        },
    };
    Ok(converted.into_iter().collect())
}

fn to_text<'a>(items: &[Item<'a>], scalar: &Scalar) -> Vec<Item<'a>> {
    let text = match scalar {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Text { text, .. } => text.clone(),
        Scalar::Number(_) | Scalar::Temporal(_) => {
            let json = items.first().and_then(Item::to_json);
            match json {
                Some(serde_json::Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => return Vec::new(),
            }
        }
    };
    vec![Item::text(text)]
}
