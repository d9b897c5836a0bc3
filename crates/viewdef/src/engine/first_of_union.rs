//! `(a | b | c).first()`: the first item of the first operand that has one.
//!
//! A union is distinct and sorted by nothing (FHIRPath section 6.4.1), but its first item is that of the
//! first operand that is not empty, so later operands need not be evaluated unless they may fail. Views use
//! this wherever a column takes one of several codings in order of preference.

use super::compiler::{Compiler, Scope};
use super::program::Path;
use crate::fhirpath::{BinaryOperator, Expr, ExprKind};

impl Compiler<'_> {
    /// Adds the path to the first item of each operand of a union.
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
        paths.push(self.path(expr, scope)?.at(0));
        Some(())
    }
}
