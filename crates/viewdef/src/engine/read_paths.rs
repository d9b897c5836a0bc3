//! Which paths an expression steps through and which of them its result comes from, recorded in a
//! shape.
//!
//! Two things are learned before a line is walked: the keys that must be on the tape, because some
//! program steps through them, and the keys whose values end in a column. What comes and ends in no
//! column is reported as an unread path; so a view's author sees what the lake does not have. An
//! expression may record more steps than it takes, never fewer.

use std::collections::BTreeSet;

use super::shape_builder::ShapeBuilder;
use crate::definition::{Iteration, Path, Select, ViewDefinition};
use crate::fhirpath::{Expr, ExprKind, Function, choice_key, narrower_types};

/// Nodes of a shape.
pub(super) type Nodes = BTreeSet<usize>;

/// What an expression is evaluated on.
///
/// Both are sets of nodes of the shape, since one expression can be evaluated on elements in
/// several places (a union, a `repeat`).
#[derive(Clone, Copy)]
struct At<'n> {
    /// The nodes of the shape that `$this` can be.
    this: &'n Nodes,
    /// The nodes of the shape that `%context` can be.
    focus: &'n Nodes,
}

impl<'n> At<'n> {
    /// At the elements that make rows, outside of all arguments.
    fn row(elements: &'n Nodes) -> Self {
        Self {
            this: elements,
            focus: elements,
        }
    }
}

/// Records all a view reads.
pub(super) fn record_view(shape: &mut ShapeBuilder, view: &ViewDefinition) {
    let root = Nodes::from([0]);
    for filter in &view.filters {
        expression(shape, &filter.expression, At::row(&root));
    }
    for select in &view.selects {
        record_select(shape, select, &root);
    }
}

/// Records an expression whose result is the value of a column.
pub(super) fn record_column(shape: &mut ShapeBuilder, expr: &Expr, this: &Nodes) {
    yields(shape, expr, At::row(this));
}

/// Records an expression that decides something and is in no column.
pub(super) fn record_condition(shape: &mut ShapeBuilder, expr: &Expr, this: &Nodes) {
    expression(shape, expr, At::row(this));
}

/// Records a select with all within it.
fn record_select(shape: &mut ShapeBuilder, select: &Select, this: &Nodes) {
    let elements = match &select.iteration {
        Iteration::Once => this.clone(),
        Iteration::ForEach(path) | Iteration::ForEachOrNull(path) => {
            expression(shape, &path.expression, At::row(this))
        }
        Iteration::Repeat(paths) => repeated(shape, paths, this),
    };
    for column in &select.columns {
        yields(shape, &column.path.expression, At::row(&elements));
    }
    for select in select.selects.iter().chain(&select.union_all) {
        record_select(shape, select, &elements);
    }
}

/// The elements of a `repeat` at any depth are one node: it is below itself.
///
/// Each round follows the paths from what was found so far, until nothing new is found; merged
/// nodes make this end.
fn repeated(shape: &mut ShapeBuilder, paths: &[Path], this: &Nodes) -> Nodes {
    let mut found: Option<usize> = None;
    let mut from = this.clone();
    loop {
        let before = found;
        for path in paths {
            for node in expression(shape, &path.expression, At::row(&from)) {
                found = Some(match found {
                    Some(one) => shape.merge(one, node),
                    None => node,
                });
            }
        }
        if found == before {
            return found.into_iter().collect();
        }
        from = found.into_iter().collect();
    }
}

/// Records what a column takes from an expression as read.
///
/// A value ends in a column if the column's result is the value itself. A value that is only
/// compared, counted or used as a criterion does not, so its path remains unread.
fn yields(shape: &mut ShapeBuilder, expr: &Expr, at: At<'_>) {
    match &expr.kind {
        ExprKind::Binary {
            operator,
            left,
            right,
        } if !operator.gives_truth() => {
            yields(shape, left, at);
            yields(shape, right, at);
        }
        ExprKind::Negate(operand) => yields(shape, operand, at),
        ExprKind::Call {
            base,
            function: Function::Iif,
            arguments,
        } => {
            expression(shape, base, at);
            if let Some((criterion, values)) = arguments.split_first() {
                expression(shape, criterion, at);
                for value in values {
                    yields(shape, value, at);
                }
            }
        }
        ExprKind::Call {
            base,
            function: Function::Select,
            arguments,
        } => {
            let items = expression(shape, base, at);
            for projection in arguments {
                yields(shape, projection, At { this: &items, ..at });
            }
        }
        // Only the first operand is in the column whenever it is there. A later one may be left out,
        // so it stays among the unread paths.
        ExprKind::Call {
            base,
            function: Function::First,
            ..
        } if base.is_union() => {
            if let ExprKind::Binary { left, right, .. } = &base.kind {
                let mut first = left;
                while let ExprKind::Binary { left, right, .. } = &first.kind {
                    expression(shape, right, at);
                    first = left;
                }
                expression(shape, right, at);
                yields(shape, first, at);
            }
        }
        _ => {
            for node in expression(shape, expr, at) {
                shape.set_read(node);
            }
        }
    }
}

