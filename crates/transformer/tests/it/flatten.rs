//! Views over resources in memory.

use std::collections::BTreeMap;

use claimlake_contract::{ApiVersion, Reject, RejectReason};
use claimlake_transformer::{Flattener, Output, Plan, PlanInput, TransformError};

use crate::scene::{Rows, Scene, append_rows, claim, views};

/// Tables and rejects of lines that come one by one.
fn flattened(flattener: &mut Flattener, lines: &[&str]) -> (BTreeMap<String, Rows>, Vec<Reject>) {
    let (mut tables, mut rejects) = (BTreeMap::<String, Rows>::new(), Vec::new());
    let mut take = |output: Output<'_>| {
        match output {
            Output::Rows(table, batch) => {
                append_rows(batch, tables.entry(table.to_owned()).or_default());
            }
            Output::Reject(reject) => rejects.push(reject.clone()),
        }
        Ok::<_, TransformError>(())
    };
    for (number, line) in (1..).zip(lines) {
        let pushed = flattener.push("input", number, line.as_bytes(), &mut take);
        pushed.unwrap();
    }
    flattener.flush(&mut take).unwrap();
    (tables, rejects)
}

#[test]
fn rows_are_those_of_a_transform_without_the_landing_order() {
    let scene = Scene::new();
    let lines: Vec<String> = (0..300)
        .map(|number| {
            let item =
                r#","item":[{"sequence":1},{"sequence":2}],"payment":{"amount":{"value":1.5}}"#;
            claim(&number.to_string(), item)
        })
        .collect();
    scene.land(std::slice::from_ref(&lines));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut flattener = Flattener::new(scene.plan(), ApiVersion::V2);
    let (tables, rejects) = flattened(&mut flattener, &lines);
    assert_eq!(rejects, []);
    let staged = scene.transform();
    for table in ["claim", "item"] {
        let mut expected = staged.rows(table);
        for row in &mut expected {
            row.remove("_landing_order");
        }
        assert_eq!(tables[table], expected, "{table}");
    }
    assert_eq!(tables["item"].len(), 600);
    let named = flattener.tables().map(|(name, schema)| {
        let last = schema.fields().last().unwrap().name().clone();
        (name.to_owned(), last)
    });
    let named: Vec<(String, String)> = named.collect();
    assert_eq!(
        named,
        [
            ("claim".into(), "start".into()),
            ("item".into(), "code".into())
        ]
    );
}

#[test]
fn types_may_alternate_and_what_is_refused_is_named_by_its_line() {
    let plan = Plan::compile(&PlanInput {
        views: views(),
        ..PlanInput::default()
    })
    .unwrap();
    let mut flattener = Flattener::new(plan, ApiVersion::V3);
    let (a, b) = (claim("a", r#","status":{}"#), claim("b", ""));
    let lines = [
        a.as_str(),
        r#"{"resourceType":"Patient","id":"p"}"#,
        "{",
        "[]",
        "{\n \"resourceType\": \"ExplanationOfBenefit\",\n \"id\": \"c\"\n}",
        r#"{"resourceType":"ExplanationOfBenefit"}"#,
        b.as_str(),
    ];
    let (tables, rejects) = flattened(&mut flattener, &lines);
    let column = |name: &str| -> Vec<Option<String>> {
        let rows = tables["claim"].iter();
        rows.map(|row| row[name].clone()).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(column("id"), [text("a"), text("c"), text("b")]);
    assert_eq!(column("source_api"), [text("v3"), text("v3"), text("v3")]);
    let mut found: Vec<(u64, RejectReason)> = rejects
        .iter()
        .map(|reject| (reject.line, reject.reason))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (1, RejectReason::WrongType),
            (3, RejectReason::NotJson),
            (4, RejectReason::NotFhir),
            (6, RejectReason::MissingId),
        ]
    );
    let counts = flattener.counts();
    assert_eq!(counts.resources, 7);
    assert_eq!(counts.without_view, 1);
    assert_eq!(counts.rejected_resources, 3);
    assert_eq!(counts.rejected_cells, 1);
}
