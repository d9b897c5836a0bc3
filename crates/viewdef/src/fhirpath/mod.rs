//! The FHIRPath subset of SQL-on-FHIR views: text to a checked tree ([`parse`]).
//!
//! Nothing here evaluates; the reference evaluator and the engine's compiler read the same [`Expr`].
//! Specification: <https://hl7.org/fhirpath/>; the subset is that of SQL-on-FHIR's ShareableViewDefinition
//! profile with the further functions that the crate's page lists.
//!
//! Numbers are [`Decimal`]s of up to 38 digits, dates and times are [`Temporal`]s as precise as they are
//! written; neither goes through a type that would change a digit. There is no model of FHIR's types:
//! [`types`](type_kind) knows their names and how their values look in JSON.

mod ast;
mod decimal;
mod fit;
mod function;
mod lexer;
mod parser;
mod pattern;
mod temporal;
mod term;
mod token_reader;
mod types;

#[cfg(test)]
mod tests;

pub use ast::{BinaryOperator, Expr, ExprKind, Literal, Span};
pub use decimal::Decimal;
pub use fit::{Excess, Fit, fit, misfit};
pub use function::Function;
pub use parser::parse;
pub use pattern::Pattern;
pub use temporal::{Temporal, TemporalKind};
pub use token_reader::Constants;
pub use types::{
    CHOICE_TYPES, TypeKind, choice_key, choice_type_of_key, declared_type_of_element, type_kind,
};
pub(crate) use types::{choice_position, is_same_or_narrower, narrower_types};
