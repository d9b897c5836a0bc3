//! Context columns: the first columns of every table of a resource type, evaluated once per resource.
//!
//! They are no part of the standard: a pipeline names them (`patient_id`, `service_year`, …) so that all
//! tables of a resource share keys and partitions. Each is checked here and becomes the same as one or
//! several columns of a view.

use serde::{Deserialize, Serialize};

use crate::column::{date_days, instant_micros};
use crate::definition::{Column, ColumnType, Path, ScalarType};
use crate::fhirpath::{Constants, Expr, ExprKind, Function, declared_type_of_element, parse};

/// A context column as a pipeline says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextColumn {
    /// Its name in every table.
    pub name: String,
    /// What it holds.
    pub source: ContextSource,
}

/// What a context column has.
///
/// ```
/// use claimlake_viewdef::engine::{ContextCase, ContextColumn, ContextSource};
///
/// // `eob_type` of a pipeline: NOTICE for notices, else the code of the type, else UNKNOWN.
/// let column = ContextColumn {
///     name: "eob_type".into(),
///     source: ContextSource::Cases {
///         cases: vec![ContextCase {
///             when: "use = 'predetermination'".into(),
///             value: "NOTICE".into(),
///         }],
///         source: Box::new(ContextSource::Path("type.coding.code.first()".into())),
///         default: Some("UNKNOWN".into()),
///     },
/// };
/// assert_eq!(column.name, "eob_type");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextSource {
    /// The value that a FHIRPath expression finds.
    Path(String),
    /// The day of the first of these FHIRPaths that finds something: its first ten characters.
    DateOf(Vec<String>),
    /// The year of the first of these FHIRPaths that finds something.
    YearOf(Vec<String>),
    /// The value of the first case whose condition the resource meets; otherwise what `source`
    /// finds; otherwise `default`.
    Cases {
        /// The cases, in their order.
        cases: Vec<ContextCase>,
        /// Another source, which has no cases itself.
        source: Box<ContextSource>,
        /// The value where nothing is found.
        default: Option<String>,
    },
}

/// A value for the resources that meet a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextCase {
    /// A FHIRPath that is true or false.
    pub when: String,
    /// The value, as text.
    pub value: String,
}

/// How the result of the first path is transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    /// It is the value of the column.
    None,
    /// Its first ten characters, as a date.
    Date,
    /// Its first four characters, as a number.
    Year,
}

/// A checked context column: the same as one or several columns of a view.
#[derive(Debug, Clone)]
pub(super) struct CheckedContext {
    pub(super) name: String,
    /// How the result of an alternative is transformed.
    pub(super) transform: Transform,
    pub(super) column_type: ColumnType,
    /// The alternatives, as columns.
    pub(super) alternatives: Vec<Column>,
    /// Cases that are tried before the alternatives.
    pub(super) cases: Vec<CheckedCase>,
    /// The value where nothing is found.
    pub(super) default: Option<FixedValue>,
}

/// A checked case of a context column.
#[derive(Debug, Clone)]
pub(super) struct CheckedCase {
    /// The condition as the pipeline writes it, for problems.
    pub(super) source: String,
    /// The condition.
    pub(super) when: Expr,
    /// The cell where it is met.
    pub(super) value: FixedValue,
}

/// A value that a pipeline gives, of the column's type.
#[derive(Debug, Clone)]
pub(super) enum FixedValue {
    /// A text as it is.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// An integer, days or microseconds.
    Integer(i64),
}

impl FixedValue {
    /// The value of a text that the pipeline gives.
    ///
    /// # Errors
    /// The text is no value of the type.
    fn of(scalar: ScalarType, text: &str) -> Result<Self, String> {
        let number = match scalar {
            ScalarType::Utf8 => return Ok(FixedValue::Text(text.to_owned())),
            ScalarType::Boolean => {
                let value = text.parse().map(FixedValue::Boolean);
                return value.map_err(|_| format!("'{text}' is neither true nor false"));
            }
            ScalarType::Date => date_days(text).map(i64::from),
            ScalarType::Timestamp => instant_micros(text),
            _ => text.parse::<i32>().ok().map(i64::from),
        };
        let number = number.ok_or_else(|| format!("'{text}' is no value of {scalar}"))?;
        Ok(FixedValue::Integer(number))
    }
}

