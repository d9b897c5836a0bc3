//! Landing to staged: the lines of sealed runs become Arrow rows of all tables of a pipeline.
//!
//! [`Plan::compile`] makes views and context columns one plan; [`transform`] runs it over landed
//! parts on a thread pool of its own and leaves a staged run. Rows, rejects and files are the same
//! however many threads there are. Nothing here waits on a socket.

mod chunk;
mod error;
mod gone;
mod landed_bodies;
mod outcome;
mod partition;
mod plan;
mod pool;
mod reject;
mod stage;
mod staged_file;
mod transform;

pub use claimlake_viewdef::engine::{ContextCase, ContextColumn, ContextSource};
pub use error::TransformError;
pub use landed_bodies::landed_bodies;
pub use outcome::{TransformOutcome, UnreadPath};
pub use plan::{IS_PART2, Part2, Plan, PlanInput, PlanProblem, RULES_VERSION, ViewText};
pub use stage::{Form, remove_abandoned};
pub use transform::{TransformOptions, transform};
