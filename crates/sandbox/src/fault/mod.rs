//! Faults: what may go wrong on purpose, how it is asked for, and when it strikes.

mod answer;
mod book;
mod kind;
mod spec;

pub(crate) use answer::answer;
pub(crate) use book::{FaultBook, Occasion};
pub(crate) use kind::Stage;
pub use kind::{FaultKind, NextTrick, RetryAfter, WrongTotal};
pub use spec::{FaultSpec, FaultTarget, ParseFaultError};
