use std::cmp::Ordering;

use super::{
    BinaryOperator, Constants, Decimal, Expr, ExprKind, Literal, Temporal, TemporalKind, parse,
};
use crate::error::ErrorKind;

/// The tree with parentheses everywhere.
fn shape(expression: &Expr) -> String {
    match &expression.kind {
        ExprKind::This => "this".into(),
        ExprKind::Literal(Literal::Integer(value)) => value.to_string(),
        ExprKind::Literal(Literal::Boolean(value)) => value.to_string(),
        ExprKind::Member { base, name } => format!("{}.{name}", shape(base)),
        ExprKind::Index { base, index } => format!("{}[{}]", shape(base), shape(index)),
        ExprKind::OfType {
            base, type_name, ..
        } => format!("({} as {type_name})", shape(base)),
        ExprKind::IsType { base, type_name } => format!("({} is {type_name})", shape(base)),
        ExprKind::Negate(operand) => format!("(-{})", shape(operand)),
        ExprKind::Binary {
            operator,
            left,
            right,
        } => format!("({} {operator:?} {})", shape(left), shape(right)),
        ExprKind::Call {
            base,
            function,
            arguments,
        } => {
            let arguments: Vec<String> = arguments.iter().map(shape).collect();
            format!(
                "{}.{}({})",
                shape(base),
                function.name(),
                arguments.join(", ")
            )
        }
        other => format!("{other:?}"),
    }
}

fn parsed(source: &str) -> String {
    shape(&parse(source, &Constants::new()).unwrap())
}

#[test]
fn operators_bind_as_the_grammar_says() {
    for (source, expected) in [
        ("a.b.first()", "this.a.b.first()"),
        ("1 + 2 * 3", "(1 Add (2 Multiply 3))"),
        ("1 - 2 - 3", "((1 Subtract 2) Subtract 3)"),
        ("-a.b + 1", "((-this.a.b) Add 1)"),
        ("a or b and c", "(this.a Or (this.b And this.c))"),
        ("a implies b or c", "(this.a Implies (this.b Or this.c))"),
        (
            "a = b and c != d",
            "((this.a Equal this.b) And (this.c NotEqual this.d))",
        ),
        ("a | b = c", "((this.a Union this.b) Equal this.c)"),
        ("a < b = true", "((this.a Less this.b) Equal true)"),
        ("a is string = true", "((this.a is string) Equal true)"),
        ("a + b is Quantity", "((this.a Add this.b) is Quantity)"),
        ("a in b and c", "((this.a In this.b) And this.c)"),
        ("a[b + 1].c", "this.a[(this.b Add 1)].c"),
        (
            "contains.code contains a",
            "(this.contains.code Contains this.a)",
        ),
        ("text.div", "this.text.div"),
        ("a.where(b = 1).c", "this.a.where((this.b Equal 1)).c"),
    ] {
        assert_eq!(parsed(source), expected, "{source}");
    }
}

#[test]
fn a_span_covers_the_text_of_its_expression() {
    let source = "name.where( use = 'x' ).given";
    let expression = parse(source, &Constants::new()).unwrap();
    let ExprKind::Member { base, .. } = &expression.kind else {
        panic!("a step");
    };
    assert_eq!(
        &source[base.span.start..base.span.end],
        "name.where( use = 'x' )"
    );
    let criterion = base.children().nth(1).unwrap();
    assert_eq!(
        &source[criterion.span.start..criterion.span.end],
        "use = 'x'"
    );
    assert!(matches!(
        criterion.kind,
        ExprKind::Binary {
            operator: BinaryOperator::Equal,
            ..
        }
    ));
}

#[test]
fn errors_name_the_character_also_behind_wide_ones() {
    let error = parse("'äöü' + ?", &Constants::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expression { character: 9 });
    assert_eq!(
        error.to_string(),
        "unexpected character '?', at character 9"
    );
}

