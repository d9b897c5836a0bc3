//! The columnar evaluator: all views of a resource type as one plan, each resource walked once.
//!
//! [`ResourcePlan::compile`] turns views and context columns into a shape (what is read) and
//! programs (how); a [`ResourceWorker`] walks lines and builds the columns of all tables. Where a
//! view or a resource holds what the programs do not know, the reference evaluator makes its rows.

mod context;
mod context_cells;
mod evaluate;
mod first_of;
mod keys;
mod mark;
mod plan;
mod program;
mod read;
mod row_cells;
mod row_maker;
mod rows;
mod shape;
mod shape_builder;
mod table_builder;
mod tape;
#[cfg(test)]
mod tests;
mod unremembered;
mod walk;
mod worker;

pub use context::{ContextCase, ContextColumn, ContextSource};
pub use plan::{PlanError, PlanInput, ResourcePlan, TablePlan};
pub use read::{LineRefusal, Problem, ResourceRead};
pub use worker::ResourceWorker;
