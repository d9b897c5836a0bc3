//! Steps: from an element to those below it, choices and the companions of primitives among them.
//!
//! FHIR in JSON: <https://hl7.org/fhir/R4/json.html>. Arrays are flattened as FHIRPath asks (section
//! 4.2); a null in an array only keeps the place of its companion under `_key`.

use serde_json::{Map, Value};

use super::item::{Item, Node, temporal_kind};
use crate::fhirpath::{
    CHOICE_TYPES, Literal, Temporal, TypeKind, choice_key, choice_type_of_key,
    declared_type_of_element, is_same_or_narrower, type_kind,
};

/// The values of `name` in an item.
pub(super) fn member<'a>(item: &Item<'a>, name: &str, found: &mut Vec<Item<'a>>) {
    let Item::Node(node) = item else {
        return;
    };
    let Some(Value::Object(object)) = node.value else {
        if let Some(Value::Object(companion)) = node.companion
            && matches!(name, "id" | "extension")
        {
            values_of_key(companion, name, None, found);
        }
        return;
    };
    if values_of_key(object, name, declared_type_of_element(name), found) {
        return;
    }
    for key in object.keys() {
        // A choice whose value is missing has only its companion, `_valueString`.
        let bare = key.strip_prefix('_').unwrap_or(key);
        let repeated = bare.len() < key.len() && object.contains_key(bare);
        if let Some(fhir_type) = choice_type_of_key(name, bare)
            && !repeated
        {
            values_of_key(object, bare, Some(fhir_type), found);
        }
    }
}

/// The values of the choice `name` that are of a type.
pub(super) fn choice<'a>(item: &Item<'a>, name: &str, type_name: &str, found: &mut Vec<Item<'a>>) {
    let mut all = Vec::new();
    member(item, name, &mut all);
    let Item::Node(Node {
        value: Some(Value::Object(object)),
        ..
    }) = item
    else {
        return;
    };
    let key = choice_key(name, type_name);
    if !object.contains_key(name) && values_of_key(object, &key, type_static(type_name), found) {
        return;
    }
    found.extend(all.into_iter().filter(|item| is_of_type(item, type_name)));
}

/// The known name of a choice type.
fn type_static(type_name: &str) -> Option<&'static str> {
    CHOICE_TYPES
        .iter()
        .copied()
        .find(|known| *known == type_name)
}

/// The values of a key with their siblings under `_key`. Whether there is either.
fn values_of_key<'a>(
    object: &'a Map<String, Value>,
    key: &str,
    fhir_type: Option<&'static str>,
    found: &mut Vec<Item<'a>>,
) -> bool {
    let value = object.get(key);
    let companion = object.get(&format!("_{key}"));
    let mut push = |value: Option<&'a Value>, companion: Option<&'a Value>| {
        let value = value.filter(|value| !value.is_null());
        let companion = companion.filter(|companion| companion.is_object());
        // A null only keeps the place of its sibling under `_key`.
        if value.is_some() || companion.is_some() {
            found.push(Item::Node(Node {
                value,
                companion,
                fhir_type,
            }));
        }
    };
    match (value, companion) {
        (Some(Value::Array(values)), companion) => {
            let companions = companion.and_then(Value::as_array);
            for (position, value) in values.iter().enumerate() {
                push(
                    Some(value),
                    companions.and_then(|companions| companions.get(position)),
                );
            }
        }
        (None, Some(Value::Array(companions))) => {
            for companion in companions {
                push(None, Some(companion));
            }
        }
        (value, companion) => push(value, companion),
    }
    value.is_some() || companion.is_some()
}

/// Whether an item is of a type, as far as its place and form tell.
pub(super) fn is_of_type(item: &Item<'_>, type_name: &str) -> bool {
    let node = match item {
        Item::Value(literal) => return literal_is(literal, type_name),
        Item::Node(node) => node,
    };
    if let Some(fhir_type) = node.fhir_type {
        return is_same_or_narrower(fhir_type, type_name);
    }
    let Some(value) = node.value else {
        return false;
    };
    if let Some(Value::String(resource_type)) = value.get("resourceType") {
        return resource_type == type_name || matches!(type_name, "Resource" | "DomainResource");
    }
    match (type_kind(type_name), value) {
        (Some(TypeKind::Boolean), Value::Bool(_))
        | (Some(TypeKind::Decimal), Value::Number(_))
        | (Some(TypeKind::Text), Value::String(_))
        | (Some(TypeKind::Complex), Value::Object(_)) => true,
        (Some(TypeKind::Integer), Value::Number(number)) => {
            !number.to_string().contains(['.', 'e', 'E'])
        }
        (Some(TypeKind::Date | TypeKind::DateTime | TypeKind::Time), Value::String(text)) => {
            temporal_kind(type_name).is_some_and(|kind| Temporal::parse(text, kind).is_some())
        }
        _ => false,
    }
}

/// Whether a literal is of a type.
fn literal_is(literal: &Literal, type_name: &str) -> bool {
    let kind = type_kind(type_name);
    match literal {
        Literal::Boolean(_) => kind == Some(TypeKind::Boolean),
        Literal::Integer(_) => kind == Some(TypeKind::Integer),
        Literal::Decimal(_) => kind == Some(TypeKind::Decimal),
        Literal::String(_) => kind == Some(TypeKind::Text),
        Literal::Date(_) => kind == Some(TypeKind::Date),
        Literal::DateTime(_) => kind == Some(TypeKind::DateTime),
        Literal::Time(_) => kind == Some(TypeKind::Time),
    }
}
