//! How a stage reports what it is doing, without knowing who listens.

use std::fmt::Debug;

/// A piece of long work with a beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Task(pub u64);

/// Receives progress: for a terminal, a log, or no one.
pub trait Progress: Debug + Send + Sync {
    /// Work begins: `what` in a few words, `total` in `unit` where it is known.
    fn begin(&self, what: &str, unit: &str, total: Option<u64>) -> Task;
    /// `amount` more of the unit is done.
    fn advance(&self, task: Task, amount: u64);
    /// What there is to say at the moment, such as a rate; replaces the previous note.
    fn note(&self, task: Task, note: &str);
    /// The work has ended, well or badly.
    fn end(&self, task: Task);
}

/// Reports nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _unit: &str, _total: Option<u64>) -> Task {
        Task(0)
    }
    fn advance(&self, _task: Task, _amount: u64) {}
    fn note(&self, _task: Task, _note: &str) {}
    fn end(&self, _task: Task) {}
}
