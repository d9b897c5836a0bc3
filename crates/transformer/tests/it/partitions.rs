//! Columns that partition tables: cases and defaults of a pipeline, and texts that name no folder.

use claimlake_contract::{NoProgress, RejectReason, ResourceType, TableLayout};
use claimlake_transformer::{
    ContextCase, ContextColumn, ContextSource, Plan, PlanInput, PlanProblem, transform,
};

use crate::scene::{Rows, Scene, claim, rows_in, views};

fn with(source: ContextSource, cases: &[(&str, &str)], default: Option<&str>) -> ContextSource {
    ContextSource::Cases {
        cases: cases
            .iter()
            .map(|(when, value)| ContextCase {
                when: (*when).into(),
                value: (*value).into(),
            })
            .collect(),
        source: Box::new(source),
        default: default.map(Into::into),
    }
}

fn path(text: &str) -> ContextSource {
    ContextSource::Path(text.into())
}

fn plan(
    context: &[(&str, ContextSource)],
    partition_by: &[&str],
) -> Result<Plan, Vec<PlanProblem>> {
    let context = context.iter().map(|(name, source)| ContextColumn {
        name: (*name).into(),
        source: source.clone(),
    });
    Plan::compile(&PlanInput {
        views: views(),
        context: vec![(ResourceType::explanation_of_benefit(), context.collect())],
        layout: Some(TableLayout {
            partition_by: partition_by.iter().map(ToString::to_string).collect(),
            ..TableLayout::default()
        }),
        ..PlanInput::default()
    })
}

fn kinds() -> ContextSource {
    let source = path("type.coding.where(system = 'kinds').code.first()");
    with(
        source,
        &[("use = 'preauthorization'", "PRIOR_AUTH")],
        Some("UNKNOWN"),
    )
}

fn years() -> ContextSource {
    let source = ContextSource::YearOf(vec![
        "billablePeriod.end".into(),
        "billablePeriod.start".into(),
    ]);
    with(source, &[], Some("0"))
}

