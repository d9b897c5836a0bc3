//! Expressions to programs, and which expressions have one.
//!
//! The compiler takes only what it can evaluate exactly as the reference evaluator does. It leaves out
//! what depends on FHIR types that a name does not decide (comparisons of elements that may be dates),
//! what computes (arithmetic, text functions), and what is rare. An expression without a program is no
//! error: the reference evaluator makes the rows of its view.

use super::keys::{KeyCode, Keys, same_element};
use super::lookup::Shared;
use super::program::{Choice, Condition, Path, Program, Start, Step};
use crate::fhirpath::{
    BinaryOperator, Decimal, Expr, ExprKind, Function, Literal, TypeKind, choice_key,
    declared_type_of_element, narrower_types, type_kind,
};

/// What an expression is compiled in.
///
/// Whether a text is a date decides how it is compared (FHIRPath compares dates by their common
/// precision), and there is no model of FHIR's types here. So the compiler knows by name which
/// elements can be dates, and leaves comparisons of these to the reference evaluator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The resource type.
    pub(super) resource: &'s str,
    /// Whether `$this` is the resource.
    pub(super) at_resource: bool,
    /// Whether `$this` may be a date or time by its name.
    pub(super) this_is_temporal: bool,
    /// The same for `%context`.
    pub(super) context_is_temporal: bool,
}

impl<'s> Scope<'s> {
    /// The scope of expressions on the resource itself.
    pub(super) fn of_resource(resource: &'s str) -> Self {
        Self {
            resource,
            at_resource: true,
            this_is_temporal: false,
            context_is_temporal: false,
        }
    }
}

/// Compiles expressions; keys are numbered as they come.
#[derive(Debug)]
pub(super) struct Compiler<'k> {
    /// The numbers of keys, which the shape shares.
    pub(super) keys: &'k mut Keys,
    /// What the programs of all views share.
    pub(super) shared: Shared,
    /// How many derived expressions there are.
    pub(super) derived: usize,
}

