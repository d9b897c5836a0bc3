//! Operators, steps and indexers to a tree; precedence by FHIRPath's grammar
//! (<https://hl7.org/fhirpath/#operator-precedence>).

use super::ast::{BinaryOperator, Expr, ExprKind};
use super::lexer::{Token, expression_error};
use super::token_reader::{Constants, DisplayToken, Parser};
use crate::error::Error;

/// Deeper trees are refused, so that no text can exhaust the stack of whoever walks them.
const MAX_DEPTH: usize = 128;
/// Longer texts are refused.
const MAX_LENGTH: usize = 64 * 1024;

/// Reads an expression; `%name` is replaced by the constant of that name.
///
/// # Errors
///
/// The text is not FHIRPath, or uses what views do not support: the error names the place and
/// the reason.
///
/// ```
/// use claimlake_viewdef::fhirpath::{Constants, ExprKind, parse};
///
/// let expression = parse("name.family", &Constants::new())?;
/// assert!(matches!(expression.kind, ExprKind::Member { ref name, .. } if name == "family"));
/// assert!(parse("name.resolve()", &Constants::new()).is_err());
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
pub fn parse(source: &str, constants: &Constants) -> Result<Expr, Error> {
    if source.len() > MAX_LENGTH {
        return Err(expression_error(source, 0, "the expression is too long"));
    }
    let mut parser = Parser::new(source, constants)?;
    let expression = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expression),
        other => parser.error(format!("unexpected {}", DisplayToken(other))),
    }
}

/// How strongly operators bind; steps, calls and indexers bind strongest.
const UNARY_BINDING: u8 = 11;

/// An operator between two operands.
enum Infix {
    /// Between two expressions.
    Operator(BinaryOperator),
    Is,
    As,
}

/// The operator of a token and how strongly it binds.
fn infix(token: &Token) -> Option<(Infix, u8)> {
    use BinaryOperator as Op;
    let (operator, binding) = match token {
        Token::Symbol(symbol) => match *symbol {
            "*" => (Op::Multiply, 10),
            "/" => (Op::Divide, 10),
            "+" => (Op::Add, 9),
            "-" => (Op::Subtract, 9),
            "&" => (Op::Concatenate, 9),
            "|" => (Op::Union, 7),
            "<" => (Op::Less, 6),
            "<=" => (Op::LessOrEqual, 6),
            ">" => (Op::Greater, 6),
            ">=" => (Op::GreaterOrEqual, 6),
            "=" => (Op::Equal, 5),
            "!=" => (Op::NotEqual, 5),
            "~" => (Op::Equivalent, 5),
            "!~" => (Op::NotEquivalent, 5),
            _ => return None,
        },
        Token::Word(word) => match word.as_str() {
            "div" => (Op::IntegerDivide, 10),
            "mod" => (Op::Modulo, 10),
            "is" => return Some((Infix::Is, 8)),
            "as" => return Some((Infix::As, 8)),
            "in" => (Op::In, 4),
            "contains" => (Op::Contains, 4),
            "and" => (Op::And, 3),
            "or" => (Op::Or, 2),
            "xor" => (Op::Xor, 2),
            "implies" => (Op::Implies, 1),
            _ => return None,
        },
        _ => return None,
    };
    Some((Infix::Operator(operator), binding))
}

impl Parser<'_> {
    /// An expression whose operators all bind stronger than `binding`.
    pub(super) fn expression(&mut self, binding: u8) -> Result<Expr, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("the expression is nested too deeply");
        }
        let start = self.span().start;
        let mut left = self.unary()?;
        let mut height = self.height;
        while let Some((operator, operator_binding)) = infix(self.peek()) {
            if operator_binding <= binding {
                break;
            }
            self.position += 1;
            let kind = match operator {
                Infix::Is => ExprKind::IsType {
                    base: Box::new(left),
                    type_name: self.type_specifier()?,
                },
                Infix::As => ExprKind::OfType {
                    base: Box::new(left),
                    type_name: self.type_specifier()?,
                    of_one: true,
                },
                Infix::Operator(operator) => ExprKind::Binary {
                    operator,
                    left: Box::new(left),
                    right: Box::new(self.expression(operator_binding)?),
                },
            };
            let right_height = if matches!(kind, ExprKind::Binary { .. }) {
                self.height
            } else {
                0
            };
            height = self.above(height.max(right_height))?;
            left = Expr {
                kind,
                span: self.since(start),
            };
        }
        self.height = height;
        self.depth -= 1;
        Ok(left)
    }

    /// The height of a tree above one of the given height. Chains lean left, so every step and
    /// operator counts.
    pub(super) fn above(&self, height: usize) -> Result<usize, Error> {
        if height >= MAX_DEPTH {
            return self.error("the expression has too many steps");
        }
        Ok(height + 1)
    }

    /// An operand with its signs.
    fn unary(&mut self) -> Result<Expr, Error> {
        let start = self.span().start;
        if self.take_symbol("+") {
            return self.expression(UNARY_BINDING - 1);
        }
        if self.take_symbol("-") {
            let operand = self.expression(UNARY_BINDING - 1)?;
            self.height = self.above(self.height)?;
            return Ok(Expr {
                kind: ExprKind::Negate(Box::new(operand)),
                span: self.since(start),
            });
        }
        self.steps()
    }

    /// A term and the steps, calls and indexers behind it.
    fn steps(&mut self) -> Result<Expr, Error> {
        let start = self.span().start;
        let mut expression = self.term()?;
        loop {
            let height = self.height;
            self.height = 0;
            let base = Box::new(expression);
            let kind = if self.take_symbol(".") {
                let (token, span) = self.next();
                let name = match token {
                    Token::Word(name) | Token::Quoted(name) => name,
                    other => {
                        return self.error_at(
                            span,
                            format!(
                                "an element or function is expected, found {}",
                                DisplayToken(&other)
                            ),
                        );
                    }
                };
                if self.take_symbol("(") {
                    self.call(base, &name, span)?
                } else {
                    ExprKind::Member { base, name }
                }
            } else if self.take_symbol("[") {
                let index = Box::new(self.expression(0)?);
                self.expect_symbol("]")?;
                ExprKind::Index { base, index }
            } else {
                self.height = height;
                return Ok(*base);
            };
            self.height = self.above(height.max(self.height))?;
            expression = Expr {
                kind,
                span: self.since(start),
            };
        }
    }
}
