//! What can go wrong with one cell or one resource while a view runs: data, not errors of the
//! program, and never with a value of the input in it.

use std::fmt;

/// A cell that is null because its value could not be used, or whose value was rounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellProblem {
    /// The position of the column in the view's columns.
    pub column: usize,
    /// The path of the value.
    pub path: String,
    /// What is wrong.
    pub kind: ProblemKind,
    /// The type that was expected, `DECIMAL(18,2)`.
    pub expected: String,
    /// The type that was found, `string`, and of a number that does not fit how much of it is too much.
    pub found: String,
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The value has another type than the column, or an operator got a type it cannot take.
    WrongType,
    /// A date or time that does not exist, or that is less precise than the column.
    BadDate,
    /// A number with more digits than the column or the arithmetic holds.
    TooManyDigits,
    /// Nothing is wrong: the cell holds the number rounded to the column's scale, without what a
    /// double had added to it. It is counted.
    Rounded,
    /// Several values where one is expected.
    NotOneValue,
    /// More rows, or more work, than one resource may cause.
    TooLarge,
}

impl fmt::Display for CellProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.path, self.expected, self.found
        )
    }
}

/// A resource of which a view makes no rows because a filter or an iteration could not be
/// evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct ResourceProblem {
    /// Where in the view, `where[0].path`.
    pub place: String,
    /// What is wrong.
    pub kind: ProblemKind,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}
