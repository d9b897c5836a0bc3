//! Commands that messages of several places name.

/// Finishes removals of patients that were interrupted, and does nothing else.
pub(crate) const FINISH_REMOVAL: &str = "forget --finish";
