//! Which runs there were, and the source that a data directory belongs to.

mod history;
mod runs;
mod source;

pub use history::RunHistory;
pub use runs::{RunEnd, RunRecord};