#[test]
fn trees_that_are_too_deep_are_refused_whatever_makes_them_so() {
    let deep = 2_000;
    for source in [
        "(".repeat(deep) + "1" + &")".repeat(deep),
        "a".to_owned() + &".a".repeat(deep),
        "1".to_owned() + &" + 1".repeat(deep),
        "-".repeat(deep) + "1",
        "a.where(".repeat(deep) + "b" + &")".repeat(deep),
        "a[".repeat(deep) + "0" + &"]".repeat(deep),
        "(".repeat(100) + "a" + &(".a".repeat(100) + ")").repeat(100),
    ] {
        assert!(parse(&source, &Constants::new()).is_err());
    }
    assert!(parse(&("a".to_owned() + &" or a".repeat(100)), &Constants::new()).is_ok());
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn decimals_keep_their_digits() {
    for (text, shown) in [
        ("0.10", "0.10"),
        ("-0.05", "-0.05"),
        ("12345678901234567.89", "12345678901234567.89"),
        ("1.5e2", "150"),
        ("15E-1", "1.5"),
        ("0e99", "0"),
    ] {
        assert_eq!(decimal(text).to_string(), shown);
    }
    for refused in ["", "-", ".5", "5.", "1e", "1e99", "0x1", "1 ", "1e-99"] {
        assert!(Decimal::parse(refused).is_none(), "{refused}");
    }
    assert!(Decimal::parse(&"9".repeat(39)).is_none());
}

#[test]
fn decimals_rescale_only_without_loss() {
    let rescaled = |text: &str, scale| decimal(text).rescaled(scale).map(|it| it.to_string());
    assert_eq!(rescaled("1.5", 2), Some("1.50".into()));
    assert_eq!(rescaled("1.500", 1), Some("1.5".into()));
    assert_eq!(rescaled("1.55", 1), None);
    assert_eq!(decimal("7.00").to_integer(), Some(7));
    assert_eq!(decimal("7.01").to_integer(), None);
}

#[test]
fn quotients_are_exact_or_cut_after_eighteen_digits() {
    let quotient = |left: &str, right: &str| {
        decimal(left)
            .checked_div(decimal(right))
            .map(|it| it.to_string())
    };
    assert_eq!(quotient("1", "8"), Some("0.125".into()));
    assert_eq!(quotient("-1", "3"), Some("-0.333333333333333333".into()));
    assert_eq!(quotient("1", "0.001"), Some("1000".into()));
    assert_eq!(quotient("1", "0"), None);
}

#[test]
fn decimals_too_far_apart_to_align_still_have_an_order() {
    let large = decimal("9999999999999999999999999999999999999");
    let small = decimal("0.0000000000000000000000000000000000001");
    assert!(small < large);
    assert!(decimal("0.1") > small);
    assert_eq!(decimal("1.0"), decimal("1"));
}

#[test]
fn only_days_and_times_that_exist_are_read() {
    use TemporalKind::{Date, DateTime, Time};
    for (text, kind) in [
        ("2024-02-29", Date),
        ("2000-02-29", Date),
        ("2024", DateTime),
        ("2024-01-01T23:59:60Z", DateTime),
        ("2024-01-01T10:00:00.123456789+14:00", DateTime),
        ("10:00", Time),
    ] {
        assert!(Temporal::parse(text, kind).is_some(), "{text}");
    }
    for (text, kind) in [
        ("2023-02-29", Date),
        ("1900-02-29", Date),
        ("2024-13-01", Date),
        ("2024-04-31", Date),
        ("2024-1-1", Date),
        ("20240101", Date),
        ("2024-01-01T10:00", Date),
        ("2024-01T10:00", DateTime),
        ("2024-01-01T24:00:00Z", DateTime),
        ("2024-01-01T10:00:00+15:00", DateTime),
        ("2024-01-01T", DateTime),
        ("25:00", Time),
    ] {
        assert!(Temporal::parse(text, kind).is_none(), "{text}");
    }
}

#[test]
fn instants_compare_across_zones_and_calendar_borders() {
    let compare = |left: &str, right: &str| {
        let parse = |text| Temporal::parse(text, TemporalKind::DateTime).unwrap();
        parse(left).compare(&parse(right))
    };
    for (left, right, expected) in [
        (
            "2024-03-01T00:30:00+01:00",
            "2024-02-29T23:30:00Z",
            Some(Ordering::Equal),
        ),
        (
            "2023-12-31T23:00:00-02:00",
            "2024-01-01T01:00:00Z",
            Some(Ordering::Equal),
        ),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00", None),
        ("2024-01", "2024-01-01", None),
        ("2024-01", "2024-02-01", Some(Ordering::Less)),
        (
            "2024-01-01T10:00:00Z",
            "2024-01-01T10:00:00.000Z",
            Some(Ordering::Equal),
        ),
        ("2024-01-01T10:00Z", "2024-01-01T10:00:00Z", None),
    ] {
        assert_eq!(compare(left, right), expected, "{left} {right}");
    }
}
