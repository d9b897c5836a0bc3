//! Tokens to a tree; operator precedence by FHIRPath's grammar.

mod term;

use std::collections::BTreeMap;
use std::fmt;

use super::ast::{BinaryOperator, Expr, ExprKind, Literal, Span};
use super::lexer::{Token, tokens};
use super::parse_error::ParseError;

/// The constants of a view by name, as `%name` refers to them.
pub type Constants = BTreeMap<String, Literal>;

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
/// # Ok::<(), claimlake_viewdef::fhirpath::ParseError>(())
/// ```
pub fn parse(source: &str, constants: &Constants) -> Result<Expr, ParseError> {
    if source.len() > MAX_LENGTH {
        return Err(ParseError::new(source, 0, "the expression is too long"));
    }
    let mut parser = Parser {
        source,
        constants,
        tokens: tokens(source)?,
        position: 0,
        depth: 0,
        height: 0,
        calls: 0,
    };
    let expression = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expression),
        other => parser.error(format!("unexpected {}", Shown(other))),
    }
}

struct Parser<'a> {
    source: &'a str,
    constants: &'a Constants,
    tokens: Vec<(Token, Span)>,
    position: usize,
    /// How many expressions are open around the one being read.
    depth: usize,
    /// The height of the tree read last.
    height: usize,
    /// How many calls are open whose arguments are being read.
    calls: usize,
}

/// How strongly operators bind; steps, calls and indexers bind strongest.
const UNARY_BINDING: u8 = 11;

enum Infix {
    Operator(BinaryOperator),
    Is,
    As,
}

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
    fn peek(&self) -> &Token {
        self.tokens
            .get(self.position)
            .map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.position.min(last))
            .map_or_else(Span::default, |(_, span)| *span)
    }

    fn next(&mut self) -> (Token, Span) {
        let token = (self.peek().clone(), self.span());
        self.position += 1;
        token
    }

    fn error<T>(&self, reason: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError::new(self.source, self.span().start, reason))
    }

    fn error_at<T>(&self, span: Span, reason: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError::new(self.source, span.start, reason))
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        if found {
            self.position += 1;
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        self.error(format!(
            "'{symbol}' is expected, found {}",
            Shown(self.peek())
        ))
    }

    fn since(&self, start: usize) -> Span {
        let end = self
            .position
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(start, |(_, span)| span.end);
        Span { start, end }
    }

    /// An expression whose operators all bind stronger than `binding`.
    fn expression(&mut self, binding: u8) -> Result<Expr, ParseError> {
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
    fn above(&self, height: usize) -> Result<usize, ParseError> {
        if height >= MAX_DEPTH {
            return self.error("the expression has too many steps");
        }
        Ok(height + 1)
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
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
    fn steps(&mut self) -> Result<Expr, ParseError> {
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
                                Shown(&other)
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

/// A token as an error shows it.
struct Shown<'a>(&'a Token);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Token::End => f.write_str("the end"),
            Token::Word(text) | Token::Number(text) => write!(f, "'{text}'"),
            Token::Quoted(text) => write!(f, "'`{text}`'"),
            Token::Text(_) => f.write_str("a string"),
            Token::DateTime(_) => f.write_str("a date"),
            Token::Time(_) => f.write_str("a time"),
            Token::External(name) => write!(f, "'%{name}'"),
            Token::Dollar(name) => write!(f, "'${name}'"),
            Token::Symbol(symbol) => write!(f, "'{symbol}'"),
        }
    }
}
