//! The FHIRPath subset of SQL-on-FHIR views: text to a checked tree ([`parse`]).
//!
//! Nothing here evaluates; the reference evaluator and the plan compile the same [`Expr`].
//! Specification: <https://hl7.org/fhirpath/>.

mod ast;
mod decimal;
mod fit;
mod function;
mod lexer;
mod parse_error;
mod parser;
mod temporal;
mod types;

#[cfg(test)]
mod tests;

pub use ast::{BinaryOperator, Expr, ExprKind, Literal, Span};
pub use decimal::Decimal;
pub use fit::{Excess, Fit, fit, misfit};
pub use function::Function;
pub use parse_error::ParseError;
pub use parser::{Constants, parse};
pub use temporal::{Temporal, TemporalKind};
pub use types::{
    CHOICE_TYPES, TypeKind, choice_key, choice_type_of_key, declared_type_of_element, type_kind,
};