/// Records what an expression steps through: the nodes of what it finds.
fn expression(shape: &mut ShapeBuilder, expr: &Expr, at: At<'_>) -> Nodes {
    match &expr.kind {
        ExprKind::This | ExprKind::RootType(_) => at.this.clone(),
        ExprKind::Context => at.focus.clone(),
        ExprKind::Resource => Nodes::from([0]),
        ExprKind::RowIndex | ExprKind::Empty | ExprKind::Literal(_) => Nodes::new(),
        ExprKind::Member { base, name } => {
            let base = expression(shape, base, at);
            base.iter()
                .map(|node| shape.step_any_choice(*node, name))
                .collect()
        }
        ExprKind::Index { base, index } => {
            expression(shape, index, at);
            expression(shape, base, at)
        }
        ExprKind::OfType {
            base, type_name, ..
        } => match &base.kind {
            ExprKind::Member { base, name } => {
                let base = expression(shape, base, at);
                let mut found = Nodes::new();
                for node in base {
                    shape.set_needs_fallback(node, name);
                    for wanted in
                        std::iter::once(type_name.as_str()).chain(narrower_types(type_name))
                    {
                        found.insert(shape.step(node, &choice_key(name, wanted)));
                    }
                }
                found
            }
            _ => expression(shape, base, at),
        },
        ExprKind::IsType { base, .. } | ExprKind::Negate(base) => expression(shape, base, at),
        ExprKind::ReferenceKey { base, .. } => expression(shape, base, at)
            .iter()
            .map(|node| shape.step_any_choice(*node, "reference"))
            .collect(),
        ExprKind::Matches {
            base, substitution, ..
        } => {
            let items = expression(shape, base, at);
            match substitution {
                None => Nodes::new(),
                Some(substitution) => {
                    expression(shape, substitution, at);
                    items
                }
            }
        }
        ExprKind::Call {
            base,
            function,
            arguments,
        } => call(shape, base, *function, arguments, at),
        ExprKind::Binary {
            operator,
            left,
            right,
        } => {
            let mut found = expression(shape, left, at);
            found.extend(expression(shape, right, at));
            match operator.gives_truth() {
                true => Nodes::new(),
                false => found,
            }
        }
    }
}

/// Records a call: its base, its arguments, and what it finds of them.
///
/// Functions that iterate (`where`, `select`, …) evaluate their argument on each item of the base;
/// all others on `$this`.
fn call(
    shape: &mut ShapeBuilder,
    base: &Expr,
    function: Function,
    arguments: &[Expr],
    at: At<'_>,
) -> Nodes {
    let items = expression(shape, base, at);
    let scope = if function.iterates() || function == Function::Iif {
        At { this: &items, ..at }
    } else {
        at
    };
    let mut found = Nodes::new();
    for argument in arguments {
        found.extend(expression(shape, argument, scope));
    }
    match function {
        Function::Select | Function::Iif => found,
        Function::Extension => {
            let extensions: Nodes = items
                .iter()
                .map(|node| shape.step_any_choice(*node, "extension"))
                .collect();
            for node in &extensions {
                shape.step_any_choice(*node, "url");
            }
            extensions
        }
        Function::ResourceKey => items
            .iter()
            .map(|node| shape.step_any_choice(*node, "id"))
            .collect(),
        // Whether and how many, not what.
        Function::Exists
        | Function::All
        | Function::Empty
        | Function::Not
        | Function::Count
        | Function::HasValue => Nodes::new(),
        _ => items,
    }
}
