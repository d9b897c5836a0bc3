//! Functions over collections (FHIRPath sections 5.1 to 5.4, SQL-on-FHIR's additional functions).
//!
//! Functions whose argument is evaluated for each item (`where`, `exists`, `all`, `select`) see it as
//! `$this`; the arguments of all others are evaluated on the `$this` around the call.

use serde_json::Value;

use super::boundary::Side;
use super::context::{Context, Found, boolean_of};
use super::item::{Item, Scalar};
use super::operators::distinct;
use super::{boundary, navigate, text_functions};
use crate::fhirpath::{Expr, ExprKind, Function};
use crate::problem::Mismatch;
use crate::resolved_reference::{ResolvedReference, id_in_reference, is_wanted};

/// The result of a call.
pub(super) fn call<'a>(
    context: &Context<'a, '_>,
    base: &Expr,
    function: Function,
    arguments: &[Expr],
) -> Found<'a> {
    if function == Function::Iif {
        return iif(context, base, arguments);
    }
    let items = context.evaluate(base)?;
    let first = arguments.first();
    Ok(match function {
        Function::Where => filtered(context, items, first)?,
        Function::Exists => vec![Item::boolean(!filtered(context, items, first)?.is_empty())],
        Function::All => {
            let count = items.len();
            vec![Item::boolean(
                filtered(context, items, first)?.len() == count,
            )]
        }
        Function::Empty => vec![Item::boolean(items.is_empty())],
        Function::Not => boolean_of(&items)?
            .map(|value| Item::boolean(!value))
            .into_iter()
            .collect(),
        Function::Count => vec![Item::integer(items.len())],
        Function::First => items.into_iter().take(1).collect(),
        Function::Last => items.into_iter().next_back().into_iter().collect(),
        Function::Tail => items.into_iter().skip(1).collect(),
        Function::Skip => match count_argument(context, first)? {
            Some(count) => items.into_iter().skip(count).collect(),
            None => Vec::new(),
        },
        Function::Take => match count_argument(context, first)? {
            Some(count) => items.into_iter().take(count).collect(),
            None => Vec::new(),
        },
        Function::Single => match items.len() {
            0 | 1 => items,
            several => return Err(Mismatch::several(several)),
        },
        Function::Select => {
            let mut found = Vec::new();
            if let Some(projection) = first {
                for item in &items {
                    found.extend(context.at(item).evaluate(projection)?);
                }
            }
            found
        }
        Function::Distinct => distinct(context, items)?,
        Function::HasValue => {
            let has_value =
                matches!(items.as_slice(), [item] if matches!(item.scalar(), Ok(Some(_))));
            vec![Item::boolean(has_value)]
        }
        Function::Extension => extensions(context, &items, first)?,
        Function::LowBoundary => boundary::boundary(context, &items, Side::Low, first)?,
        Function::HighBoundary => boundary::boundary(context, &items, Side::High, first)?,
        Function::ResourceKey => items.iter().filter_map(resource_key).collect(),
        _ => text_functions::call(context, &items, function, arguments)?,
    })
}

