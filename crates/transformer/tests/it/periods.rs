//! Rows that are kept by period have keys and landing orders of their own.

use std::collections::BTreeMap;

use claimlake_contract::{ApiVersion, NoProgress, ResourceType, landing_order, period_order};
use claimlake_transformer::{
    ContextColumn, ContextSource, Part2, Plan, PlanInput, ViewText, transform,
};
use claimlake_viewdef::derive::{Derivation, Keep};

use crate::scene::{Rows, Scene, claim, rows_in};

/// Claims with a table of their items, whose rows are kept by the year of the item.
fn plan(keep: Keep) -> Plan {
    let view = |name: &str, select: &str| ViewText {
        place: name.into(),
        text: format!(
            r#"{{"resourceType":"ViewDefinition","name":"{name}","resource":"ExplanationOfBenefit","select":[{select}]}}"#
        ),
    };
    let date = r#""type":"date","tag":[{"name":"ansi/type","value":"DATE"}]"#;
    let item = format!(
        r#"{{"forEach":"item","column":[{{"name":"day","path":"serviced.ofType(date)",{date}}}]}}"#
    );
    let patient = ContextColumn {
        name: "patient_id".into(),
        source: ContextSource::Path("patient.getReferenceKey(Patient)".into()),
    };
    let derivation = Derivation {
        keep: Some(keep),
        ..Derivation::default()
    };
    Plan::compile(&PlanInput {
        views: vec![
            view("claim", r#"{"column":[{"name":"id","path":"id"}]}"#),
            view("item", &item),
        ],
        context: vec![(ResourceType::explanation_of_benefit(), vec![patient])],
        derive: vec![("item".into(), derivation)],
        part2: Part2::Drop,
        ..PlanInput::default()
    })
    .unwrap()
}

fn by_day(only: &[&str]) -> Keep {
    let only = only.iter().map(|api| (*api).to_owned()).collect::<Vec<_>>();
    let of_apis = BTreeMap::from([("source_api".to_owned(), only.clone())]);
    Keep {
        year_of: "day".into(),
        only: if only.is_empty() {
            BTreeMap::new()
        } else {
            of_apis
        },
    }
}

fn with_items(id: &str, days: &[&str]) -> String {
    let item = |day: &&str| match day.is_empty() {
        true => "{\"sequence\":1}".to_owned(),
        false => format!(r#"{{"sequence":1,"servicedDate":"{day}"}}"#),
    };
    let items: Vec<String> = days.iter().map(item).collect();
    let rest = format!(
        r#","meta":{{"lastUpdated":"2026-01-02T00:00:00Z"}},"item":[{}]"#,
        items.join(",")
    );
    claim(id, &rest)
}

/// The keys and the landing orders of the items.
fn staged(lines: &[String], keep: Keep) -> (Rows, Vec<u64>, usize) {
    let scene = Scene::new();
    scene.land(&[lines.to_vec()]);
    let outcome = transform(&scene.options(), &plan(keep), &NoProgress).unwrap();
    let items = rows_in(&outcome.folder, "item");
    let order = |row: &BTreeMap<String, Option<String>>| {
        let order = row["_landing_order"].as_ref().unwrap();
        order.parse().unwrap()
    };
    let orders = items.iter().map(order).collect();
    let resources = outcome.manifest.resources as usize;
    (rows_in(&outcome.folder, "_keys"), orders, resources)
}

fn cells(keys: &Rows, names: [&str; 2]) -> Vec<String> {
    let cell = |row: &BTreeMap<String, Option<String>>, name: &str| row[name].clone().unwrap();
    let both = |row| names.map(|name| cell(row, name)).join(" ");
    keys.iter().map(both).collect()
}

#[test]
fn a_body_has_a_key_for_each_year_of_its_rows_with_an_order_that_the_rows_have() {
    let lines = [
        with_items("a", &["2023-05-01", "2021-01-01", "", "2023-01-01"]),
        with_items("b", &[]),
        with_items("c", &["2021-07-01"]),
    ];
    let (keys, orders, resources) = staged(&lines, by_day(&[]));
    let expected = [
        "ExplanationOfBenefit a",
        "ExplanationOfBenefit b",
        "ExplanationOfBenefit c",
        "ExplanationOfBenefit.item a|2021",
        "ExplanationOfBenefit.item a|2023",
        "ExplanationOfBenefit.item c|2021",
    ];
    assert_eq!(cells(&keys, ["_resource_type", "_id"]), expected);
    let body = |line: u32| landing_order(0, line + 1);
    let year = |line, index| period_order(body(line), index).unwrap();
    let of_rows = [year(0, 1), year(0, 0), body(0), year(0, 1), year(2, 0)];
    assert_eq!(orders, of_rows);
    let of_keys = [
        body(0),
        body(1),
        body(2),
        year(0, 0),
        year(0, 1),
        year(2, 0),
    ];
    let found = keys
        .iter()
        .map(|key| key["_landing_order"].clone().unwrap());
    assert!(found.eq(of_keys.map(|order| order.to_string())));
    // All else is the body's.
    for name in ["_api", "_content_hash", "_last_updated", "_patient"] {
        assert_eq!(keys[3][name], keys[0][name]);
        assert_eq!(keys[5][name], keys[2][name]);
    }
    assert_eq!(resources, 3);
}

#[test]
fn a_body_without_rows_by_the_pipeline_ends_all_years_and_other_apis_have_none() {
    let label = r#""meta":{"security":[{"code":"42CFRPart2"}],"#;
    let labelled = with_items("a", &["2023-05-01"]).replace(r#""meta":{"#, label);
    let (keys, orders, _) = staged(&[labelled], by_day(&[ApiVersion::V2.as_str()]));
    assert!(orders.is_empty());
    let expected = ["ExplanationOfBenefit a", "ExplanationOfBenefit.item a|"];
    assert_eq!(cells(&keys, ["_resource_type", "_id"]), expected);
    assert_eq!(keys[1]["_content_hash"], Some("0".repeat(32)));
    let (keys, orders, _) = staged(&[with_items("a", &["2023-05-01"])], by_day(&["v3"]));
    assert_eq!(keys.len(), 1);
    assert_eq!(orders, [1]);
}

#[test]
fn the_last_years_of_a_body_with_too_many_are_one_period() {
    let days: Vec<String> = (0..300)
        .map(|year| format!("{:04}-01-01", 1700 + year))
        .collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let (keys, orders, _) = staged(&[with_items("a", &days)], by_day(&[]));
    assert_eq!(keys.len(), 1 + 256);
    assert_eq!(keys[256]["_id"].as_deref(), Some("a|1955"));
    assert_eq!(orders.len(), 300);
    let last = period_order(1, 255).unwrap();
    assert!(orders[255..].iter().all(|order| *order == last));
    assert!(orders[..256].is_sorted_by(|one, next| one < next));
}
