//! The outcome of a line: why it is refused, or what was read of it. Nothing of it has a value of the
//! line, but for the id and what the caller asked for.

use super::walk::Refusal;
use crate::problem::Mismatch;

/// Why a line makes no rows at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRefusal {
    /// Not JSON.
    NotJson,
    /// JSON, but not an object with this resource type.
    NotTheResource,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// An object has a key twice.
    DuplicateKey,
    /// Deeper than resources are.
    TooDeep,
    /// No id.
    MissingId,
}

impl From<Refusal> for LineRefusal {
    /// A walk only knows an object from other JSON; that a line is no object means it is no resource.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotJson => LineRefusal::NotJson,
            Refusal::LoneSurrogate => LineRefusal::LoneSurrogate,
            Refusal::DuplicateKey => LineRefusal::DuplicateKey,
            Refusal::TooDeep => LineRefusal::TooDeep,
            Refusal::NotAnObject => LineRefusal::NotTheResource,
        }
    }
}

/// A cell that is null, or a table without rows of a resource, because of what was found; or a cell
/// whose number was rounded, which is no loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The table; none for a context column, which is in all tables.
    pub table: Option<String>,
    /// The column; none where the table has no rows of the resource.
    pub column: Option<String>,
    /// The path of the value.
    pub path: String,
    /// What is wrong with it.
    pub mismatch: Mismatch,
}

/// What was read of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRead {
    /// The resource's id.
    pub id: String,
    /// `meta.lastUpdated` in microseconds since the epoch.
    pub last_updated: Option<i64>,
    /// Whether the plan drops the resource.
    pub dropped: bool,
    /// The value of the context column that the worker was asked for.
    pub returned_value: Option<String>,
    /// Rows it made, in all tables.
    pub rows: u64,
    /// Tables whose rows the reference evaluator made, because of the view or of something unusual
    /// in the resource.
    pub fallback_tables: u32,
    /// What could not be used.
    pub problems: Vec<Problem>,
}
