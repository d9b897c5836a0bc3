//! Constants of a view: `value[x]` to a literal.
//!
//! SQL-on-FHIR, StructureDefinition-ViewDefinition, `constant`: exactly one of the listed types of
//! value, checked against FHIR's own ranges (<https://hl7.org/fhir/R4/datatypes.html#primitive>).
//! Constants are put into expressions when these are parsed, so that nothing looks them up later.

use serde_json::Value;

use crate::fhirpath::{Decimal, Literal, Temporal, TemporalKind};

/// The types a constant may have.
const TYPES: &[(&str, Kind)] = &[
    ("valueBase64Binary", Kind::Text),
    ("valueBoolean", Kind::Boolean),
    ("valueCanonical", Kind::Text),
    ("valueCode", Kind::Text),
    ("valueDate", Kind::Temporal(TemporalKind::Date)),
    ("valueDateTime", Kind::Temporal(TemporalKind::DateTime)),
    ("valueDecimal", Kind::Decimal),
    ("valueId", Kind::Text),
    ("valueInstant", Kind::Temporal(TemporalKind::DateTime)),
    (
        "valueInteger",
        Kind::Integer {
            least: INT_MIN,
            most: INT_MAX,
        },
    ),
    ("valueInteger64", Kind::Integer64),
    ("valueOid", Kind::Text),
    ("valueString", Kind::Text),
    (
        "valuePositiveInt",
        Kind::Integer {
            least: 1,
            most: INT_MAX,
        },
    ),
    ("valueTime", Kind::Temporal(TemporalKind::Time)),
    (
        "valueUnsignedInt",
        Kind::Integer {
            least: 0,
            most: INT_MAX,
        },
    ),
    ("valueUri", Kind::Text),
    ("valueUrl", Kind::Text),
    ("valueUuid", Kind::Text),
];

/// How the value of a constant is parsed.
#[derive(Clone, Copy)]
enum Kind {
    /// A string as it is.
    Text,
    /// A JSON boolean.
    Boolean,
    /// A whole number in a range.
    Integer { least: i64, most: i64 },
    /// A whole number, or a string of one.
    Integer64,
    /// A JSON number with its digits.
    Decimal,
    /// A string that is a date or time of this kind.
    Temporal(TemporalKind),
}

/// FHIR's integers have 32 bits.
const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;

/// Whether a key of a constant is one of its values.
pub(super) fn is_value_key(key: &str) -> bool {
    TYPES.iter().any(|(known, _)| *known == key)
}

/// The literal of a constant's `value[x]`, or what is wrong with it.
pub(super) fn literal(key: &str, value: &Value) -> Result<Literal, String> {
    let Some((_, kind)) = TYPES.iter().find(|(known, _)| *known == key) else {
        return Err(format!("a constant cannot have a '{key}'"));
    };
    let found = match kind {
        Kind::Boolean => value.as_bool().map(Literal::Boolean),
        Kind::Text => value.as_str().map(|text| Literal::String(text.to_owned())),
        Kind::Integer { least, most } => number(value)
            .filter(|value| (*least..=*most).contains(value))
            .map(Literal::Integer),
        Kind::Integer64 => integer64(value).map(Literal::Integer),
        Kind::Decimal => match value {
            Value::Number(number) => Decimal::parse(&number.to_string()).map(Literal::Decimal),
            _ => None,
        },
        Kind::Temporal(kind) => value
            .as_str()
            .filter(|text| Temporal::parse(text, *kind).is_some())
            .map(|text| Literal::temporal(*kind, text.to_owned())),
    };
    found.ok_or_else(|| format!("the value is no {}", &key["value".len()..]))
}

/// A whole number.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Decimal::parse(&number.to_string())?.to_integer(),
        _ => None,
    }
}

/// FHIR's JSON writes `integer64` as a string.
fn integer64(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => number(value),
    }
}
