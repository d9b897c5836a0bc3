//! Whole transforms.
