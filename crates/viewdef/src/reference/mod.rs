//! The reference evaluator: a view over one resource as [`serde_json::Value`].
//!
//! Written to be obviously right, not to be fast: it decides what every faster way must say, and it
//! makes the rows of views and resources that the [engine](crate::engine) has no program for.
//! Specification: the processing algorithm of
//! <https://build.fhir.org/ig/HL7/sql-on-fhir/en/StructureDefinition-ViewDefinition.html>.

mod boundary;
mod cell;
mod compare;
mod context;
mod evaluate;
mod evaluation;
mod functions;
mod item;
mod navigate;
mod ndjson;
mod operators;
mod rows;
#[cfg(test)]
mod tests;
mod text_functions;

pub use evaluation::{evaluate, evaluate_path, evaluate_resolved};
pub use ndjson::row_as_json;
pub use rows::Evaluation;
