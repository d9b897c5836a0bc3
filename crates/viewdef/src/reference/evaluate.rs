//! Expressions on a context: FHIRPath sections 4 (expressions) and 5 (functions) as far as views
//! may use them; <https://hl7.org/fhirpath/>.

use serde_json::Value;

use super::context::{Context, Found, boolean_of, one, text_of, type_of};
use super::item::{Item, Scalar};
use super::{functions, navigate, operators, text_functions};
use crate::fhirpath::{Expr, ExprKind};
use crate::problem::Mismatch;

impl<'a> Context<'a, '_> {
    /// The collection that an expression finds.
    ///
    /// # Errors
    /// An operator or a function got what it cannot take, or the steps are used up.
    pub(super) fn evaluate(&self, expression: &Expr) -> Found<'a> {
        let found = self.collection(expression)?;
        self.budget.spend(1 + found.len())?;
        Ok(found)
    }

    /// The same without counting the step.
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
                several => return Err(Mismatch::several(several.len())),
            },
            ExprKind::ReferenceKey { base, type_name } => {
                let items = self.evaluate(base)?;
                functions::reference_keys(&items, type_name.as_deref(), self.resolved)
            }
            ExprKind::Matches {
                base,
                pattern,
                substitution,
            } => {
                let items = self.evaluate(base)?;
                text_functions::matches(self, &items, pattern, substitution.as_deref())?
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

    /// `ofType` and `as`: by the name of a choice, else by the form of the value.
    fn of_type(&self, base: &Expr, type_name: &str, of_one: bool) -> Found<'a> {
        let mut found = Vec::new();
        if of_one {
            let count = self.evaluate(base)?.len();
            if count > 1 {
                return Err(Mismatch::several(count));
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
    pub(super) fn integer(&self, expression: &Expr) -> Result<Option<i64>, Mismatch> {
        let items = self.evaluate(expression)?;
        match one(&items)? {
            None => Ok(None),
            Some(Scalar::Number(number)) => number
                .to_integer()
                .map(Some)
                .ok_or_else(|| Mismatch::wrong_type("an integer", "number")),
            Some(_) => Err(Mismatch::wrong_type("an integer", type_of(&items))),
        }
    }

    /// An argument that is one text, or nothing.
    pub(super) fn text(&self, expression: &Expr) -> Result<Option<String>, Mismatch> {
        text_of(&self.evaluate(expression)?)
    }

    /// A criterion: true, false or unknown.
    pub(super) fn criterion(&self, expression: &Expr) -> Result<Option<bool>, Mismatch> {
        boolean_of(&self.evaluate(expression)?)
    }
}

/// Whether an item is a resource of a type or of one of the types above it.
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
