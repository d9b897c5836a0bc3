//! Expressions to collections.

use std::cell::Cell;

use super::EvaluationError;
use super::item::{Item, Scalar};
use super::{functions, navigate, operators};
use crate::fhirpath::{Expr, ExprKind};
use crate::resolved_reference::ResolvedReference;
use serde_json::Value;

/// A collection, or why there is none.
pub(super) type Found<'a> = Result<Vec<Item<'a>>, EvaluationError>;

/// How many steps one view may take over one resource: far more than any real one does.
const STEPS: usize = 100_000_000;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(STEPS))
    }
}

impl Budget {
    #[cfg(test)]
    pub(super) fn of(steps: usize) -> Self {
        Self(Cell::new(steps))
    }

    /// Takes steps off.
    ///
    /// # Errors
    ///
    /// There are not so many left.
    pub(super) fn spend(&self, steps: usize) -> Result<(), EvaluationError> {
        let left = self.0.get().checked_sub(steps);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(EvaluationError::too_much_work)
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

    pub(super) fn evaluate(&self, expression: &Expr) -> Found<'a> {
        let found = self.collection(expression)?;
        self.budget.spend(1 + found.len())?;
        Ok(found)
    }

    fn collection(&self, expression: &Expr) -> Found<'a> {
        Ok(match &expression.kind {
            ExprKind::This => self.this.into_iter().cloned().collect(),
            ExprKind::Resource => vec![self.root.clone()],
            ExprKind::Context => vec![self.focus.clone()],
            ExprKind::RowIndex => vec![Item::integer(self.row_index)],
            ExprKind::RootType(type_name) => {
                let this = self.this.into_iter();
                this.filter(|item| is_resource_of_type(item, type_name))
                    .cloned()
                    .collect()
            }
            ExprKind::Empty => Vec::new(),
            ExprKind::Literal(literal) => vec![Item::Value(literal.clone())],
            ExprKind::Member { base, name } => {
                let mut found = Vec::new();
                for item in self.evaluate(base)? {
                    navigate::member(&item, name, &mut found);
                }
                found
            }
            ExprKind::Index { base, index } => {
                let items = self.evaluate(base)?;
                let position = self.integer(index)?;
                position
                    .and_then(|position| usize::try_from(position).ok())
                    .and_then(|position| items.into_iter().nth(position))
                    .into_iter()
                    .collect()
            }
            ExprKind::OfType {
                base,
                type_name,
                of_one,
            } => self.of_type(base, type_name, *of_one)?,
            ExprKind::IsType { base, type_name } => match self.evaluate(base)?.as_slice() {
                [] => vec![Item::boolean(false)],
                [item] => vec![Item::boolean(navigate::is_of_type(item, type_name))],
                several => return Err(EvaluationError::several(several.len())),
            },
            ExprKind::ReferenceKey { base, type_name } => {
                let items = self.evaluate(base)?;
                functions::reference_keys(&items, type_name.as_deref(), self.resolved)
            }
            ExprKind::Call {
                base,
                function,
                arguments,
            } => functions::call(self, base, *function, arguments)?,
            ExprKind::Negate(operand) => operators::negate(&self.evaluate(operand)?)?,
            ExprKind::Binary {
                operator,
                left,
                right,
            } => operators::binary(self, *operator, left, right)?,
        })
    }

    fn of_type(&self, base: &Expr, type_name: &str, of_one: bool) -> Found<'a> {
        let mut found = Vec::new();
        if of_one {
            let count = self.evaluate(base)?.len();
            if count > 1 {
                return Err(EvaluationError::several(count));
            }
        }
        if let ExprKind::Member { base, name } = &base.kind {
            for item in self.evaluate(base)? {
                navigate::choice(&item, name, type_name, &mut found);
            }
        } else {
            found = self.evaluate(base)?;
            found.retain(|item| navigate::is_of_type(item, type_name));
        }
        Ok(found)
    }

    /// An argument that is one integer, or nothing.
    pub(super) fn integer(&self, expression: &Expr) -> Result<Option<i64>, EvaluationError> {
        let items = self.evaluate(expression)?;
        match one(&items)? {
            None => Ok(None),
            Some(Scalar::Number(number)) => number
                .to_integer()
                .map(Some)
                .ok_or_else(|| EvaluationError::wrong_type("an integer", "number")),
            Some(_) => Err(EvaluationError::wrong_type("an integer", type_of(&items))),
        }
    }

    /// An argument that is one text, or nothing.
    pub(super) fn text(&self, expression: &Expr) -> Result<Option<String>, EvaluationError> {
        text_of(&self.evaluate(expression)?)
    }

    /// A criterion: true, false or unknown.
    pub(super) fn criterion(&self, expression: &Expr) -> Result<Option<bool>, EvaluationError> {
        boolean_of(&self.evaluate(expression)?)
    }
}

fn is_resource_of_type(item: &Item<'_>, type_name: &str) -> bool {
    let Item::Node(node) = item else {
        return false;
    };
    let resource_type = node.value.and_then(|value| value.get("resourceType"));
    match resource_type.and_then(Value::as_str) {
        Some(found) => found == type_name || matches!(type_name, "Resource" | "DomainResource"),
        None => false,
    }
}

/// The one primitive of a collection; nothing for none.
pub(super) fn one(items: &[Item<'_>]) -> Result<Option<Scalar>, EvaluationError> {
    match items {
        [] => Ok(None),
        [item] => item
            .scalar()
            .map_err(|found| EvaluationError::wrong_type("a primitive value", found)),
        several => Err(EvaluationError::several(several.len())),
    }
}

pub(super) fn text_of(items: &[Item<'_>]) -> Result<Option<String>, EvaluationError> {
    match one(items)? {
        None => Ok(None),
        Some(Scalar::Text { text, .. }) => Ok(Some(text)),
        Some(Scalar::Temporal(_)) => match items {
            [item] => Ok(item
                .to_json()
                .and_then(|value| value.as_str().map(str::to_owned))),
            _ => Ok(None),
        },
        Some(_) => Err(EvaluationError::wrong_type("a string", type_of(items))),
    }
}

/// The truth of a collection: unknown for none, and true for one item that is no boolean.
pub(super) fn boolean_of(items: &[Item<'_>]) -> Result<Option<bool>, EvaluationError> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(match item.scalar() {
            Ok(Some(Scalar::Boolean(value))) => value,
            _ => true,
        })),
        several => Err(EvaluationError::several(several.len())),
    }
}

pub(super) fn type_of(items: &[Item<'_>]) -> &'static str {
    match items {
        [] => "nothing",
        [item] => item.type_name(),
        _ => "several values",
    }
}
