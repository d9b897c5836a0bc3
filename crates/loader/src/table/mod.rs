//! One table of the next snapshot: what is taken from where, and how it is put together.

pub(crate) mod all;
pub(crate) mod build;
pub(crate) mod carry;
pub(crate) mod old_rows;
pub(crate) mod plan;
