//! The columnar evaluator: all views of a resource type as one plan, each resource walked once.
//!
//! ```text
//! views, context columns ── compiler ──> programs          (how a cell is found)
//!                       └── read_paths ─> shape            (which keys matter)
//!
//! line of NDJSON ── walk, along the shape ──> tape ── programs ──> cells ──> Arrow columns
//!                                              └ anything unusual ──> reference evaluator
//! ```
//!
//! [`ResourcePlan::compile`] turns views and context columns into a shape and programs; a
//! [`ResourceWorker`] walks lines and builds the columns of all tables. Where a view or a resource has
//! what the programs do not know, the reference evaluator makes the rows of that table:
//! [`TablePlan::fallback_columns`] says for which columns always, [`ResourceRead::fallback_tables`] how
//! often it happened. Rows are the same either way; only the time differs, about ten times.
//!
//! ```
//! use std::sync::Arc;
//!
//! use claimlake_viewdef::definition::ViewDefinition;
//! use claimlake_viewdef::engine::{PlanInput, ResourcePlan, ResourceWorker};
//! use claimlake_viewdef::json::PADDING;
//!
//! let view = ViewDefinition::from_text(
//!     r#"{"resource": "Claim", "select": [{"forEach": "item", "column": [
//!         {"name": "line", "path": "sequence", "type": "positiveInt"},
//!         {"name": "diagnosis", "type": "string", "path":
//!             "%resource.diagnosis.where(sequence in %context.diagnosisSequence).code.first()"}]}]}"#,
//! )?;
//! let plan = ResourcePlan::compile(&PlanInput {
//!     resource: "Claim",
//!     constants: &[],
//!     context: &[],
//!     views: vec![("claim_line".to_owned(), view)],
//!     order: None,
//!     drop_where: None,
//! })?;
//! assert_eq!(plan.fallback_columns(), 0);
//!
//! let mut worker = ResourceWorker::new(Arc::new(plan), Vec::new(), None);
//! let line = r#"{"resourceType":"Claim","id":"c","diagnosis":[{"sequence":1,"code":"E119"}],
//! "item":[{"sequence":1,"diagnosisSequence":[1]},{"sequence":2}]}"#.replace('\n', "");
//! let mut buffer = line.clone().into_bytes();
//! buffer.resize(line.len() + PADDING, b'\n');
//! let read = worker.read(&buffer, 0, line.len(), 0).map_err(|refusal| format!("{refusal:?}"))?;
//! assert_eq!((read.id.as_str(), read.rows, read.fallback_tables), ("c", 2, 0));
//! assert_eq!(worker.finish()?[0].as_ref().map(|batch| batch.num_rows()), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cached_lookups;
mod compiler;
mod conditions;
mod context;
mod context_cells;
mod derived;
mod derived_cells;
mod fast_view;
mod first_of_union;
mod keys;
mod known_answers;
mod lazy_json;
mod lookup;
mod member_index;
mod member_steps;
mod outcome;
mod pivot_masks;
mod pivots;
mod plan;
mod program;
mod read_paths;
mod resource;
mod resource_cache;
mod resource_conditions;
mod row_cells;
mod row_maker;
mod shape;
mod shape_builder;
mod table_builder;
mod table_rows;
mod tape;
mod tape_reader;
#[cfg(test)]
mod tests;
mod unknown_keys;
mod walk;
mod worker;

pub use context::{ContextCase, ContextColumn, ContextSource};
pub use outcome::{LineRefusal, Problem, ResourceRead};
pub use plan::{PlanInput, ResourcePlan, TablePlan};
pub use worker::{Line, ResourceWorker};
