//! Why an expression, a view or a plan is refused, before a resource is read.

use std::fmt;

/// What the crate refuses, with everything that is wrong with it.
///
/// Only texts that somebody wrote (FHIRPath, views, context columns) cause one. What a resource
/// causes is data instead: see [`crate::problem`] and [`crate::engine::LineRefusal`].
///
/// ```
/// use claimlake_viewdef::fhirpath::{Constants, parse};
/// use claimlake_viewdef::{ErrorKind, definition::ViewDefinition};
///
/// let error = parse("name.", &Constants::new()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Expression { character: 6 });
///
/// let error = ViewDefinition::from_text(r#"{"resource": "Patient", "selct": []}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::View);
/// assert_eq!(error.faults()[0].place, "selct");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// At least one, in the order of the text.
    faults: Vec<Fault>,
}

/// What kind of text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An expression that is not FHIRPath, or uses what views do not support.
    Expression {
        /// The character it is about, from 1.
        character: usize,
    },
    /// A ViewDefinition that is not valid.
    View,
    /// Views or context columns that are valid one by one and make no plan together.
    Plan,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: in a view `select[0].column[2].path`, behind the file's name where views are read
    /// from files; a table or a context column; empty in an expression.
    pub place: String,
    /// What is wrong there, for the author of the text; it may quote the text.
    pub reason: String,
}

impl Error {
    /// An error with one fault.
    pub(crate) fn new(
        kind: ErrorKind,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let (place, reason) = (place.into(), reason.into());
        Self::of(kind, vec![Fault { place, reason }])
    }

    /// An error with several faults, at least one.
    pub(crate) fn of(kind: ErrorKind, faults: Vec<Fault>) -> Self {
        Self { kind, faults }
    }

    /// What is refused.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// All that is wrong, at least one thing, in the order of the text.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The same, taking ownership.
    #[must_use]
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.faults.iter().enumerate() {
            let separator = if position > 0 { "; " } else { "" };
            write!(f, "{separator}{fault}")?;
        }
        match self.kind {
            ErrorKind::Expression { character } => write!(f, ", at character {character}"),
            ErrorKind::View | ErrorKind::Plan => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.reason),
            place => write!(f, "{place}: {}", self.reason),
        }
    }
}
