//! Tables about the run itself: `changes`, and those the caller hands over.

pub(crate) mod changes;
pub(crate) mod replaced;
