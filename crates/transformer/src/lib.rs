#![doc = include_str!("../README.md")]

mod chunk;
mod counts;
mod error;
mod flatten;
mod form;
mod gone;
mod keys;
mod landed_bodies;
mod outcome;
mod partition;
mod periods;
mod plain_text;
mod plan;
mod pool;
mod reject;
mod stage;
mod staged_file;
mod task;
mod task_part;
mod transform;

pub use claimlake_viewdef::derive::Derivation;
pub use claimlake_viewdef::engine::{ContextCase, ContextColumn, ContextSource};
pub use error::{TransformError, TransformErrorKind};
pub use flatten::{Flattener, Output};
pub use form::Form;
pub use landed_bodies::landed_bodies;
pub use outcome::{TransformOutcome, UnreadPath};
pub use plan::{IS_PART2, Part2, Plan, PlanInput, PlanProblem, RULES_VERSION, ViewText};
pub use stage::remove_abandoned;
pub use task::{Task, TaskCounts, Tasks, run_task, tasks};
pub use transform::{TransformOptions, transform};
