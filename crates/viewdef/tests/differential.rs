//! The fast engine says what the reference evaluator says: for the standard's cases, for the
//! project's own, for the pipelines' views over real, damaged and made-up bodies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use std::path::{Path, PathBuf};

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::resolved_reference::ResolvedReference;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use support::arbitrary::{expression, patient, seeded, view_of, view_of_one};
use support::damage::Damage;
use support::engines::{
    differences, differences_of_lines, differences_resolved, fallback_columns, fast_rows, is_fast,
};
use support::structures::any_view;
use support::{inventory_bodies, pipeline_views, real_bodies};

/// The number of resources both engines read.
fn assert_same(name: &str, view: &ViewDefinition, resources: &[Value]) -> usize {
    let (compared, differences) = differences(view, resources);
    assert!(
        differences.is_empty(),
        "{name}: {} differences, the first: {}",
        differences.len(),
        differences[0]
    );
    compared
}

fn compare_folder(folder: &Path) -> usize {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let mut compared = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let resources = suite["resources"].as_array().cloned().unwrap_or_default();
        for case in suite["tests"].as_array().unwrap() {
            if let Ok(view) = ViewDefinition::from_json(&case["view"]) {
                let name = format!("{}: {}", file.display(), case["title"]);
                compared += assert_same(&name, &view, &resources);
            }
        }
    }
    compared
}

#[test]
fn both_engines_agree_on_the_projects_own_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    assert!(compare_folder(&folder) > 50);
}

#[test]
fn both_engines_agree_on_the_standards_cases() {
    let Ok(folder) = std::env::var("SQL_ON_FHIR_TESTS") else {
        println!("skipped: SQL_ON_FHIR_TESTS names no folder with the standard's test cases");
        return;
    };
    assert!(compare_folder(Path::new(&folder)) > 50);
}

/// Were the fast engine to leave a view to the plain one, their agreement would say nothing.
#[test]
fn the_fast_engine_makes_the_rows_of_all_tables_itself() {
    for (name, view) in pipeline_views() {
        assert_eq!(fallback_columns(&view), [""; 0], "{name}");
        assert!(is_fast(&view), "{name}");
    }
}

#[test]
fn both_engines_agree_on_real_bodies() {
    let Some(bodies) = real_bodies() else { return };
    for (name, view) in pipeline_views() {
        assert!(assert_same(&name, &view, &bodies) > 0);
    }
}

#[test]
fn both_engines_agree_on_bodies_that_hold_every_path() {
    let Some(bodies) = inventory_bodies() else {
        return;
    };
    for (name, view) in pipeline_views() {
        assert!(assert_same(&name, &view, &bodies) > 0);
    }
}

/// Elements removed, repeated, of another type, with companions: what no schema allows.
#[test]
fn both_engines_agree_on_damaged_bodies() {
    let Some(bodies) = real_bodies() else { return };
    let views = pipeline_views();
    let mut damage = Damage::seeded(20);
    for round in 0..6 {
        let damaged: Vec<Value> = bodies
            .iter()
            .map(|body| damage.applied(body, 1 + round * 4))
            .collect();
        for (name, view) in &views {
            assert!(assert_same(name, view, &damaged) > 0);
        }
    }
}

