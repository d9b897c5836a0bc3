//! Expressions as compiled programs, and which expressions can be compiled.
//!
//! What is not here is left to the reference evaluator, view by view; what is here must agree with it.

use super::keys::{KeyCode, Keys};
use crate::fhirpath::{
    BinaryOperator, Decimal, Expr, ExprKind, Function, Literal, TypeKind, choice_key,
    declared_type_of_element, narrower_types, type_kind,
};

/// What a column, a filter or an iteration evaluates.
#[derive(Debug, Clone)]
pub(super) enum Program {
    Path(Path),
    /// The first item of the first path that finds one: `(a | b).first()`.
    FirstOfUnion(Vec<Path>),
    Truth(Condition),
    Literal(Literal),
    RowIndex,
    ReferenceKey(Path, Option<String>),
    Nothing,
}

/// Steps from an element. Each indexed part ends in taking one item by its position; the tail finds any number.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) from_resource: bool,
    pub(super) indexed: Vec<(Vec<Step>, usize)>,
    pub(super) tail: Vec<Step>,
    /// Whether what it finds may be a date or time by its name, not by its text.
    pub(super) temporal: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An element, or its choices where it is not there.
    Member(KeyCode),
    /// The first of these groups of choices that is there.
    Choice(Vec<Vec<KeyCode>>),
    Filter(Condition),
}

/// Something true, false or unknown.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Constant(Option<bool>),
    /// The truth of what a path finds.
    Path(Path),
    EqualsText(Path, Box<[u8]>),
    EqualsBoolean(Path, bool),
    EqualsNumber(Path, Decimal),
    EqualsPath(Path, Path),
    Exists(Path),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// The surroundings of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The resource type.
    pub(super) resource: &'s str,
    /// Whether `$this` is the resource.
    pub(super) at_resource: bool,
    /// Whether `$this` may be a date or time by its name.
    pub(super) this_is_temporal: bool,
}

/// Compiles expressions; keys are numbered as they come.
#[derive(Debug)]
pub(super) struct Compiler<'k> {
    pub(super) keys: &'k mut Keys,
}

