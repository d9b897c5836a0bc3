use super::{InstantStyle, Syntax, Template, TemplateError, Value, Values};
use crate::population::day::Day;

fn no_part(_: &str) -> Option<&'static str> {
    None
}

fn parsed(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, Syntax::Json, &no_part)
}

fn values() -> Values<'static> {
    let element = |code, display| {
        let mut values = Values::default();
        values.set_code("line", (code, display));
        values
    };
    let mut values = Values::default();
    values.set("text", "x");
    values.set("nothing", Value::Absent);
    values.set("empty", "");
    values.set("yes", true);
    values.set("no", false);
    values.set("id", -5_i64);
    values.set("cents", Value::Cents(1_230));
    values.set("loss", Value::Cents(-7));
    values.set("thousandths", Value::Thousandths(60_234));
    values.set("padded", Value::Padded(42, 5));
    values.set("day", Day::of(2024, 2, 29));
    let instant = Day::of(2024, 1, 1).millis() + 61_001;
    values.set("instant", Value::Instant(instant, InstantStyle::UsEast));
    values.set("lines", vec![element("1", ""), element("2", "Two")]);
    values.set("none", Vec::new());
    values
}

fn rendered(text: &str) -> String {
    let rendered = parsed(text).unwrap().render(&values(), 100);
    assert_eq!(rendered.unknown, Vec::<String>::new(), "{text}");
    String::from_utf8(rendered.bytes).unwrap()
}

#[test]
fn values_are_written_as_their_kind_says() {
    for (text, expected) in [
        (r#"{ "a": "{{text}}", }"#, r#"{"a":"x"}"#),
        (r#"{"a": {{yes}}, "b": {{no}}}"#, r#"{"a":true}"#),
        (r#"{"a": "no. {{id}} {x, y}"}"#, r#"{"a":"no. -5 {x, y}"}"#),
        ("[{{cents}}, {{loss}}]", "[12.30,-0.07]"),
        ("[{{thousandths}}]", "[60.234]"),
        (r#"["{{padded}}"]"#, r#"["00042"]"#),
        (r#"["{{day}}"]"#, r#"["2024-02-29"]"#),
        (r#"["{{instant}}"]"#, r#"["2023-12-31T20:01:01.001-04:00"]"#),
        (r#"["say \"{{text}}\""]"#, r#"["say \"x\""]"#),
    ] {
        assert_eq!(rendered(text), expected);
    }
}

#[test]
fn what_is_absent_is_left_out_with_its_member_element_and_comma() {
    for (text, expected) in [
        (r#"{"a": 1, "b": "{{nothing}}"}"#, r#"{"a":1}"#),
        (r#"{"a": "{{empty}}", "b": 1}"#, r#"{"b":1}"#),
        (r#"{"a": {{nothing}}, "b": 1}"#, r#"{"b":1}"#),
        (r#"["{{text}}", "{{nothing}}",]"#, r#"["x"]"#),
        (r#"{"a": {"b": "{{nothing}}"}}"#, r#"{"a":{}}"#),
    ] {
        assert_eq!(rendered(text), expected);
    }
}

#[test]
fn sections_depend_on_values_repeat_for_lists_and_nest() {
    for (text, expected) in [
        ("[{{#yes}} 1, {{/yes}} {{^yes}} 2, {{/yes}}]", "[1]"),
        ("[{{#no}} 1, {{/no}} {{^no}} 2, {{/no}}]", "[2]"),
        ("[{{#none}} 1, {{/none}}]", "[]"),
        (
            r#"[{{#lines}} {"n": {{+n}}, "c": "{{line.code}}", "d": "{{line.display}}"}, {{/lines}}]"#,
            r#"[{"n":1,"c":"1"},{"n":2,"c":"2","d":"Two"}]"#,
        ),
        (
            r#"{"a": "{{#yes}}{{#lines}}{{line.code}}{{text}} {{/lines}}{{/yes}}"}"#,
            r#"{"a":"1x 2x "}"#,
        ),
        ("[{{+one}}, {{+two}}, {{+one}}]", "[1,1,2]"),
    ] {
        assert_eq!(rendered(text), expected);
    }
}

#[test]
fn parts_are_included_and_may_include_others() {
    let part = |name: &str| match name {
        "outer" => Some(r#"{"a": [{{> inner }}]},"#),
        "inner" => Some(r#""{{text}}","#),
        _ => None,
    };
    let template = Template::parse("[{{> outer}} {{> outer}}]", Syntax::Json, &part).unwrap();
    let bytes = template.render(&values(), 100).bytes;
    assert_eq!(bytes, br#"[{"a":["x"]},{"a":["x"]}]"#);
}

#[test]
fn the_place_of_the_request_time_is_known() {
    let mut values = Values::default();
    values.set("created", Value::RequestTime);
    let text = r#"{"created": "{{created}}"}"#;
    let rendered = parsed(text).unwrap().render(&values, 0);
    assert_eq!(rendered.created_at, Some(12));
}

#[test]
fn a_name_without_a_value_is_reported_and_left_out() {
    for (text, bytes) in [
        (r#"{"a": "x {{typo}}"}"#, r#"{"a":"x "}"#),
        (r#"{"a": "{{typo}}"}"#, r#"{"a":""}"#),
        ("[{{#typo}} 1 {{/typo}}]", "[]"),
        (r#"["x {{nothing}}"]"#, r#"["x "]"#),
    ] {
        let template = parsed(text).unwrap();
        let rendered = template.render(&values(), 100);
        assert!(!rendered.unknown.is_empty(), "{text}");
        assert_eq!(String::from_utf8(rendered.bytes).unwrap(), bytes);
    }
}

#[test]
fn marks_that_do_not_match_are_errors() {
    for (text, expected) in [
        ("[{{a", TemplateError::Unended("a".to_owned())),
        ("[{{#a}}", TemplateError::Unclosed("a".to_owned())),
        ("[{{/a}}", TemplateError::Unopened("a".to_owned())),
        ("{{#a}}{{/b}}", TemplateError::Unopened("b".to_owned())),
        ("{{> c}}", TemplateError::UnknownPart("c".to_owned())),
    ] {
        assert_eq!(parsed(text).unwrap_err(), expected);
    }
}

#[test]
fn html_keeps_its_white_space_and_values_are_escaped() {
    let mut values = Values::default();
    values.set("name", "<O'Keefe & \"co\">");
    let text = "<p>a , ]\n{{#name}}<b>{{name}}</b>{{/name}} </p>";
    let template = Template::parse(text, Syntax::Html, &no_part).unwrap();
    let rendered = String::from_utf8(template.render(&values, 0).bytes).unwrap();
    let escaped = "&lt;O&#x27;Keefe &amp; &quot;co&quot;&gt;";
    assert_eq!(rendered, format!("<p>a , ]\n<b>{escaped}</b> </p>"));
}