fn code(code: &str) -> String {
    format!(r#","type":{{"coding":[{{"system":"kinds","code":"{code}"}}]}}"#)
}

fn values(rows: &Rows, column: &str) -> Vec<String> {
    let values = rows.iter().map(|row| row[column].clone());
    values.map(|value| value.unwrap_or("null".into())).collect()
}

#[test]
fn cases_and_defaults_apply_where_a_pipeline_says() {
    let table: &[(String, &str, &str)] = &[
        (
            code("CARRIER") + r#","billablePeriod":{"end":"2024-01-31"}"#,
            "CARRIER",
            "2024",
        ),
        (String::new(), "UNKNOWN", "0"),
        (r#","use":"preauthorization""#.into(), "PRIOR_AUTH", "0"),
        (
            code("CARRIER") + r#","use":"preauthorization""#,
            "PRIOR_AUTH",
            "0",
        ),
        (
            code("CARRIER") + r#","use":"predetermination""#,
            "CARRIER",
            "0",
        ),
        (code("CARRIER") + r#","use":7"#, "CARRIER", "0"),
        (
            r#","use":"pre\u0061uthorization""#.into(),
            "PRIOR_AUTH",
            "0",
        ),
        (
            r#","type":{"text":"of no kind"},"billablePeriod":{"start":"2019"}"#.into(),
            "UNKNOWN",
            "2019",
        ),
        (
            r#","type":{"coding":[{"system":"others","code":"X"}]}"#.into(),
            "UNKNOWN",
            "0",
        ),
        // The date is among the rejects; the year is not known all the same.
        (
            r#","billablePeriod":{"end":"2024-13-45"}"#.into(),
            "UNKNOWN",
            "0",
        ),
    ];
    let scene = Scene::new();
    let lines = table
        .iter()
        .enumerate()
        .map(|(id, (rest, ..))| claim(&id.to_string(), rest));
    scene.land(&[lines.collect()]);
    let plan = plan(&[("kind", kinds()), ("year", years())], &["kind", "year"]).unwrap();
    let outcome = transform(&scene.options(), &plan, &NoProgress).unwrap();
    let rows = rows_in(&outcome.folder, "claim");
    for (row, (rest, kind, year)) in rows.iter().zip(table) {
        assert_eq!(row["kind"].as_deref(), Some(*kind), "{rest}");
        assert_eq!(row["year"].as_deref(), Some(*year), "{rest}");
    }
    assert_eq!(rows.len(), table.len());
}

#[test]
fn the_patient_of_a_key_is_never_a_default() {
    let scene = Scene::new();
    scene.land(&[vec![r#"{"resourceType":"ExplanationOfBenefit","id":"1"}"#]]);
    let source = path("patient.getReferenceKey(Patient)");
    let source = with(source, &[("id = '1'", "SOMEBODY")], Some("NOBODY"));
    let plan = plan(&[("patient_id", source)], &[]).unwrap();
    let outcome = transform(&scene.options(), &plan, &NoProgress).unwrap();
    let claims = rows_in(&outcome.folder, "claim");
    assert_eq!(values(&claims, "patient_id"), ["SOMEBODY"]);
    assert_eq!(
        values(&rows_in(&outcome.folder, "_keys"), "_patient"),
        ["null"]
    );
}

#[test]
fn a_default_that_is_none_of_the_columns_type_is_reported_before_anything_runs() {
    let date = ContextSource::DateOf(vec!["billablePeriod.end".into()]);
    let flag = path("item.exists()");
    for (source, expected) in [
        (
            with(years_source(), &[], Some("unknown")),
            "default: 'unknown' is no value of",
        ),
        (
            with(date.clone(), &[], Some("2024-02-30")),
            "default: '2024-02-30' is no value of DATE",
        ),
        (
            with(flag.clone(), &[], Some("maybe")),
            "default: 'maybe' is neither true nor false",
        ),
        (with(path("status"), &[("use = ", "X")], None), "'use = '"),
        (
            with(years_source(), &[("use = 'x'", "X")], None),
            "case 'use = 'x''",
        ),
    ] {
        let problems = plan(&[("column", source)], &[]).unwrap_err();
        let words = problems[0].to_string();
        assert!(
            words.contains("context.ExplanationOfBenefit.column"),
            "{words}"
        );
        assert!(words.contains(expected), "{words}");
    }
    for (source, default) in [
        (date, "0001-01-01"),
        (flag, "true"),
        (path("meta.lastUpdated"), "2024-01-01T00:00:00Z"),
    ] {
        assert!(
            plan(&[("column", with(source, &[], Some(default)))], &[]).is_ok(),
            "{default}"
        );
    }
}

fn years_source() -> ContextSource {
    ContextSource::YearOf(vec!["billablePeriod.end".into()])
}

/// By the length that a folder's name has, `kind=` among it: 255 bytes.
#[test]
fn a_text_that_names_no_folder_is_unknown_and_reported_by_its_length_alone() {
    let table = [
        ("x".repeat(250), None),
        ("x".repeat(251), Some("251 bytes")),
        ("/".repeat(83), None),
        ("/".repeat(84), Some("252 bytes")),
        ("é".repeat(126), Some("252 bytes")),
        ("y".repeat(5_000), Some("5000 bytes")),
        ("null".to_owned(), Some("one that readers take for null")),
        (
            "__HIVE_DEFAULT_PARTITION__".to_owned(),
            Some("one that readers take for null"),
        ),
    ];
    for (text, found) in table {
        let scene = Scene::new();
        let items = r#","item":[{"sequence":1},{"sequence":2}]"#;
        let lines = vec![claim("1", &code("A")), claim("2", &(code(&text) + items))];
        scene.land(&[lines]);
        let plan = plan(&[("kind", kinds()), ("year", years())], &["kind", "year"]).unwrap();
        let outcome = transform(&scene.options(), &plan, &NoProgress).unwrap();
        let expected = if found.is_some() { "UNKNOWN" } else { &text };
        let of = |table: &str| values(&rows_in(&outcome.folder, table), "kind");
        assert_eq!(of("claim"), ["A", expected]);
        assert_eq!(of("item"), [expected, expected]);
        let rejects = std::fs::read_to_string(outcome.folder.join("rejects.ndjson")).unwrap();
        // Once, though the column is in every table and the claim has three rows.
        assert_eq!(
            rejects.lines().count(),
            usize::from(found.is_some()),
            "{rejects}"
        );
        assert_eq!(outcome.manifest.rejected_cells, u64::from(found.is_some()));
        assert_eq!(outcome.manifest.rejected_resources, 0);
        let Some(found) = found else { continue };
        let reject: claimlake_contract::Reject = serde_json::from_str(&rejects).unwrap();
        assert_eq!((reject.reason, reject.line), (RejectReason::NoPartition, 2));
        assert_eq!(
            (reject.column.as_deref(), reject.table),
            (Some("kind"), None)
        );
        assert_eq!(reject.found.as_deref(), Some(found));
        assert!(
            text.len() < 200 || !rejects.contains(&text),
            "the value is in a reject"
        );
    }
}

#[test]
fn a_view_column_that_partitions_is_reported_with_its_table() {
    let scene = Scene::new();
    let long = "z".repeat(300);
    scene.land(&[vec![claim("1", &format!(r#","status":"{long}""#))]]);
    let plan = plan(&[], &["status"]).unwrap();
    let outcome = transform(&scene.options(), &plan, &NoProgress).unwrap();
    assert_eq!(
        values(&rows_in(&outcome.folder, "claim"), "status"),
        ["UNKNOWN"]
    );
    let rejects = std::fs::read_to_string(outcome.folder.join("rejects.ndjson")).unwrap();
    let reject: claimlake_contract::Reject = serde_json::from_str(&rejects).unwrap();
    assert_eq!(reject.table.as_deref(), Some("claim"));
    assert!(
        reject.detail.contains("at most 248 bytes"),
        "{}",
        reject.detail
    );
}