impl Compiler<'_> {
    /// The program of an expression; nothing where only the reference evaluator has one.
    pub(super) fn program(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Program> {
        Some(match &expr.kind {
            ExprKind::Literal(literal) => Program::Literal(literal.clone()),
            ExprKind::RowIndex => Program::RowIndex,
            ExprKind::Empty => Program::Nothing,
            ExprKind::ReferenceKey { base, type_name } => {
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Member(self.keys.element("reference")));
                Program::ReferenceKey(path, type_name.clone())
            }
            ExprKind::Call {
                base,
                function: Function::First,
                ..
            } if base.is_union() => {
                let mut paths = Vec::new();
                self.union(base, scope, &mut paths)?;
                Program::FirstOfUnion(paths)
            }
            _ => match self.path(expr, scope) {
                Some(path) => Program::Path(path),
                None => Program::Truth(self.condition(expr, scope)?),
            },
        })
    }

    /// The path of an expression that is nothing but steps.
    pub(super) fn path(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Path> {
        match &expr.kind {
            ExprKind::This => Some(Path {
                from_resource: false,
                indexed: Vec::new(),
                tail: Vec::new(),
                temporal: scope.this_is_temporal,
            }),
            ExprKind::Resource => Some(Path {
                from_resource: true,
                indexed: Vec::new(),
                tail: Vec::new(),
                temporal: false,
            }),
            ExprKind::RootType(name) => {
                let is_type =
                    name == scope.resource || name == "Resource" || name == "DomainResource";
                (scope.at_resource && is_type).then_some(Path {
                    from_resource: false,
                    indexed: Vec::new(),
                    tail: Vec::new(),
                    temporal: false,
                })
            }
            ExprKind::Member { base, name } => {
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Member(self.keys.element(name)));
                // A choice knows its type, so only plain names are without one.
                path.temporal = declared_type_of_element(name).is_some();
                Some(path)
            }
            // Several items of `as` are an error, which the reference evaluator finds.
            ExprKind::OfType {
                base,
                type_name,
                of_one: false,
            } => {
                let ExprKind::Member { base, name } = &base.kind else {
                    return None;
                };
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Choice(self.choices(name, type_name)));
                path.temporal = is_temporal(type_name);
                Some(path)
            }
            ExprKind::Index { base, index } => {
                let ExprKind::Literal(Literal::Integer(position)) = index.kind else {
                    return None;
                };
                let position = usize::try_from(position).ok()?;
                Some(self.path(base, scope)?.at(position))
            }
            ExprKind::Call {
                base,
                function,
                arguments,
            } => self.call(base, *function, arguments, scope),
            _ => None,
        }
    }

    fn call(
        &mut self,
        base: &Expr,
        function: Function,
        arguments: &[Expr],
        scope: Scope<'_>,
    ) -> Option<Path> {
        match (function, arguments) {
            (Function::First, []) => Some(self.path(base, scope)?.at(0)),
            (Function::Where, [criterion]) => {
                let mut path = self.path(base, scope)?;
                let within = Scope {
                    at_resource: false,
                    this_is_temporal: path.temporal,
                    ..scope
                };
                path.tail
                    .push(Step::Filter(self.condition(criterion, within)?));
                Some(path)
            }
            (Function::Extension, [url]) => {
                let ExprKind::Literal(Literal::String(url)) = &url.kind else {
                    return None;
                };
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Member(self.keys.element("extension")));
                path.tail.push(Step::Filter(Condition::EqualsText(
                    Path {
                        from_resource: false,
                        indexed: Vec::new(),
                        tail: vec![Step::Member(self.keys.element("url"))],
                        temporal: false,
                    },
                    url.as_bytes().into(),
                )));
                path.temporal = false;
                Some(path)
            }
            (Function::ResourceKey, []) if is_this_resource(base, scope) => {
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Member(self.keys.element("id")));
                Some(path)
            }
            _ => None,
        }
    }

    /// The choices that are of a type: the one named for it first, then those of narrower types.
    fn choices(&mut self, name: &str, type_name: &str) -> Vec<Vec<KeyCode>> {
        let mut codes = |types: Vec<&str>| -> Vec<KeyCode> {
            types
                .iter()
                .map(|type_name| self.keys.code(&choice_key(name, type_name)))
                .collect()
        };
        let mut groups = vec![codes(vec![type_name])];
        let narrower = narrower_types(type_name);
        if !narrower.is_empty() {
            groups.push(codes(narrower));
        }
        groups
    }

    pub(super) fn condition(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Condition> {
        if let Some(path) = self.path(expr, scope) {
            return Some(Condition::Path(path));
        }
        match &expr.kind {
            ExprKind::Literal(Literal::Boolean(value)) => Some(Condition::Constant(Some(*value))),
            ExprKind::Empty => Some(Condition::Constant(None)),
            ExprKind::Call {
                base,
                function,
                arguments,
            } => match (function, arguments.as_slice()) {
                (Function::Exists, []) => Some(Condition::Exists(self.path(base, scope)?)),
                (Function::Exists, [_]) => Some(Condition::Exists(self.call(
                    base,
                    Function::Where,
                    arguments,
                    scope,
                )?)),
                (Function::Empty, []) => Some(Condition::Not(Box::new(Condition::Exists(
                    self.path(base, scope)?,
                )))),
                (Function::Not, []) => Some(Condition::Not(Box::new(self.condition(base, scope)?))),
                _ => None,
            },
            ExprKind::Binary {
                operator,
                left,
                right,
            } => match operator {
                BinaryOperator::Equal => self.equality(left, right, scope),
                BinaryOperator::NotEqual => {
                    Some(Condition::Not(Box::new(self.equality(left, right, scope)?)))
                }
                BinaryOperator::And => Some(Condition::And(
                    Box::new(self.condition(left, scope)?),
                    Box::new(self.condition(right, scope)?),
                )),
                BinaryOperator::Or => Some(Condition::Or(
                    Box::new(self.condition(left, scope)?),
                    Box::new(self.condition(right, scope)?),
                )),
                _ => None,
            },
            _ => None,
        }
    }

    fn equality(&mut self, left: &Expr, right: &Expr, scope: Scope<'_>) -> Option<Condition> {
        match (&left.kind, &right.kind) {
            (ExprKind::Literal(left), ExprKind::Literal(right)) => {
                constant_equality(left, right).map(|truth| Condition::Constant(Some(truth)))
            }
            (ExprKind::Literal(literal), _) => self.equals_literal(right, literal, scope),
            (_, ExprKind::Literal(literal)) => self.equals_literal(left, literal, scope),
            _ => {
                let left = self.path(left, scope)?;
                let right = self.path(right, scope)?;
                (!left.temporal && !right.temporal).then_some(Condition::EqualsPath(left, right))
            }
        }
    }

    fn equals_literal(
        &mut self,
        expr: &Expr,
        literal: &Literal,
        scope: Scope<'_>,
    ) -> Option<Condition> {
        let path = self.path(expr, scope)?;
        if path.temporal {
            return None;
        }
        Some(match literal {
            Literal::String(text) => Condition::EqualsText(path, text.as_bytes().into()),
            Literal::Boolean(value) => Condition::EqualsBoolean(path, *value),
            Literal::Integer(value) => Condition::EqualsNumber(path, Decimal::from_integer(*value)),
            Literal::Decimal(value) => Condition::EqualsNumber(path, *value),
            _ => return None,
        })
    }
}

impl Path {
    /// The item at a position of what the path finds.
    pub(super) fn at(mut self, position: usize) -> Self {
        self.indexed
            .push((std::mem::take(&mut self.tail), position));
        self
    }
}

fn is_this_resource(base: &Expr, scope: Scope<'_>) -> bool {
    match &base.kind {
        ExprKind::This => scope.at_resource,
        ExprKind::Resource => true,
        _ => false,
    }
}

fn is_temporal(type_name: &str) -> bool {
    matches!(
        type_kind(type_name),
        Some(TypeKind::Date | TypeKind::DateTime | TypeKind::Time)
    )
}

fn constant_equality(left: &Literal, right: &Literal) -> Option<bool> {
    match (left, right) {
        (Literal::Integer(left), Literal::Integer(right)) => Some(left == right),
        (Literal::String(left), Literal::String(right)) => Some(left == right),
        (Literal::Boolean(left), Literal::Boolean(right)) => Some(left == right),
        _ => None,
    }
}
