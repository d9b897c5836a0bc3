//! Expressions over what paths find, such as `code.first().replace('.', '')` or `iif(a, b + c, d)`.
//!
//! The paths and conditions in them (the *inputs*) have programs; the rest is put to the reference
//! evaluator over a small object of what the inputs found, and its answer is remembered: few distinct
//! codes come in a million lines.

use super::compiler::{Compiler, Scope};
use super::program::{Condition, Failure, Path, Union};
use crate::fhirpath::{Expr, ExprKind, Function, Literal};

/// Expressions with more inputs are left to the reference evaluator.
const MAX_INPUTS: usize = 32;

/// An expression and what it is evaluated on.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub(super) inputs: Vec<Input>,
    /// The expression with each input as a member of the resource, named by [`input_name`].
    pub(super) rest: Expr,
    /// Its place among the remembered answers of a worker.
    pub(super) memory: usize,
}

/// The inputs of a derived expression.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// All that a path finds.
    Path(Path),
    /// The first item of a union.
    FirstOfUnion(Union),
    Truth(Condition),
    RowIndex,
}

/// The name of an input as a member of the small object on which the expression is evaluated.
pub(super) fn input_name(position: usize) -> String {
    format!("input{position}")
}

/// The meaning of `$this` in an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The element that makes the row.
    Row,
    /// The item that a function such as `where` tests.
    Argument,
}

impl Compiler<'_> {
    /// The expression split into inputs and the rest; `None` if only the reference evaluator can
    /// take it as a whole.
    pub(super) fn derived(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Derived> {
        let mut inputs = Vec::new();
        let rest = self.rest(expr, Place::Row, scope, &mut inputs)?;
        let memory = self.derived;
        self.derived += 1;
        (!inputs.is_empty() && inputs.len() <= MAX_INPUTS).then_some(Derived {
            inputs,
            rest,
            memory,
        })
    }

    /// The expression with its inputs taken out.
    fn rest(
        &mut self,
        expr: &Expr,
        place: Place,
        scope: Scope<'_>,
        inputs: &mut Vec<Input>,
    ) -> Option<Expr> {
        if is_fixed(expr, place) {
            return Some(expr.clone());
        }
        if (place == Place::Row || !depends_on_this(expr))
            && let Some(input) = self.input(expr, scope)
        {
            inputs.push(input);
            let name = input_name(inputs.len() - 1);
            return Some(member_of_resource(name, expr));
        }
        let mut inner = |inner: &Expr, place| self.rest(inner, place, scope, inputs).map(Box::new);
        let kind = match &expr.kind {
            ExprKind::Member { base, name } if !matches!(base.kind, ExprKind::This) => {
                ExprKind::Member {
                    base: inner(base, place)?,
                    name: name.clone(),
                }
            }
            ExprKind::Negate(operand) => ExprKind::Negate(inner(operand, place)?),
            ExprKind::Binary {
                operator,
                left,
                right,
            } => ExprKind::Binary {
                operator: *operator,
                left: inner(left, place)?,
                right: inner(right, place)?,
            },
            ExprKind::Matches {
                base,
                pattern,
                substitution,
            } => ExprKind::Matches {
                base: inner(base, place)?,
                pattern: pattern.clone(),
                substitution: match substitution {
                    Some(substitution) => Some(inner(substitution, place)?),
                    None => None,
                },
            },
            ExprKind::Call {
                base,
                function,
                arguments,
            } if is_of_values(*function) => {
                // An `iif` that is called on nothing in particular looks at what is around it.
                let is_free = *function == Function::Iif && matches!(base.kind, ExprKind::This);
                let looks_at_items = function.iterates() || *function == Function::Iif;
                let within = match looks_at_items && !is_free {
                    true => Place::Argument,
                    false => place,
                };
                let base = match is_free {
                    true => base.clone(),
                    false => inner(base, place)?,
                };
                let mut rests = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    rests.push(*inner(argument, within)?);
                }
                ExprKind::Call {
                    base,
                    function: *function,
                    arguments: rests,
                }
            }
            _ => return None,
        };
        Some(Expr {
            kind,
            span: expr.span,
        })
    }

    fn input(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Input> {
        match &expr.kind {
            ExprKind::This | ExprKind::Resource | ExprKind::Context | ExprKind::RootType(_) => None,
            ExprKind::RowIndex => Some(Input::RowIndex),
            ExprKind::Call {
                base,
                function: Function::First,
                ..
            } if base.is_union() => {
                let mut paths = Vec::new();
                self.union(base, scope, &mut paths)?;
                let is_temporal = paths.iter().any(|path| path.temporal);
                (!is_temporal).then(|| Input::FirstOfUnion(self.shared.repeated_union(paths)))
            }
            // Only the name of a date element says that its value is a date, and an input gets
            // another name.
            _ => match self.path(expr, scope) {
                Some(path) => (!path.temporal).then_some(Input::Path(path)),
                None => self
                    .condition(expr, scope)
                    .filter(|condition| condition.failure() == Failure::Never)
                    .map(Input::Truth),
            },
        }
    }
}

/// Whether an expression says the same whatever the resource.
fn is_fixed(expr: &Expr, place: Place) -> bool {
    match &expr.kind {
        ExprKind::Literal(literal) => !matches!(
            literal,
            Literal::Date(_) | Literal::DateTime(_) | Literal::Time(_)
        ),
        ExprKind::Empty => true,
        ExprKind::This => place == Place::Argument,
        _ => false,
    }
}

/// Whether a function's argument depends on its `$this`.
fn depends_on_this(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::This | ExprKind::RootType(_) => true,
        ExprKind::Call { base, function, .. }
            if function.iterates() || *function == Function::Iif =>
        {
            depends_on_this(base)
        }
        _ => expr.children().any(depends_on_this),
    }
}

/// Whether a function takes values for what they are, whatever the elements they come from.
fn is_of_values(function: Function) -> bool {
    !matches!(
        function,
        Function::Extension
            | Function::ResourceKey
            | Function::LowBoundary
            | Function::HighBoundary
            | Function::ToInteger
    )
}

fn member_of_resource(name: String, of: &Expr) -> Expr {
    let resource = Expr {
        kind: ExprKind::Resource,
        span: of.span,
    };
    Expr {
        kind: ExprKind::Member {
            base: Box::new(resource),
            name,
        },
        span: of.span,
    }
}
