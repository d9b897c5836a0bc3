//! The outcome of a line: why it is refused, or what was read. Apart from the id and the value that
//! the caller requested, it contains no value of the line.

use crate::problem::Mismatch;

/// Why a line makes no rows at all. Everything else that is wrong with a resource is a [`Problem`] of one
/// cell or one table, and the other cells and tables are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRefusal {
    /// Not JSON by RFC 8259.
    NotJson,
    /// JSON, but not an object with this resource type.
    NotTheResource,
    /// A `\u` escape that is half of a surrogate pair.
    LoneSurrogate,
    /// An object has a key twice: FHIR forbids it, and readers differ in which one they take.
    DuplicateKey,
    /// Deeper than [`crate::json::MAX_DEPTH`].
    TooDeep,
    /// No id.
    MissingId,
}

/// A cell that is null, or a table without rows of a resource, because of what was found; or a cell
/// whose number was rounded, which is no loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The table; none for a context column, which is in all tables.
    pub table: Option<String>,
    /// The column; `None` if the table has no rows of the resource.
    pub column: Option<String>,
    /// The path of the value.
    pub path: String,
    /// What is wrong with it.
    pub mismatch: Mismatch,
}

/// What was read of a line. The rows themselves wait in the worker until
/// [`finish`](super::ResourceWorker::finish) is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRead {
    /// The resource's id.
    pub id: String,
    /// `meta.lastUpdated` in microseconds since the epoch.
    pub last_updated: Option<i64>,
    /// Whether the plan drops the resource.
    pub dropped: bool,
    /// The value of the context column that the caller requested.
    pub returned_value: Option<String>,
    /// Rows it made, in all tables.
    pub rows: u64,
    /// Tables whose rows the reference evaluator made, because of the view or of something unusual
    /// in the resource.
    pub fallback_tables: u32,
    /// What could not be used.
    pub problems: Vec<Problem>,
}
