//! What an expression is evaluated in, and collections as single values.

use std::cell::Cell;

use super::item::{Item, Scalar};
use crate::problem::{Mismatch, ProblemKind};
use crate::resolved_reference::ResolvedReference;

/// A collection, or why there is none.
pub(super) type Found<'a> = Result<Vec<Item<'a>>, Mismatch>;

/// How many steps one view may take over one resource: far more than any real one does.
const STEPS: usize = 100_000_000;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Default for Budget {
    /// All steps.
    fn default() -> Self {
        Self(Cell::new(STEPS))
    }
}

impl Budget {
    /// So many steps.
    #[cfg(test)]
    pub(super) fn of(steps: usize) -> Self {
        Self(Cell::new(steps))
    }

    /// Takes steps off.
    ///
    /// # Errors
    ///
    /// There are not so many left.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Mismatch> {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| {
            let expected = "an expression that ends soon";
            Mismatch::new(ProblemKind::TooLarge, expected, "one that does not")
        })
    }
}

/// What an expression is evaluated in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a, 'c> {
    /// The resource.
    pub(super) root: &'c Item<'a>,
    /// The steps that are left.
    pub(super) budget: &'c Budget,
    /// `$this`; none in the arguments of an `iif` that was called on nothing.
    pub(super) this: Option<&'c Item<'a>>,
    /// `%context`
    pub(super) focus: &'c Item<'a>,
    /// `%rowIndex`
    pub(super) row_index: usize,
    /// The FHIR type the column declares: what a text is, where nothing else decides it.
    pub(super) declared_type: Option<&'c str>,
    /// What references of the resource were resolved to.
    pub(super) resolved: &'c [ResolvedReference<'c>],
}

impl<'a, 'c> Context<'a, 'c> {
    /// At the resource, outside of all selects.
    pub(super) fn new(root: &'c Item<'a>, budget: &'c Budget) -> Self {
        Self {
            root,
            budget,
            this: Some(root),
            focus: root,
            row_index: 0,
            declared_type: None,
            resolved: &[],
        }
    }

    /// The same with another `$this`.
    pub(super) fn at<'d>(self, this: &'d Item<'a>) -> Context<'a, 'd>
    where
        'c: 'd,
    {
        self.at_one_or_none(Some(this))
    }

    /// The same with another `$this`, which may be nothing.
    pub(super) fn at_one_or_none<'d>(self, this: Option<&'d Item<'a>>) -> Context<'a, 'd>
    where
        'c: 'd,
    {
        Context { this, ..self }
    }

    /// The same for another element that makes rows.
    pub(super) fn on<'d>(self, focus: &'d Item<'a>) -> Context<'a, 'd>
    where
        'c: 'd,
    {
        Context {
            focus,
            ..self.at(focus)
        }
    }
}

/// The one primitive of a collection; nothing for none.
pub(super) fn one(items: &[Item<'_>]) -> Result<Option<Scalar>, Mismatch> {
    match items {
        [] => Ok(None),
        [item] => item
            .scalar()
            .map_err(|found| Mismatch::wrong_type("a primitive value", found)),
        several => Err(Mismatch::several(several.len())),
    }
}

/// The one text of a collection; of a date or time the text as it is written.
pub(super) fn text_of(items: &[Item<'_>]) -> Result<Option<String>, Mismatch> {
    match one(items)? {
        None => Ok(None),
        Some(Scalar::Text { text, .. }) => Ok(Some(text)),
        Some(Scalar::Temporal(_)) => match items {
            [item] => Ok(item
                .to_json()
                .and_then(|value| value.as_str().map(str::to_owned))),
            _ => Ok(None),
        },
        Some(_) => Err(Mismatch::wrong_type("a string", type_of(items))),
    }
}

/// The truth of a collection: unknown for none, and true for one item that is no boolean.
pub(super) fn boolean_of(items: &[Item<'_>]) -> Result<Option<bool>, Mismatch> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(match item.scalar() {
            Ok(Some(Scalar::Boolean(value))) => value,
            _ => true,
        })),
        several => Err(Mismatch::several(several.len())),
    }
}

/// The type of what was found, for [`Mismatch::found`].
pub(super) fn type_of(items: &[Item<'_>]) -> &'static str {
    match items {
        [] => "nothing",
        [item] => item.type_name(),
        _ => "several values",
    }
}
