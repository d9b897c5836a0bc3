//! `(a | b | c).first()`: the first item of the first operand that has one.

use super::program::{Compiler, Condition, Path, Scope, Step};
use crate::fhirpath::{BinaryOperator, Expr, ExprKind};

impl Compiler<'_> {
    /// The first item of each operand of a union. A later operand is not evaluated where an earlier
    /// one finds something, so none may be able to fail.
    pub(super) fn union(
        &mut self,
        expr: &Expr,
        scope: Scope<'_>,
        paths: &mut Vec<Path>,
    ) -> Option<()> {
        if let ExprKind::Binary {
            operator: BinaryOperator::Union,
            left,
            right,
        } = &expr.kind
        {
            self.union(left, scope, paths)?;
            return self.union(right, scope, paths);
        }
        let path = self.path(expr, scope)?.at(0);
        path.is_infallible().then(|| paths.push(path))
    }
}

impl Path {
    fn is_infallible(&self) -> bool {
        let indexed = self.indexed.iter().flat_map(|(steps, _)| steps);
        indexed.chain(&self.tail).all(|step| match step {
            Step::Member(_) | Step::Choice(_) => true,
            Step::Filter(condition) => condition.is_infallible(),
        })
    }
}

impl Condition {
    /// Whether it is true, false or unknown whatever it meets: the truth of a path is an error
    /// where the path finds several values.
    fn is_infallible(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Constant(_) => true,
            Self::EqualsText(path, _)
            | Self::EqualsBoolean(path, _)
            | Self::EqualsNumber(path, _)
            | Self::Exists(path) => path.is_infallible(),
            Self::EqualsPath(left, right) => left.is_infallible() && right.is_infallible(),
            Self::Not(inner) => inner.is_infallible(),
            Self::And(left, right) | Self::Or(left, right) => {
                left.is_infallible() && right.is_infallible()
            }
        }
    }
}
