//! A ViewDefinition: its parts, checked, with every FHIRPath expression parsed.
//!
//! [`ViewDefinition::from_json`] is the only way to one, so every view that exists is valid.
//! Specification: <https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html>.

mod check;
mod column_type;
mod constant;
mod read;
mod read_select;
mod reader;
#[cfg(test)]
mod tests;
mod view;

pub use column_type::{ColumnType, ScalarType, column_type};
pub use view::{Column, Iteration, Path, Select, Tag, ViewDefinition};
