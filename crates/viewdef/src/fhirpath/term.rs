//! The operands of operators and steps: literals, names, variables, calls (`term` and `invocation` in
//! FHIRPath's grammar).

use super::ast::{Expr, ExprKind, Literal, Span};
use super::decimal::Decimal;
use super::function::Function;
use super::lexer::Token;
use super::pattern::Pattern;
use super::temporal::{Temporal, TemporalKind};
use super::token_reader::{DisplayToken, Parser};
use super::types::type_kind;
use crate::error::Error;

impl Parser<'_> {
    /// One operand.
    ///
    /// A word is a member (`name`), a call if a parenthesis follows (`first()`), or a resource type
    /// if it begins with a capital letter (`Patient`): no element of FHIR does.
    pub(super) fn term(&mut self) -> Result<Expr, Error> {
        let (token, span) = self.next();
        self.height = 1;
        let kind = match token {
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                self.expect_symbol(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.expect_symbol("}")?;
                ExprKind::Empty
            }
            Token::Word(word) if word == "true" || word == "false" => {
                ExprKind::Literal(Literal::Boolean(word == "true"))
            }
            Token::Word(name) | Token::Quoted(name) => {
                let base = Box::new(Expr::this(span.start));
                if self.take_symbol("(") {
                    let kind = self.call(base, &name, span)?;
                    self.height = self.above(self.height)?;
                    kind
                } else if name.starts_with(|first: char| first.is_ascii_uppercase()) {
                    ExprKind::RootType(name)
                } else {
                    ExprKind::Member { base, name }
                }
            }
            Token::Text(text) => ExprKind::Literal(Literal::String(text)),
            Token::Number(digits) => ExprKind::Literal(self.number(&digits, span)?),
            Token::DateTime(text) => ExprKind::Literal(self.date_time(text, span)?),
            Token::Time(text) => {
                if Temporal::parse(&text, TemporalKind::Time).is_none() {
                    return self.error_at(span, "there is no such time");
                }
                ExprKind::Literal(Literal::Time(text))
            }
            Token::External(name) => self.external(&name, span)?,
            Token::Dollar(name) if name == "this" => ExprKind::This,
            Token::Dollar(name) => {
                return self.error_at(span, format!("'${name}' is not supported, only '$this'"));
            }
            other => {
                return self.error_at(
                    span,
                    format!("an expression is expected, found {}", DisplayToken(&other)),
                );
            }
        };
        Ok(Expr {
            kind,
            span: self.since(span.start),
        })
    }

    /// A number, checked to be one that decimals and integers have room for.
    ///
    /// Quantities (`4 days`, `4 'mg'`) are refused: there is no unit conversion.
    fn number(&self, digits: &str, span: Span) -> Result<Literal, Error> {
        if let Token::Word(unit) = self.peek() {
            let unit = unit.trim_end_matches('s');
            if matches!(
                unit,
                "year" | "month" | "week" | "day" | "hour" | "minute" | "second" | "millisecond"
            ) {
                return self.error_at(span, "quantities are not supported");
            }
        }
        if matches!(self.peek(), Token::Text(_)) {
            return self.error_at(span, "quantities are not supported");
        }
        let literal = if digits.contains('.') {
            Decimal::parse(digits).map(Literal::Decimal)
        } else {
            digits.parse().ok().map(Literal::Integer)
        };
        literal.map_or_else(|| self.error_at(span, "the number has too many digits"), Ok)
    }

    /// A date or dateTime that exists.
    fn date_time(&self, text: String, span: Span) -> Result<Literal, Error> {
        // `@2015T` is a dateTime with the precision of a date.
        let kind = if text.contains('T') {
            TemporalKind::DateTime
        } else {
            TemporalKind::Date
        };
        let value = text.strip_suffix('T').unwrap_or(&text).to_owned();
        if Temporal::parse(&value, kind).is_none() {
            return self.error_at(span, "there is no such date");
        }
        Ok(if kind == TemporalKind::Date {
            Literal::Date(value)
        } else {
            Literal::DateTime(value)
        })
    }

    /// `%name`: a constant of the view, or what FHIRPath and the standard define.
    ///
    /// `%resource` and `%rootResource` are the same here, since contained resources are not
    /// evaluated as roots. Outside of arguments `%context` is `$this`.
    fn external(&self, name: &str, span: Span) -> Result<ExprKind, Error> {
        if let Some(literal) = self.constants.get(name) {
            return Ok(ExprKind::Literal(literal.clone()));
        }
        let literal = match name {
            "rowIndex" => return Ok(ExprKind::RowIndex),
            "resource" | "rootResource" => return Ok(ExprKind::Resource),
            "context" if self.calls == 0 => return Ok(ExprKind::This),
            "context" => return Ok(ExprKind::Context),
            "ucum" => "http://unitsofmeasure.org",
            "sct" => "http://snomed.info/sct",
            "loinc" => "http://loinc.org",
            _ => {
                return self.error_at(span, format!("the view defines no constant '{name}'"));
            }
        };
        Ok(ExprKind::Literal(Literal::String(literal.to_owned())))
    }

    /// A call whose opening parenthesis has been taken.
    ///
    /// Some functions have a syntax of their own and are parsed here: type specifiers are names and
    /// not expressions, and regular expressions are compiled with the view.
    pub(super) fn call(
        &mut self,
        base: Box<Expr>,
        name: &str,
        span: Span,
    ) -> Result<ExprKind, Error> {
        match name {
            "ofType" | "as" => {
                let type_name = self.type_specifier()?;
                self.expect_symbol(")")?;
                return Ok(ExprKind::OfType {
                    base,
                    type_name,
                    of_one: name == "as",
                });
            }
            "is" => {
                let type_name = self.type_specifier()?;
                self.expect_symbol(")")?;
                return Ok(ExprKind::IsType { base, type_name });
            }
            "getReferenceKey" => {
                let type_name = if matches!(self.peek(), Token::Symbol(")")) {
                    None
                } else {
                    Some(self.type_specifier()?)
                };
                self.expect_symbol(")")?;
                return Ok(ExprKind::ReferenceKey { base, type_name });
            }
            "matches" | "replaceMatches" => return self.matches(base, name == "replaceMatches"),
            _ => {}
        }
        let (function, least, most) =
            Function::named(name).or_else(|reason| self.error_at(span, reason))?;
        let mut arguments = Vec::new();
        let mut height = 0;
        if !self.take_symbol(")") {
            self.calls += 1;
            loop {
                arguments.push(self.expression(0)?);
                height = height.max(self.height);
                if !self.take_symbol(",") {
                    break;
                }
            }
            self.calls -= 1;
            self.expect_symbol(")")?;
        }
        if !(least..=most).contains(&arguments.len()) {
            let takes = if least == most {
                format!("{least}")
            } else {
                format!("{least} to {most}")
            };
            return self.error_at(
                span,
                format!(
                    "'{name}' takes {takes} argument(s), found {}",
                    arguments.len()
                ),
            );
        }
        self.height = height;
        Ok(ExprKind::Call {
            base,
            function,
            arguments,
        })
    }

    /// The arguments of `matches` and `replaceMatches`. The pattern is a literal or a constant, so that
    /// it is compiled and refused with the view.
    fn matches(&mut self, base: Box<Expr>, replaces: bool) -> Result<ExprKind, Error> {
        self.calls += 1;
        let pattern = self.expression(0)?;
        let mut height = self.height;
        let ExprKind::Literal(Literal::String(source)) = &pattern.kind else {
            return self.error_at(pattern.span, "a regular expression is a literal text");
        };
        let pattern = Pattern::parse(source).or_else(|reason| {
            self.error_at(pattern.span, format!("not a regular expression: {reason}"))
        })?;
        let mut substitution = None;
        if replaces {
            self.expect_symbol(",")?;
            substitution = Some(Box::new(self.expression(0)?));
            height = height.max(self.height);
        }
        self.calls -= 1;
        self.expect_symbol(")")?;
        self.height = height;
        Ok(ExprKind::Matches {
            base,
            pattern,
            substitution,
        })
    }

    /// `Patient`, `FHIR.Patient`, `System.String`; `'Patient'` as some views write it.
    pub(super) fn type_specifier(&mut self) -> Result<String, Error> {
        let (token, span) = self.next();
        let mut name = match token {
            Token::Word(name) | Token::Quoted(name) | Token::Text(name) => name,
            other => {
                return self.error_at(
                    span,
                    format!("a type is expected, found {}", DisplayToken(&other)),
                );
            }
        };
        if (name == "FHIR" || name == "System") && self.take_symbol(".") {
            let (token, span) = self.next();
            name = match token {
                Token::Word(name) | Token::Quoted(name) => name,
                other => {
                    return self.error_at(
                        span,
                        format!("a type is expected, found {}", DisplayToken(&other)),
                    );
                }
            };
        }
        if type_kind(&name).is_none() {
            return self.error_at(span, format!("there is no FHIR type '{name}'"));
        }
        Ok(name)
    }
}
