//! Faults that the sandbox injects on request: which kinds there are, how they are written, and
//! when they apply.

mod active;
mod answer;
mod kind;
mod spec;

pub(crate) use active::{ActiveFaults, FaultContext};
pub(crate) use answer::answer;
pub(crate) use kind::Stage;
pub use kind::{FaultKind, NextTrick, RetryAfter, WrongTotal};
pub use spec::{FaultSpec, FaultTarget};
