//! What concerns several parts of a view at once: column names, the branches of a union, the type of
//! a filter, arguments that no input can make right.
//!
//! SQL-on-FHIR, StructureDefinition-ViewDefinition: the branches of a `unionAll` have the same columns, a
//! `where` is boolean, the names of columns are unique across the view. A view that could only fail on
//! every resource is refused here, before a resource is read.

use std::collections::BTreeSet;

use super::view::{Column, Iteration, Select, ViewDefinition};
use crate::error::Fault;
use crate::fhirpath::{BinaryOperator, Expr, ExprKind, Function, Literal};

/// All that is wrong with a view whose parts are right by themselves.
pub(super) fn check(view: &ViewDefinition) -> Vec<Fault> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for select in &view.selects {
        check_select(select, &mut names, &mut errors);
    }
    if names.is_empty() {
        errors.push(Fault {
            place: "select".into(),
            reason: "the view has no column".into(),
        });
    }
    for filter in &view.filters {
        if static_kind(&filter.expression) == Some(Kind::Other) {
            errors.push(Fault {
                place: filter.place.clone(),
                reason: "a filter must be true or false".into(),
            });
        }
        refuse_bad_arguments(&filter.expression, &filter.place, &mut errors);
    }
    errors
}

/// Adds the names of a select's columns to those of the view, and what is wrong within it.
fn check_select(select: &Select, names: &mut BTreeSet<String>, errors: &mut Vec<Fault>) {
    for path in match &select.iteration {
        Iteration::Once => &[][..],
        Iteration::ForEach(path) | Iteration::ForEachOrNull(path) => std::slice::from_ref(path),
        Iteration::Repeat(paths) => paths,
    } {
        refuse_bad_arguments(&path.expression, &path.place, errors);
    }
    for column in &select.columns {
        refuse_bad_arguments(&column.path.expression, &column.path.place, errors);
        if !names.insert(column.name.clone()) {
            let place = column.path.place.trim_end_matches("path");
            errors.push(Fault {
                place: format!("{place}name"),
                reason: format!("there is already a column '{}'", column.name),
            });
        }
    }
    for nested in &select.selects {
        check_select(nested, names, errors);
    }
    check_union(select, names, errors);
}

/// The branches must have the same columns, each of them new to the view.
///
/// The rows of all branches go into the same columns, so names, order and types must agree.
fn check_union(select: &Select, names: &mut BTreeSet<String>, errors: &mut Vec<Fault>) {
    let Some((first, others)) = select.union_all.split_first() else {
        return;
    };
    let names_before = names.clone();
    check_select(first, names, errors);
    let expected = first.all_columns();
    for branch in others {
        check_select(branch, &mut names_before.clone(), errors);
        if let Some(reason) = difference(&expected, &branch.all_columns()) {
            errors.push(Fault {
                place: branch.place.clone(),
                reason: format!("{reason}; the branches of a unionAll must have the same columns"),
            });
        }
    }
}

/// How the columns of a branch differ from those of the first one.
fn difference(expected: &[&Column], found: &[&Column]) -> Option<String> {
    if expected.len() != found.len() {
        return Some(format!(
            "{} columns, the first branch has {}",
            found.len(),
            expected.len()
        ));
    }
    expected.iter().zip(found).find_map(|(expected, found)| {
        if expected.name != found.name {
            return Some(format!(
                "column '{}' is where the first branch has '{}'",
                found.name, expected.name
            ));
        }
        let types_differ = match (&expected.fhir_type, &found.fhir_type) {
            (Some(expected), Some(found)) => expected != found,
            _ => false,
        };
        (types_differ || expected.column_type != found.column_type).then(|| {
            format!(
                "column '{}' has another type than in the first branch",
                found.name
            )
        })
    })
}

/// What an expression yields, as far as its form decides it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// True, false or nothing.
    Boolean,
    /// Anything else, which can only fail as a filter.
    Other,
}