/// The items for which a criterion is true; all of them without one.
fn filtered<'a>(
    context: &Context<'a, '_>,
    items: Vec<Item<'a>>,
    criterion: Option<&Expr>,
) -> Found<'a> {
    let Some(criterion) = criterion else {
        return Ok(items);
    };
    let mut kept = Vec::new();
    for item in items {
        if context.at(&item).criterion(criterion)? == Some(true) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// A number of items: negative numbers count as 0; `None` if the argument is empty.
fn count_argument(
    context: &Context<'_, '_>,
    argument: Option<&Expr>,
) -> Result<Option<usize>, Mismatch> {
    let count = match argument {
        Some(argument) => context.integer(argument)?,
        None => None,
    };
    Ok(count.map(|count| usize::try_from(count.max(0)).unwrap_or(usize::MAX)))
}

/// Only the branch that is taken is evaluated; also on nothing, where `$this` is nothing, too.
///
/// FHIRPath, section 5.2: `iif(criterion, then [, otherwise])`. An input of several items is an
/// error.
fn iif<'a>(context: &Context<'a, '_>, base: &Expr, arguments: &[Expr]) -> Found<'a> {
    let items = match base.kind {
        ExprKind::This => context.this.into_iter().cloned().collect(),
        _ => context.evaluate(base)?,
    };
    if items.len() > 1 {
        return Err(Mismatch::several(items.len()));
    }
    let context = context.at_one_or_none(items.first());
    let [criterion, then, otherwise @ ..] = arguments else {
        return Ok(Vec::new());
    };
    if context.criterion(criterion)? == Some(true) {
        return context.evaluate(then);
    }
    match otherwise.first() {
        Some(otherwise) => context.evaluate(otherwise),
        None => Ok(Vec::new()),
    }
}

/// `extension(url)`: extensions of elements and of primitives.
///
/// SQL-on-FHIR, `extension(url)`: short for `extension.where(url = …)`. The extensions of a
/// primitive are in the element with an underscore (FHIR R4, "JSON representation of primitive
/// elements").
fn extensions<'a>(context: &Context<'a, '_>, items: &[Item<'a>], url: Option<&Expr>) -> Found<'a> {
    let url = match url {
        Some(url) => context.text(url)?,
        None => None,
    };
    let Some(url) = url else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for item in items {
        navigate::member(item, "extension", &mut found);
    }
    found.retain(|extension| {
        let Item::Node(node) = extension else {
            return false;
        };
        node.value.and_then(|value| value.get("url")) == Some(&Value::String(url.clone()))
    });
    Ok(found)
}

/// The id of a resource.
///
/// SQL-on-FHIR, `getResourceKey()`. An item without a `resourceType` is no resource and has no key.
fn resource_key<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let Item::Node(node) = item else {
        return None;
    };
    let resource = node.value?;
    resource.get("resourceType")?;
    let mut found = Vec::new();
    navigate::member(item, "id", &mut found);
    found.into_iter().next()
}

/// The ids that references point to. References that name no resource by type and id (`#1`,
/// `urn:uuid:…`) have the id of what they were resolved to, if they were.
pub(super) fn reference_keys<'a>(
    items: &[Item<'a>],
    type_name: Option<&str>,
    resolved: &[ResolvedReference<'_>],
) -> Vec<Item<'a>> {
    let mut keys = Vec::new();
    for item in items {
        let mut texts = texts_of(item, "reference");
        // Some senders write an empty text beside the identifier.
        texts.retain(|text| !text.is_empty());
        if texts.is_empty()
            && let Some(key) = logical_key(item)
            && let Some(known) = resolved.iter().find(|one| one.reference == key)
            && is_wanted(type_name, known.resource)
        {
            keys.push(known.id.to_owned());
        }
        for text in texts {
            let known = resolved.iter().find(|one| one.reference == text);
            keys.extend(match known {
                Some(known) => is_wanted(type_name, known.resource).then(|| known.id.to_owned()),
                None => id_in_reference(&text, type_name).map(str::to_owned),
            });
        }
    }
    keys.into_iter().map(Item::text).collect()
}

/// The texts under a name.
fn texts_of(item: &Item<'_>, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    navigate::member(item, name, &mut found);
    let texts = found.iter().filter_map(|one| match one.scalar() {
        Ok(Some(Scalar::Text { text, .. })) => Some(text),
        _ => None,
    });
    texts.collect()
}

/// What a reference without a text is found by: its identifier.
///
/// In the form in which an import records what a logical reference was resolved to:
/// `?identifier=system|value`.
fn logical_key(reference: &Item<'_>) -> Option<String> {
    let mut identifiers = Vec::new();
    navigate::member(reference, "identifier", &mut identifiers);
    let identifier = identifiers.first()?;
    let value = texts_of(identifier, "value").into_iter().next()?;
    let system = texts_of(identifier, "system").into_iter().next();
    Some(match system {
        Some(system) if !system.is_empty() => format!("?identifier={system}|{value}"),
        _ if value.contains('|') => format!("?identifier=|{value}"),
        _ => format!("?identifier={value}"),
    })
}
