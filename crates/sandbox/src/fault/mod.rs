//! Faults: what may go wrong on purpose, how it is asked for, and when it strikes.

mod active;
mod answer;
mod kind;
mod spec;

pub(crate) use active::{ActiveFaults, FaultContext};
pub(crate) use answer::answer;
pub(crate) use kind::Stage;
pub use kind::{FaultKind, NextTrick, RetryAfter, WrongTotal};
pub use spec::{FaultSpec, FaultTarget};