/// What an expression yields, if its form decides it; `None` if it depends on the input.
///
/// Only certain answers are given, so that a valid view is never refused.
fn static_kind(expression: &Expr) -> Option<Kind> {
    match &expression.kind {
        ExprKind::Literal(Literal::Boolean(_)) | ExprKind::IsType { .. } => Some(Kind::Boolean),
        ExprKind::Literal(_)
        | ExprKind::RowIndex
        | ExprKind::Resource
        | ExprKind::RootType(_)
        | ExprKind::ReferenceKey { .. }
        | ExprKind::Negate(_) => Some(Kind::Other),
        ExprKind::Matches { substitution, .. } => Some(match substitution {
            None => Kind::Boolean,
            Some(_) => Kind::Other,
        }),
        ExprKind::OfType { type_name, .. } => Some(match type_name.as_str() {
            "boolean" | "Boolean" => Kind::Boolean,
            _ => Kind::Other,
        }),
        ExprKind::Binary { operator, .. } => match operator {
            BinaryOperator::Union => None,
            operator if operator.gives_truth() => Some(Kind::Boolean),
            _ => Some(Kind::Other),
        },
        ExprKind::Call { function, base, .. } => match function {
            Function::Exists
            | Function::All
            | Function::Empty
            | Function::Not
            | Function::HasValue
            | Function::StartsWith
            | Function::EndsWith
            | Function::ContainsText => Some(Kind::Boolean),
            Function::Count
            | Function::Join
            | Function::LowBoundary
            | Function::HighBoundary
            | Function::ResourceKey
            | Function::Extension
            | Function::Length
            | Function::Upper
            | Function::Lower
            | Function::Trim
            | Function::Substring
            | Function::Replace
            | Function::ToText
            | Function::ToInteger
            | Function::ToDecimal
            | Function::Abs => Some(Kind::Other),
            Function::Where
            | Function::First
            | Function::Last
            | Function::Tail
            | Function::Skip
            | Function::Take
            | Function::Single
            | Function::Distinct => static_kind(base),
            Function::Select | Function::Iif => None,
        },
        ExprKind::Empty
        | ExprKind::This
        | ExprKind::Context
        | ExprKind::Member { .. }
        | ExprKind::Index { .. } => None,
    }
}

/// Arguments whose form shows that no input can make them right.
fn refuse_bad_arguments(expression: &Expr, place: &str, errors: &mut Vec<Fault>) {
    let mut refuse = |reason: &str| {
        errors.push(Fault {
            place: place.to_owned(),
            reason: format!("{reason}, at character {}", expression.span.start + 1),
        });
    };
    match &expression.kind {
        ExprKind::Index { index, .. }
            if is_literal_other_than(index, |it| matches!(it, Literal::Integer(_))) =>
        {
            refuse("an index must be an integer");
        }
        ExprKind::Call {
            function,
            arguments,
            ..
        } => {
            let text = |it: &Literal| matches!(it, Literal::String(_));
            let integer = |it: &Literal| matches!(it, Literal::Integer(_));
            for argument in arguments {
                match function {
                    Function::Where | Function::Exists | Function::All
                        if static_kind(argument) == Some(Kind::Other) =>
                    {
                        refuse("a criterion must be true or false");
                    }
                    Function::Extension
                    | Function::Join
                    | Function::StartsWith
                    | Function::EndsWith
                    | Function::ContainsText
                    | Function::Replace
                        if is_literal_other_than(argument, text) =>
                    {
                        refuse(&format!("'{}' takes a string", function.name()));
                    }
                    Function::Skip
                    | Function::Take
                    | Function::Substring
                    | Function::LowBoundary
                    | Function::HighBoundary
                        if is_literal_other_than(argument, integer) =>
                    {
                        refuse(&format!("'{}' takes an integer", function.name()));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    for child in expression.children() {
        refuse_bad_arguments(child, place, errors);
    }
}

/// Whether it is a literal of another type than required.
fn is_literal_other_than(expression: &Expr, right: impl Fn(&Literal) -> bool) -> bool {
    matches!(&expression.kind, ExprKind::Literal(literal) if !right(literal))
}