impl ContextColumn {
    /// The column with its expressions parsed and its type decided.
    ///
    /// # Errors
    /// What is wrong with an expression, a case or the default.
    pub(super) fn check(&self) -> Result<CheckedContext, String> {
        let ContextSource::Cases {
            cases,
            source,
            default,
        } = &self.source
        else {
            return self.check_source(&self.source);
        };
        let mut checked = self.check_source(source)?;
        let scalar = checked.column_type.scalar;
        for case in cases {
            let when = parse(&case.when, &Constants::new())
                .map_err(|error| format!("'{}': {error}", case.when))?;
            let value = FixedValue::of(scalar, &case.value);
            checked.cases.push(CheckedCase {
                source: case.when.clone(),
                when,
                value: value.map_err(|reason| format!("case '{}': {reason}", case.when))?,
            });
        }
        checked.default = match default {
            None => None,
            Some(text) => {
                let value = FixedValue::of(scalar, text);
                Some(value.map_err(|reason| format!("default: {reason}"))?)
            }
        };
        Ok(checked)
    }

    /// The column of a source without cases.
    fn check_source(&self, source: &ContextSource) -> Result<CheckedContext, String> {
        let (transform, sources): (_, Vec<&String>) = match source {
            ContextSource::Cases { .. } => return Err("cases within cases".into()),
            ContextSource::Path(path) => (Transform::None, vec![path]),
            ContextSource::DateOf(paths) => (Transform::Date, paths.iter().collect()),
            ContextSource::YearOf(paths) => (Transform::Year, paths.iter().collect()),
        };
        if sources.is_empty() {
            return Err("needs at least one FHIRPath".into());
        }
        let mut alternatives = Vec::new();
        let mut scalar = match transform {
            Transform::None => ScalarType::Utf8,
            Transform::Date => ScalarType::Date,
            Transform::Year => ScalarType::Int32,
        };
        for source in sources {
            let expression =
                parse(source, &Constants::new()).map_err(|error| format!("'{source}': {error}"))?;
            let read_as = match transform {
                Transform::None => {
                    scalar = scalar_of(&expression);
                    scalar
                }
                // Text; it is transformed afterwards.
                _ => ScalarType::Utf8,
            };
            alternatives.push(Column {
                name: self.name.clone(),
                path: Path {
                    source: source.clone(),
                    expression,
                    place: self.name.clone(),
                },
                fhir_type: None,
                column_type: ColumnType {
                    scalar: read_as,
                    list: false,
                },
                collection: false,
                description: None,
                tags: Vec::new(),
            });
        }
        Ok(CheckedContext {
            name: self.name.clone(),
            transform,
            column_type: ColumnType {
                scalar,
                list: false,
            },
            alternatives,
            cases: Vec::new(),
            default: None,
        })
    }
}

/// The type of an expression's result, as far as the expression alone decides it.
fn scalar_of(expr: &Expr) -> ScalarType {
    match &expr.kind {
        ExprKind::Binary { operator, .. } => match operator.gives_truth() {
            true => ScalarType::Boolean,
            false => ScalarType::Utf8,
        },
        ExprKind::IsType { .. } => ScalarType::Boolean,
        ExprKind::Call { function, base, .. } => match function {
            Function::Exists
            | Function::All
            | Function::Empty
            | Function::Not
            | Function::HasValue => ScalarType::Boolean,
            Function::Count | Function::Length => ScalarType::Int32,
            Function::First | Function::Last | Function::Single | Function::Where => {
                scalar_of(base)
            }
            _ => ScalarType::Utf8,
        },
        ExprKind::Index { base, .. } => scalar_of(base),
        ExprKind::OfType { type_name, .. } => match type_name.as_str() {
            "boolean" => ScalarType::Boolean,
            "instant" => ScalarType::Timestamp,
            "date" => ScalarType::Date,
            "integer" | "positiveInt" | "unsignedInt" => ScalarType::Int32,
            _ => ScalarType::Utf8,
        },
        ExprKind::Member { name, .. } => match declared_type_of_element(name) {
            Some("instant") => ScalarType::Timestamp,
            Some("date") => ScalarType::Date,
            _ => ScalarType::Utf8,
        },
        _ => ScalarType::Utf8,
    }
}
