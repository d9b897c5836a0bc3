//! SQL-on-FHIR v2 ViewDefinitions: checked, compiled, turned into columns.
//!
//! Pure and synchronous, without files and without knowledge of any one resource type.

pub mod column;
pub mod definition;
pub mod engine;
pub mod fhirpath;
pub mod json;
pub mod oracle;
pub mod problem;
