//! The columnar evaluator: all views of a resource type as one plan, each resource walked once.
//!
//! [`ResourcePlan::compile`] turns views and context columns into a shape (what is read) and
//! programs (how); a [`ResourceWorker`] walks lines and builds the columns of all tables. Where a
//! view or a resource holds what the programs do not know, the reference evaluator makes its rows.

mod context;
mod context_cells;
mod fast_view;
mod first_of_union;
mod keys;
mod outcome;
mod plan;
mod program;
mod read_paths;
mod row_cells;
mod row_maker;
mod shape;
mod shape_builder;
mod table_builder;
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
pub use worker::ResourceWorker;
