//! Whole runs of claimlake live in `it`.