/// Text that a writer of JSON would not make of a value: escapes in keys, exponents, white space,
/// nulls, empty lists, companions that do not fit, keys in any order.
#[test]
fn both_engines_agree_on_lines_as_strangers_write_them() {
    let lines = [
        r#"{"resourceType":"Patient","id":"a","n\u0061me":[{"family":"\u00e9\n\ud83d\ude00"}],"gender":"m\/f"}"#,
        r#"{ "id" : "a" ,	"resourceType":"Patient" , "name" : [ { "family" : "x" } , { } ] }"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":1.5E3},{"url":"v","valueDecimal":-0.0e-2}]}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"valueDecimal":1e+2,"url":"u"},{"valueString":"t","url":"v"}]}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[null,{"url":"u","valueDecimal":1.5E3},[]]}"#,
        r#"{"resourceType":"Patient","id":"a","name":[{"given":[null,"B",null],"_given":[{"id":"g1"},null,{"extension":[{"url":"u","valueCode":"c"}]}]}]}"#,
        r#"{"resourceType":"Patient","id":"a","_birthDate":{"extension":[{"url":"u","valueCode":"c"}]},"birthDate":null}"#,
        r#"{"resourceType":"Patient","id":"a","name":[],"extension":{},"birthDate":[]}"#,
        r#"{"resourceType":"Patient","id":"a","name":{"family":"single","given":"one"}}"#,
        r#"{"resourceType":"Patient","id":"a","name":["text",1,true,null,{"family":"f"},[{"family":"nested"}]]}"#,
        r#"{"resourceType":"Patient","id":"a","deceasedBoolean":true,"deceasedDateTime":"2020","multipleBirthInteger":2e0}"#,
        r#"{"resourceType":"Patient","id":"a","_given":[{}],"_name":[{"family":"x"}],"meta":{"lastUpdated":"2024-01-02T03:04:05.1234567Z"}}"#,
        r#"{"resourceType":"Patient","id":7,"active":"true","birthDate":"2020-02-30","name":[{"family":0.10}]}"#,
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"family\":\"\"}],\"\":{\"\":1}}\r",
        // Digits that a double added, digits that someone wrote, and digits without end.
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":1308.6999999999998}],"meta":{"lastUpdated":"2024-01-02T03:04:05.123456789012Z"}}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":-1.3086999999999998E3},{"url":"v","valueDecimal":0.30000000000000004}]}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"v","valueDecimal":12.125},{"url":"u","valueDecimal":1308.699999999999818101059645414352416992187500}]}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":1.4210854715202004E-14}],"meta":{"lastUpdated":"2024-01-02T03:04:05.1234567"}}"#,
        r#"{"resourceType":"Patient","id":"a","extension":[{"url":"u","valueDecimal":9999999999999999.9999}],"meta":{"lastUpdated":"2024-01-02T03:04:05.9999999-05:00"}}"#,
        r#"{"resourceType":"Patient","id":"a","name":[{"family":"x"},{"family":"y"}],"extension":[{"url":"u","valueDecimal":99.99999999999999}]}"#,
    ];
    let tagged = |ansi: &str| format!(r#","tag":[{{"name":"ansi/type","value":"{ansi}"}}]"#);
    let mut compared = 0;
    for (path, types) in [
        ("id", ""),
        ("name.family.first()", ""),
        ("name.given.join('|')", ""),
        ("name.given.count()", ""),
        ("name.given.extension('u').value.first()", ""),
        ("birthDate", "DATE"),
        ("birthDate.extension('u').value", ""),
        ("birthDate.exists()", "BOOLEAN"),
        ("extension.value.first()", ""),
        ("extension('u').value.ofType(decimal)", "DECIMAL(18,2)"),
        ("extension('u').value.ofType(decimal)", "DECIMAL(18,4)"),
        ("extension('u').value.ofType(decimal)", "DECIMAL(38,0)"),
        ("extension('u').value.ofType(decimal)", "DOUBLE PRECISION"),
        ("extension('u').value.ofType(decimal)", ""),
        ("extension('u').value.ofType(decimal) = 1500", "BOOLEAN"),
        ("deceased", ""),
        ("deceased.ofType(dateTime)", ""),
        ("multipleBirth.ofType(integer)", "INTEGER"),
        ("meta.lastUpdated", "TIMESTAMP"),
        ("active", "BOOLEAN"),
        ("gender", ""),
    ] {
        let types = if types.is_empty() {
            String::new()
        } else {
            tagged(types)
        };
        let view = format!(
            r#"{{"resource":"Patient","select":[{{"column":[{{"name":"c","path":"{path}"{types}}}]}},
                {{"forEachOrNull":"name","column":[{{"name":"f","path":"family"}},
                    {{"name":"g","path":"given","collection":true}},
                    {{"name":"m","path":"%resource.extension.value.ofType(decimal)","collection":true,
                      "tag":[{{"name":"ansi/type","value":"DECIMAL(18,2)"}}]}}]}}]}}"#
        );
        let view = ViewDefinition::from_text(&view).unwrap();
        let (count, differences) = differences_of_lines(&view, &lines);
        assert!(differences.is_empty(), "{path}: {}", differences[0]);
        compared += count;
    }
    assert!(compared > 200, "{compared}");
}

