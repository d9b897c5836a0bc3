//! Columns that stand first in every table of a resource type, evaluated once a resource.

use crate::definition::{Column, ColumnType, Path, ScalarType};
use crate::fhirpath::{
    BinaryOperator, Constants, Expr, ExprKind, Function, declared_type_of_element, parse,
};

/// A context column as a pipeline says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextColumn {
    /// Its name in every table.
    pub name: String,
    /// What it holds.
    pub source: ContextSource,
}

/// What a context column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextSource {
    /// What a FHIRPath finds.
    Path(String),
    /// The day of the first of these FHIRPaths that finds something: its first ten characters.
    DateOf(Vec<String>),
    /// The year of the first of these FHIRPaths that finds something.
    YearOf(Vec<String>),
}

/// What is done with what the first path finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Date,
    Year,
}

/// A checked context column: the same as one or several columns of a view.
#[derive(Debug, Clone)]
pub(super) struct CheckedContext {
    pub(super) name: String,
    pub(super) transform: Transform,
    pub(super) column_type: ColumnType,
    /// The alternatives, as columns.
    pub(super) alternatives: Vec<Column>,
}

impl ContextColumn {
    pub(super) fn check(&self) -> Result<CheckedContext, String> {
        let (transform, sources): (_, Vec<&String>) = match &self.source {
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
                // The text; what is done with it comes after.
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
        })
    }
}

/// The type of what an expression finds, as far as it tells by itself.
fn scalar_of(expr: &Expr) -> ScalarType {
    use BinaryOperator as Op;
    match &expr.kind {
        ExprKind::Binary { operator, .. } => match operator {
            Op::Multiply
            | Op::Divide
            | Op::IntegerDivide
            | Op::Modulo
            | Op::Add
            | Op::Subtract
            | Op::Concatenate
            | Op::Union => ScalarType::Utf8,
            _ => ScalarType::Boolean,
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
