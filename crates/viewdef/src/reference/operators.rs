//! Operators (FHIRPath section 6): empty operands make empty results, so does a result that no number
//! can hold; truth has three values.

use super::compare::{equal, equal_items, equivalent, order};
use super::context::{Context, Found, boolean_of, one, text_of, type_of};
use super::item::{Item, Scalar};
use crate::fhirpath::{BinaryOperator, Decimal, Expr};
use crate::problem::Mismatch;

/// A truth as a collection; nothing for unknown.
fn truth<'a>(value: Option<bool>) -> Vec<Item<'a>> {
    value.map(Item::boolean).into_iter().collect()
}

/// `-operand`
pub(super) fn negate<'a>(items: &[Item<'a>]) -> Found<'a> {
    match one(items)? {
        None => Ok(Vec::new()),
        Some(Scalar::Number(number)) => {
            Ok(number.checked_neg().map(Item::number).into_iter().collect())
        }
        Some(_) => Err(Mismatch::wrong_type("a number", type_of(items))),
    }
}

/// `left operator right`
pub(super) fn binary<'a>(
    context: &Context<'a, '_>,
    operator: BinaryOperator,
    left: &Expr,
    right: &Expr,
) -> Found<'a> {
    use BinaryOperator as Op;
    if matches!(operator, Op::And | Op::Or | Op::Xor | Op::Implies) {
        return logic(context, operator, left, right).map(truth);
    }
    let left = context.evaluate(left)?;
    let right = context.evaluate(right)?;
    match operator {
        Op::Equal => Ok(truth(equal(&left, &right))),
        Op::NotEqual => Ok(truth(equal(&left, &right).map(|equal| !equal))),
        Op::Equivalent | Op::NotEquivalent => {
            context
                .budget
                .spend(left.len().saturating_mul(right.len()))?;
            let equivalent = equivalent(&left, &right);
            Ok(truth(Some(equivalent == (operator == Op::Equivalent))))
        }
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let order = order(&left, &right)?;
            Ok(truth(order.map(|order| match operator {
                Op::Less => order.is_lt(),
                Op::LessOrEqual => order.is_le(),
                Op::Greater => order.is_gt(),
                _ => order.is_ge(),
            })))
        }
        Op::In => membership(&left, &right).map(truth),
        Op::Contains => membership(&right, &left).map(truth),
        Op::Union => distinct(context, left.into_iter().chain(right)),
        Op::Concatenate => {
            let left = text_of(&left)?.unwrap_or_default();
            let right = text_of(&right)?.unwrap_or_default();
            context.budget.spend(left.len() + right.len())?;
            Ok(vec![Item::text(left + &right)])
        }
        _ => arithmetic(context, operator, &left, &right),
    }
}

/// The items without those equal to an earlier one.
///
/// Compares each item with all kept ones, which the budget limits: a view over hostile input must
/// end.
pub(super) fn distinct<'a>(
    context: &Context<'a, '_>,
    items: impl IntoIterator<Item = Item<'a>>,
) -> Found<'a> {
    let mut kept: Vec<Item<'a>> = Vec::new();
    for item in items {
        context.budget.spend(kept.len())?;
        if !kept
            .iter()
            .any(|known| equal_items(known, &item) == Some(true))
        {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// `and`, `or`, `xor`, `implies` with unknown (FHIRPath section 6.5).
fn logic(
    context: &Context<'_, '_>,
    operator: BinaryOperator,
    left: &Expr,
    right: &Expr,
) -> Result<Option<bool>, Mismatch> {
    use BinaryOperator as Op;
    let left = boolean_of(&context.evaluate(left)?)?;
    // If the left side decides the result, the right side is not evaluated: it might fail.
    match (operator, left) {
        (Op::And, Some(false)) => return Ok(Some(false)),
        (Op::Or, Some(true)) | (Op::Implies, Some(false)) => return Ok(Some(true)),
        _ => {}
    }
    let right = boolean_of(&context.evaluate(right)?)?;
    Ok(match operator {
        Op::And => match (left, right) {
            (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Op::Or => match (left, right) {
            (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Op::Xor => left.zip(right).map(|(left, right)| left != right),
        // implies
        _ => match (left, right) {
            (_, Some(true)) => Some(true),
            (Some(true), Some(false)) => Some(false),
            _ => None,
        },
    })
}

/// `in` and `contains`: whether one item equals any of several; several items are an error.
fn membership(item: &[Item<'_>], among: &[Item<'_>]) -> Result<Option<bool>, Mismatch> {
    match item {
        [] => Ok(None),
        [item] => Ok(Some(
            among
                .iter()
                .any(|other| equal_items(item, other) == Some(true)),
        )),
        several => Err(Mismatch::several(several.len())),
    }
}

/// Sums, differences, products, quotients; `+` also joins texts.
///
/// Decimals only (FHIRPath, section 6.6): an overflow or a division by zero gives an empty result,
/// not an error.
fn arithmetic<'a>(
    context: &Context<'a, '_>,
    operator: BinaryOperator,
    left_items: &[Item<'a>],
    right_items: &[Item<'a>],
) -> Found<'a> {
    use BinaryOperator as Op;
    let (Some(left), Some(right)) = (one(left_items)?, one(right_items)?) else {
        return Ok(Vec::new());
    };
    let (left, right) = match (left, right) {
        (Scalar::Number(left), Scalar::Number(right)) => (left, right),
        (Scalar::Text { text: left, .. }, Scalar::Text { text: right, .. })
            if operator == Op::Add =>
        {
            context.budget.spend(left.len() + right.len())?;
            return Ok(vec![Item::text(left + &right)]);
        }
        _ => {
            let found = format!("{} and {}", type_of(left_items), type_of(right_items));
            return Err(Mismatch::wrong_type("two numbers", found));
        }
    };
    let divides = matches!(operator, Op::Divide | Op::IntegerDivide | Op::Modulo);
    if divides && right == Decimal::from_integer(0) {
        return Ok(Vec::new());
    }
    let result = match operator {
        Op::Add => left.checked_add(right),
        Op::Subtract => left.checked_sub(right),
        Op::Multiply => left.checked_mul(right),
        Op::Divide => left.checked_div(right),
        Op::IntegerDivide => left.checked_integer_div(right),
        _ => left.checked_rem(right),
    };
    Ok(result.map(Item::number).into_iter().collect())
}