impl Compiler<'_> {
    /// The program of an expression; `None` if only the reference evaluator can evaluate it.
    ///
    /// The order matters: a path is the cheapest, a condition yields a Boolean, and only the rest
    /// becomes a derived expression, whose inputs are found by paths and whose result is computed
    /// by the reference evaluator and remembered.
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
                Program::FirstOfUnion(self.shared.repeated_union(paths))
            }
            _ => match self.path(expr, scope) {
                Some(path) => Program::Path(path),
                None => match self.condition(expr, scope) {
                    Some(condition) => Program::Truth(condition),
                    None => Program::Derived(Box::new(self.derived(expr, scope)?)),
                },
            },
        })
    }

    /// The path of an expression that is nothing but steps.
    pub(super) fn path(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Path> {
        match &expr.kind {
            ExprKind::This => Some(Path {
                temporal: scope.this_is_temporal,
                ..Path::from(Start::This)
            }),
            ExprKind::Context => Some(Path {
                temporal: scope.context_is_temporal,
                ..Path::from(Start::Context)
            }),
            ExprKind::Resource => Some(Path::from(Start::Resource)),
            ExprKind::RootType(name) => {
                let is_type =
                    name == scope.resource || name == "Resource" || name == "DomainResource";
                (scope.at_resource && is_type).then(|| Path::from(Start::This))
            }
            ExprKind::Member { base, name } => {
                let mut path = self.path(base, scope)?;
                let element = self.keys.element(name);
                path.tail.push(match self.keys.choice_by_name(name) {
                    None => Step::Member(element),
                    Some(key) => Step::MemberOrChoice { key, element },
                });
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
                let choices = Box::new(self.choice(name, type_name)?);
                path.tail.push(Step::Choice(choices));
                path.temporal = is_temporal(type_name);
                Some(path)
            }
            ExprKind::Index { base, index } => {
                let ExprKind::Literal(Literal::Integer(position)) = index.kind else {
                    return None;
                };
                let position = usize::try_from(position).ok()?;
                let path = self.path(base, scope)?;
                Some(self.shared.item(path, position))
            }
            ExprKind::Call {
                base,
                function,
                arguments,
            } => self.call(base, *function, arguments, scope),
            _ => None,
        }
    }

    /// Functions that are steps of a path.
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
                let path = self.path(base, scope)?;
                let within = Scope {
                    at_resource: false,
                    this_is_temporal: path.temporal,
                    ..scope
                };
                let mut condition = self.condition(criterion, within)?;
                let is_start = path.tail.is_empty() && path.indexed.is_empty();
                if is_start
                    && (path.start == Start::Resource
                        || path.start == Start::This && scope.at_resource)
                {
                    condition = self.shared.remembered(condition.at_resource());
                }
                Some(self.shared.filtered(path, condition))
            }
            (Function::Extension, [url]) => {
                let ExprKind::Literal(Literal::String(url)) = &url.kind else {
                    return None;
                };
                let mut path = self.path(base, scope)?;
                path.tail.push(Step::Member(self.keys.element("extension")));
                let key = Path::of_members([self.keys.element("url")]);
                path.temporal = false;
                let condition = Condition::EqualsText(key, url.as_bytes().into());
                Some(self.shared.pivoted(path, condition))
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
    ///
    /// `ofType(Quantity)` also finds `valueAge`, since Age is a Quantity; the exact type comes
    /// first.
    fn choice(&mut self, name: &str, type_name: &str) -> Option<Choice> {
        let mut codes = |types: &[&str]| -> Vec<KeyCode> {
            let keys = types.iter().map(|type_name| choice_key(name, type_name));
            keys.map(|key| self.keys.code(&key)).collect()
        };
        let mut groups = vec![codes(&[type_name])];
        let narrower = narrower_types(type_name);
        if !narrower.is_empty() {
            groups.push(codes(&narrower));
        }
        let element = *groups.first()?.first()?;
        let mut all = groups.iter().flatten();
        all.all(|code| same_element(*code, element))
            .then_some(Choice { element, groups })
    }

    /// An expression that decides something: by FHIRPath's singleton evaluation, one item that is no boolean
    /// is true.
    ///
    /// The same rule as in the reference evaluator's `criterion`; both follow FHIRPath, section
    /// "Singleton Evaluation of Collections".
    pub(super) fn condition(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Condition> {
        let mut condition = self.plain_condition(expr, scope)?;
        if scope.at_resource {
            condition = condition.at_resource();
        }
        Some(self.shared.remembered(condition))
    }

    fn plain_condition(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<Condition> {
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
            ExprKind::Matches {
                base,
                pattern,
                substitution: None,
            } => Some(Condition::Matches(self.path(base, scope)?, pattern.clone())),
            ExprKind::Binary {
                operator,
                left,
                right,
            } => match operator {
                BinaryOperator::Equal => self.equality(left, right, scope),
                BinaryOperator::NotEqual => {
                    Some(Condition::Not(Box::new(self.equality(left, right, scope)?)))
                }
                BinaryOperator::In => self.membership(left, right, scope),
                BinaryOperator::Contains => self.membership(right, left, scope),
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

    /// `left = right`, where neither side may be a date.
    fn equality(&mut self, left: &Expr, right: &Expr, scope: Scope<'_>) -> Option<Condition> {
        match (&left.kind, &right.kind) {
            (ExprKind::Literal(left), ExprKind::Literal(right)) => {
                constant_equality(left, right).map(|truth| Condition::Constant(Some(truth)))
            }
            (ExprKind::Literal(literal), _) => self.equals_literal(right, literal, scope),
            (_, ExprKind::Literal(literal)) => self.equals_literal(left, literal, scope),
            (
                _,
                ExprKind::Call {
                    base,
                    function: Function::Substring,
                    arguments,
                },
            ) => {
                let [start] = arguments.as_slice() else {
                    return None;
                };
                let ExprKind::Literal(Literal::Integer(start)) = start.kind else {
                    return None;
                };
                let left = self.path(left, scope)?;
                let right = self.path(base, scope)?;
                let start = usize::try_from(start).ok()?;
                (!left.temporal && !right.temporal)
                    .then_some(Condition::EqualsTail(left, right, start))
            }
            _ => {
                let left = self.path(left, scope)?;
                let right = self.path(right, scope)?;
                (!left.temporal && !right.temporal).then_some(Condition::EqualsPath(left, right))
            }
        }
    }

    /// `item in among`, where neither side may be a date.
    fn membership(&mut self, item: &Expr, among: &Expr, scope: Scope<'_>) -> Option<Condition> {
        let item = self.path(item, scope)?;
        let among = self.path(among, scope)?;
        (!item.temporal && !among.temporal).then_some(Condition::In(item, among))
    }

    /// `expr = literal`; dates and times are left to the reference evaluator.
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

/// Whether `getResourceKey()` is called on the resource itself.
fn is_this_resource(base: &Expr, scope: Scope<'_>) -> bool {
    match &base.kind {
        ExprKind::This => scope.at_resource,
        ExprKind::Resource => true,
        _ => false,
    }
}

/// Whether values of a FHIR type are dates or times.
fn is_temporal(type_name: &str) -> bool {
    matches!(
        type_kind(type_name),
        Some(TypeKind::Date | TypeKind::DateTime | TypeKind::Time)
    )
}

/// Whether two literals of one type are equal.
fn constant_equality(left: &Literal, right: &Literal) -> Option<bool> {
    match (left, right) {
        (Literal::Integer(left), Literal::Integer(right)) => Some(left == right),
        (Literal::String(left), Literal::String(right)) => Some(left == right),
        (Literal::Boolean(left), Literal::Boolean(right)) => Some(left == right),
        _ => None,
    }
}