/// What a reference was resolved to comes first, whichever engine makes the rows.
#[test]
fn both_engines_take_what_references_were_resolved_to() {
    let to = |reference: &'static str, resource, id| ResolvedReference {
        reference: reference.into(),
        resource,
        id,
    };
    let resolved = [
        to("urn:uuid:01", "Patient", "p1"),
        to("Patient?identifier=s|v", "Patient", "p2"),
        to("Patient/9", "Patient", "p3"),
        to("#c", "Patient", "p4"),
        to("urn:uuid:02", "Organization", "o1"),
    ];
    let logical = [
        to("?identifier=s|v", "Patient", "p5"),
        to("?identifier=w", "Patient", "p6"),
    ];
    let view = ViewDefinition::from_text(
        r#"{"resource":"Coverage","select":[{"column":[
            {"name":"patient","path":"beneficiary.getReferenceKey(Patient)"},
            {"name":"any","path":"beneficiary.getReferenceKey()"},
            {"name":"all","path":"payor.getReferenceKey(Organization)","collection":true}]}]}"#,
    )
    .unwrap();
    let line = |beneficiary: &str| {
        format!(
            r#"{{"resourceType":"Coverage","id":"a","beneficiary":{beneficiary},"payor":[{{"reference":"urn:uuid:02"}},{{"reference":"Organization/7"}}]}}"#
        )
    };
    let cases: &[(&str, &[ResolvedReference<'_>], &str)] = &[
        (r#"{"reference":"urn:uuid:01"}"#, &resolved, r#""p1""#),
        (r#"{"reference":"urn:uuid:\u00301"}"#, &resolved, r#""p1""#),
        (
            r#"{"reference":"Patient?identifier=s|v"}"#,
            &resolved,
            r#""p2""#,
        ),
        (r#"{"reference":"Patient/9"}"#, &resolved, r#""p3""#),
        (r#"{"reference":"Patient\/9"}"#, &resolved, r#""p3""#),
        (r##"{"reference":"#c"}"##, &resolved, r#""p4""#),
        (r#"{"reference":"Patient/8"}"#, &resolved, r#""8""#),
        (r#"{"reference":"Patient\/8"}"#, &[], r#""8""#),
        (r#"{"reference":"urn:uuid:03"}"#, &resolved, "null"),
        (r#"{"reference":"urn:uuid:01"}"#, &[], "null"),
        (
            r#"{"identifier":{"system":"s","value":"v"}}"#,
            &logical,
            r#""p5""#,
        ),
        (r#"{"identifier":{"value":"w"}}"#, &logical, r#""p6""#),
        (
            r#"{"reference":"","identifier":{"value":"w"}}"#,
            &logical,
            r#""p6""#,
        ),
        (r#"{"reference":""}"#, &logical, "null"),
        (r#"{"reference":""}"#, &resolved, "null"),
        (
            r#"{"identifier":{"system":"s","value":"w"}}"#,
            &logical,
            "null",
        ),
        (
            r#"{"reference":"urn:uuid:03","identifier":{"system":"s","value":"v"}}"#,
            &logical,
            "null",
        ),
    ];
    for (beneficiary, resolved, expected) in cases {
        let line = line(beneficiary);
        let (compared, differences) = differences_resolved(&view, &[&line], resolved);
        assert_eq!((compared, differences), (1, Vec::new()), "{beneficiary}");
        let rows = fast_rows(&view, &line, resolved);
        assert_eq!(rows[0][..2], [*expected, *expected], "{beneficiary}");
        let all = if resolved.len() == 5 {
            r#"["o1", "7"]"#
        } else {
            r#"["7"]"#
        };
        assert_eq!(rows[0][2], all, "{beneficiary}");
    }
}

proptest! {
    #![proptest_config(seeded(2_000))]

    #[test]
    fn both_engines_agree_on_any_view_over_any_resource(
        path in expression(),
        for_each in select(vec!["name", "extension", "name.given", "value", "name.where(given.exists())"]),
        patient in patient(),
    ) {
        if let Ok(view) = ViewDefinition::from_json(&view_of(&path, for_each)) {
            let (compared, differences) = differences(&view, &[patient]);
            prop_assert_eq!(compared, 1);
            prop_assert!(differences.is_empty(), "{:?}", differences);
        }
    }
}

/// Expressions over what paths find have their answers remembered, by all that decides them.
#[test]
fn what_is_remembered_of_one_resource_is_right_for_the_next() {
    let expressions = [
        ("name.given.first().replace('e', 'a')", "string"),
        ("name.given.first().matches('^t')", "boolean"),
        (
            "iif(name.given.first().matches('^t'), value + 1, -value)",
            "decimal",
        ),
        ("iif(active, name.given.first().upper(), 'none')", "string"),
        ("(name.family | name.given).first().length()", "integer"),
        (
            "name.given.where($this != 'tent').select($this & '!').first()",
            "string",
        ),
        ("id & '/' & name.family", "string"),
        ("%rowIndex + 1", "integer"),
        ("value.toString()", "string"),
        ("name.given.join('/') & name.family", "string"),
    ];
    let bodies = [
        json!({"given": ["text"], "value": 12, "active": true}),
        json!({"given": ["tent"], "value": 13, "active": true}),
        json!({"given": ["tent"], "value": 13, "active": false}),
        json!({"given": ["te", "nt"], "value": "13", "family": "x"}),
        json!({"given": ["ten", "t"], "value": 1.30, "family": "y"}),
        json!({"given": ["te\"t"], "value": 1.3, "family": "x"}),
        json!({"given": 12, "value": true}),
        json!({"family": "text"}),
        json!({"given": ["text"], "family": "tent", "value": {"unit": "1"}}),
    ];
    let resources: Vec<Value> = bodies
        .iter()
        .map(|body| {
            json!({
                "resourceType": "Patient", "id": "p1", "active": body["active"], "value": body["value"],
                "name": [{"given": body["given"], "family": body["family"]}],
            })
        })
        .map(without_nulls)
        .collect();
    for (path, fhir_type) in expressions {
        let view = json!({"resource": "Patient", "select": [{"column": [{"name": "a", "path": path, "type": fhir_type}]}]});
        let view = ViewDefinition::from_json(&view).unwrap();
        assert!(is_fast(&view), "{path}");
        assert_eq!(assert_same(path, &view, &resources), resources.len());
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(seeded(4_000))]

    /// Columns of one value: what the fast engine derives from paths, it remembers by what they found.
    #[test]
    fn both_engines_agree_on_any_expression_over_several_resources(
        path in expression(),
        for_each in select(vec!["name", "extension", "name.given", "value", "name.where(given.exists())"]),
        fhir_type in select(vec!["string", "code", "boolean", "integer", "decimal", "date"]),
        patients in proptest::collection::vec(patient(), 1..5),
    ) {
        // Where there is no element it is 0, which is compared by the columns of numbers.
        prop_assume!(path != "%rowIndex" || fhir_type == "integer");
        if let Ok(view) = ViewDefinition::from_json(&view_of_one(&path, for_each, fhir_type)) {
            let count = patients.len();
            let (compared, differences) = differences(&view, &patients);
            prop_assert_eq!(compared, count);
            prop_assert!(differences.is_empty(), "{:?}", differences);
        }
    }
}

proptest! {
    #![proptest_config(seeded(1_000))]

    #[test]
    fn both_engines_agree_on_any_structure_of_selects(view in any_view(), patient in patient()) {
        let view = ViewDefinition::from_json(&view).unwrap();
        let (compared, differences) = differences(&view, &[patient]);
        prop_assert_eq!(compared, 1);
        prop_assert!(differences.is_empty(), "{:?}", differences);
    }
}
