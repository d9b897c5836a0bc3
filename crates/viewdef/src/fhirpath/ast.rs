//! The tree of a FHIRPath expression, with the implicit `$this` made explicit.
//!
//! Constants of the view are literals in it already. Parentheses are gone: the tree says what they said.
//! Chains lean left, and no tree is higher than the parser allows, so that walking one by recursion is
//! safe.

use super::decimal::Decimal;
use super::function::Function;
use super::pattern::Pattern;
use super::temporal::TemporalKind;

/// A place in the source text, in bytes: from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The end, exclusive.
    pub end: usize,
}

/// An expression and its place in the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place in the source.
    pub span: Span,
}

/// The kinds of expression. `name.family` is `Member(Member(This, "name"), "family")`.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `$this`, written or implied: the element that the expression is evaluated on; within the
    /// argument of a function such as `where`, the item that it tests.
    This,
    /// `%resource` and `%rootResource` (one and the same here): the resource.
    Resource,
    /// `%context` in an argument: the element that makes the row, which is `$this` outside of all
    /// arguments.
    Context,
    /// `%rowIndex`: the position of the element in the iteration that made the row, from 0.
    RowIndex,
    /// A type name at the head of a path, `Patient` in `Patient.name`: the element itself if it is
    /// a resource of that type, otherwise empty.
    RootType(String),
    /// `{}`
    Empty,
    /// A literal, or a constant of the view (they are put in when the expression is parsed).
    Literal(Literal),
    /// A step: the values of an element, or of the one choice of it that is there (`value` finds
    /// `valueString`).
    Member {
        /// What the step is taken from.
        base: Box<Expr>,
        /// The element's name.
        name: String,
    },
    /// `base[index]`
    Index {
        /// The collection.
        base: Box<Expr>,
        /// The position, from 0; anything but an integer literal is evaluated on `$this`.
        index: Box<Expr>,
    },
    /// `base.ofType(type_name)`, `base.as(type_name)`, `base as type_name`.
    ///
    /// Directly above a `Member` it reads the choice element `name` + `Type`.
    OfType {
        /// What is filtered.
        base: Box<Expr>,
        /// The type without its namespace (`FHIR.`, `System.`), first letter as written.
        type_name: String,
        /// Whether several items are an error, as for `as`.
        of_one: bool,
    },
    /// `base.is(type_name)`, `base is type_name`.
    IsType {
        /// What is tested.
        base: Box<Expr>,
        /// The type without its namespace.
        type_name: String,
    },
    /// `base.getReferenceKey(type_name)`
    ReferenceKey {
        /// The reference.
        base: Box<Expr>,
        /// Only references to this type yield a key.
        type_name: Option<String>,
    },
    /// `base.matches(pattern)`, `base.replaceMatches(pattern, substitution)`.
    Matches {
        /// The text.
        base: Box<Expr>,
        /// The regular expression.
        pattern: Pattern,
        /// What each match is replaced with; none for `matches`.
        substitution: Option<Box<Expr>>,
    },
    /// Any other function; arity is checked by the parser.
    Call {
        /// What it is called on.
        base: Box<Expr>,
        /// The function.
        function: Function,
        /// Its arguments.
        arguments: Vec<Expr>,
    },
    /// `-operand`
    Negate(Box<Expr>),
    /// `left operator right`
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// Left of it.
        left: Box<Expr>,
        /// Right of it.
        right: Box<Expr>,
    },
}

/// A value written in the expression (FHIRPath section 4.1) or given by a constant of the view.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `true`
    Boolean(bool),
    /// `1`
    Integer(i64),
    /// `1.50`
    Decimal(Decimal),
    /// `'text'`
    String(String),
    /// `@2026-11`, without the `@`
    Date(String),
    /// `@2026-11-23T10:00:00Z`, without the `@`
    DateTime(String),
    /// `@T10:00`, without `@T`
    Time(String),
}

/// Operators with two sides (FHIRPath section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `div`
    IntegerDivide,
    /// `mod`
    Modulo,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `&`
    Concatenate,
    /// `|`
    Union,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `~`
    Equivalent,
    /// `!~`
    NotEquivalent,
    /// `in`
    In,
    /// `contains`
    Contains,
    /// `and`
    And,
    /// `or`
    Or,
    /// `xor`
    Xor,
    /// `implies`
    Implies,
}

impl Literal {
    /// The literal of a date, dateTime or time.
    #[must_use]
    pub fn temporal(kind: TemporalKind, text: String) -> Self {
        match kind {
            TemporalKind::Date => Self::Date(text),
            TemporalKind::DateTime => Self::DateTime(text),
            TemporalKind::Time => Self::Time(text),
        }
    }
}

impl BinaryOperator {
    /// Whether its result is true, false or unknown: comparisons, membership and logic.
    #[must_use]
    pub fn gives_truth(self) -> bool {
        !matches!(
            self,
            Self::Multiply
                | Self::Divide
                | Self::IntegerDivide
                | Self::Modulo
                | Self::Add
                | Self::Subtract
                | Self::Concatenate
                | Self::Union
        )
    }
}

impl Expr {
    /// Whether it is a union (`a | b`) of several.
    #[must_use]
    pub fn is_union(&self) -> bool {
        let union = BinaryOperator::Union;
        matches!(&self.kind, ExprKind::Binary { operator, .. } if *operator == union)
    }

    /// `$this` at a place.
    #[must_use]
    pub fn this(at: usize) -> Self {
        Self {
            kind: ExprKind::This,
            span: Span { start: at, end: at },
        }
    }

    /// Whether the expression is exactly `%rowIndex` (such columns are 0, not null, in the row
    /// that `forEachOrNull` makes of nothing).
    #[must_use]
    pub fn is_row_index(&self) -> bool {
        matches!(self.kind, ExprKind::RowIndex)
    }

    /// The expressions directly below this one.
    pub fn children(&self) -> impl Iterator<Item = &Expr> {
        let (first, second, rest): (Option<&Expr>, Option<&Expr>, &[Expr]) = match &self.kind {
            ExprKind::This
            | ExprKind::Resource
            | ExprKind::Context
            | ExprKind::RowIndex
            | ExprKind::RootType(_)
            | ExprKind::Empty
            | ExprKind::Literal(_) => (None, None, &[]),
            ExprKind::Member { base, .. }
            | ExprKind::OfType { base, .. }
            | ExprKind::IsType { base, .. }
            | ExprKind::ReferenceKey { base, .. }
            | ExprKind::Negate(base) => (Some(base), None, &[]),
            ExprKind::Index { base, index } => (Some(base), Some(index), &[]),
            ExprKind::Matches {
                base, substitution, ..
            } => (Some(base), substitution.as_deref(), &[]),
            ExprKind::Call {
                base, arguments, ..
            } => (Some(base), None, arguments),
            ExprKind::Binary { left, right, .. } => (Some(left), Some(right), &[]),
        };
        first.into_iter().chain(second).chain(rest)
    }
}
