//! `(a | b | c).first()`: the first item of the first operand that has one.

use super::program::{Compiler, Condition, Path, Step, Surroundings};
use crate::fhirpath::{BinaryOperator, Expr, ExprKind};

impl Compiler<'_> {
    /// The first item of each operand of a union. A later operand is not evaluated where an earlier
    /// one finds something, so none may be able to fail.
    pub(super) fn union(
        &mut self,
        expr: &Expr,
        around: Surroundings<'_>,
        paths: &mut Vec<Path>,
    ) -> Option<()> {
        if let ExprKind::Binary {
            operator: BinaryOperator::Union,
            left,
            right,
        } = &expr.kind
        {
            self.union(left, around, paths)?;
            return self.union(right, around, paths);
        }
        let path = self.path(expr, around)?.at(0);
        path.cannot_fail().then(|| paths.push(path))
    }
}

impl Path {
    fn cannot_fail(&self) -> bool {
        let legs = self.legs.iter().flat_map(|(steps, _)| steps);
        legs.chain(&self.last).all(|step| match step {
            Step::Member(_) | Step::Choice(_) => true,
            Step::Filter(condition) => condition.cannot_fail(),
        })
    }
}

impl Condition {
    /// Whether it is true, false or unknown whatever it meets: the truth of a path is an error
    /// where the path finds several values.
    fn cannot_fail(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Constant(_) => true,
            Self::EqualsText(path, _)
            | Self::EqualsBoolean(path, _)
            | Self::EqualsNumber(path, _)
            | Self::Exists(path) => path.cannot_fail(),
            Self::EqualsPath(left, right) => left.cannot_fail() && right.cannot_fail(),
            Self::Not(inner) => inner.cannot_fail(),
            Self::And(left, right) | Self::Or(left, right) => {
                left.cannot_fail() && right.cannot_fail()
            }
        }
    }
}
