//! One item of a collection: an element of the resource, or a value that was computed.
//!
//! An element stays a reference to its JSON; of a primitive the companion object (`_birthDate`) belongs to
//! it (<https://hl7.org/fhir/R4/json.html#primitive>), so that one without a value is an item as well.

use serde_json::{Number, Value};

use crate::fhirpath::{Decimal, Literal, Temporal, TemporalKind, TypeKind, type_kind};
use crate::problem::json_type;

/// An item.
#[derive(Debug, Clone)]
pub(super) enum Item<'a> {
    /// An element of the resource.
    Node(Node<'a>),
    /// A literal or something computed.
    Value(Literal),
}

/// An element of the resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// Its value; a primitive may have none and only an id or extensions.
    pub(super) value: Option<&'a Value>,
    /// The object beside a primitive (`_birthDate`) with its id and extensions.
    pub(super) companion: Option<&'a Value>,
    /// Its type, where the name of the element decides it.
    pub(super) fhir_type: Option<&'static str>,
}

/// A primitive as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// Any number, also an `integer64` in a string.
    Number(Decimal),
    /// Text; `untyped` where it comes from the resource and may be a date.
    Text { text: String, untyped: bool },
    /// A date or time that its element's name or its literal declares.
    Temporal(Temporal),
}

impl<'a> Item<'a> {
    /// The resource itself.
    pub(super) fn resource(value: &'a Value) -> Self {
        Item::Node(Node {
            value: Some(value),
            companion: None,
            fhir_type: None,
        })
    }

    /// A computed boolean.
    pub(super) fn boolean(value: bool) -> Self {
        Item::Value(Literal::Boolean(value))
    }

    /// A computed count or position.
    pub(super) fn integer(value: usize) -> Self {
        Item::Value(Literal::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    /// A computed text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Item::Value(Literal::String(text.into()))
    }

    /// A computed number: an integer where it has no digits behind the point.
    pub(super) fn number(number: Decimal) -> Self {
        Item::Value(match number.to_integer() {
            Some(integer) if number.scale() == 0 => Literal::Integer(integer),
            _ => Literal::Decimal(number),
        })
    }

    /// The value as JSON; nothing for a primitive without one.
    pub(super) fn to_json(&self) -> Option<Value> {
        Some(match self {
            Item::Node(node) => node.value?.clone(),
            Item::Value(literal) => match literal {
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Integer(value) => Value::Number((*value).into()),
                Literal::Decimal(value) => Value::Number(number(*value)?),
                Literal::String(text)
                | Literal::Date(text)
                | Literal::DateTime(text)
                | Literal::Time(text) => Value::String(text.clone()),
            },
        })
    }

    /// The primitive; `Ok(None)` for one without a value.
    ///
    /// # Errors
    ///
    /// The name of what it is instead.
    pub(super) fn scalar(&self) -> Result<Option<Scalar>, &'static str> {
        match self {
            Item::Node(node) => node.scalar(),
            Item::Value(literal) => Ok(Some(scalar_of(literal))),
        }
    }

    /// The name of its JSON type, for words.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Item::Node(node) => node.value.map_or("no value", json_type),
            Item::Value(literal) => match literal {
                Literal::Boolean(_) => "boolean",
                Literal::Integer(_) | Literal::Decimal(_) => "number",
                Literal::String(_) => "string",
                Literal::Date(_) => "date",
                Literal::DateTime(_) => "dateTime",
                Literal::Time(_) => "time",
            },
        }
    }
}

impl Node<'_> {
    /// The number of an `integer64`, which FHIR's JSON writes as a string.
    fn integer64(&self) -> Option<Decimal> {
        let text = match self.value {
            Some(Value::String(text)) if self.fhir_type == Some("integer64") => text,
            _ => return None,
        };
        text.parse().ok().map(Decimal::from_integer)
    }

    /// The primitive of an element.
    fn scalar(&self) -> Result<Option<Scalar>, &'static str> {
        let Some(value) = self.value else {
            return Ok(None);
        };
        if let Some(number) = self.integer64() {
            return Ok(Some(Scalar::Number(number)));
        }
        Ok(Some(match value {
            Value::Bool(value) => Scalar::Boolean(*value),
            Value::Number(number) => match read_number(&number.to_string()) {
                Some(number) => Scalar::Number(number),
                None => return Err("a number with too many digits"),
            },
            Value::String(text) => {
                let kind = self.fhir_type.and_then(temporal_kind);
                match kind.and_then(|kind| Temporal::parse(text, kind)) {
                    Some(temporal) => Scalar::Temporal(temporal),
                    None => Scalar::Text {
                        text: text.clone(),
                        untyped: self.fhir_type.is_none() || kind.is_some(),
                    },
                }
            }
            other => return Err(json_type(other)),
        }))
    }
}

/// The primitive of a literal.
fn scalar_of(literal: &Literal) -> Scalar {
    let temporal = |text: &str, kind| {
        Temporal::parse(text, kind).map_or_else(
            || Scalar::Text {
                text: text.to_owned(),
                untyped: false,
            },
            Scalar::Temporal,
        )
    };
    match literal {
        Literal::Boolean(value) => Scalar::Boolean(*value),
        Literal::Integer(value) => Scalar::Number(Decimal::from_integer(*value)),
        Literal::Decimal(value) => Scalar::Number(*value),
        Literal::String(text) => Scalar::Text {
            text: text.clone(),
            untyped: false,
        },
        Literal::Date(text) => temporal(text, TemporalKind::Date),
        Literal::DateTime(text) => temporal(text, TemporalKind::DateTime),
        Literal::Time(text) => temporal(text, TemporalKind::Time),
    }
}

/// How the texts of a type are read, if they are dates or times.
pub(super) fn temporal_kind(fhir_type: &str) -> Option<TemporalKind> {
    match type_kind(fhir_type)? {
        TypeKind::Date => Some(TemporalKind::Date),
        TypeKind::DateTime => Some(TemporalKind::DateTime),
        TypeKind::Time => Some(TemporalKind::Time),
        _ => None,
    }
}

/// A number for operators: if it has more digits than a decimal holds, such as all digits of a
/// double, the last ones are cut off. A cell keeps them.
fn read_number(text: &str) -> Option<Decimal> {
    Decimal::parse(text).or_else(|| {
        let (whole, _) = text
            .split_once('.')
            .filter(|_| !text.contains(['e', 'E']))?;
        let digits = 37_usize.checked_sub(whole.len())?;
        Decimal::parse(text.get(..whole.len() + 1 + digits)?)
    })
}

/// A decimal as a JSON number with its digits.
fn number(value: Decimal) -> Option<Number> {
    value.to_string().parse().ok()
}
