//! From a row back to the raw line: each amount of a claim of every type, read from the raw JSON by
//! no code of claimlake's.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::Bench;

const TYPES: [&str; 8] = [
    "CARRIER",
    "PDE",
    "OUTPATIENT",
    "INPATIENT",
    "DME",
    "SNF",
    "HHA",
    "HOSPICE",
];

/// What `trace --table` says of one claim.
struct Trace {
    landed: Value,
    cells: Vec<Value>,
}

fn trace_of(bench: &Bench, id: &str, table: &str) -> Trace {
    let arguments = ["--json", "--data", "d", "trace", id, "--table", table];
    let stdout = bench.done(&arguments).stdout;
    let events = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let events: Vec<Value> = events.collect();
    let of = |event: &str| {
        let wanted = events.iter().filter(|one| one["event"] == event);
        wanted.cloned().collect::<Vec<Value>>()
    };
    let landed = of("landed");
    assert_eq!(landed.len(), 1, "{id}");
    Trace {
        landed: landed[0].clone(),
        cells: of("cell"),
    }
}

/// The raw line that an event names, from the frame it names.
fn raw_line(data: &Path, landed: &Value) -> Value {
    let part = data.join(landed["file"].as_str().unwrap());
    let manifest = fs::read(part.with_file_name("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let frames = manifest["parts"][0]["frames"].as_array().unwrap().clone();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let frame = number(&landed["frame"]);
    let before: usize = frames[..frame]
        .iter()
        .map(|one| number(&one["lines"]))
        .sum();
    let (offset, length) = (
        number(&frames[frame]["offset"]),
        number(&frames[frame]["length"]),
    );
    let body = fs::read(&part).unwrap();
    let text = zstd::decode_all(&body[offset..offset + length]).unwrap();
    let line = number(&landed["line"]) - before - 1;
    let text = String::from_utf8(text).unwrap();
    serde_json::from_str(text.lines().nth(line).unwrap()).unwrap()
}

/// The digits of an amount, without zeros that say nothing; empty for none.
fn digits(amount: &Value) -> String {
    match amount.as_number() {
        None => String::new(),
        Some(number) => {
            let text = number.to_string();
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

fn cells_of(trace: &Trace, column: &str) -> Vec<String> {
    let cells = trace.cells.iter().filter(|cell| cell["column"] == column);
    cells.map(|cell| digits(&cell["value"])).collect()
}

fn elements<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

fn every_amount_leads_back(api: &str) {
    let bench = Bench::new();
    let made = [
        "sandbox",
        "generate",
        "--patients",
        "12",
        "--eobs",
        "60",
        "--seed",
        "8",
        "--api",
        api,
        "--resource",
        "ExplanationOfBenefit",
        "--output",
        "claims.ndjson",
    ];
    bench.done(&made);
    bench.done(&["--data", "d", "import", "--api", api, "claims.ndjson"]);
    let claims = fs::read_to_string(bench.path().join("claims.ndjson")).unwrap();
    let claims: Vec<Value> = claims
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for claim_type in TYPES {
        let is_it = |claim: &&Value| {
            elements(&claim["type"], "coding").any(|coding| coding["code"] == claim_type)
                && elements(claim, "item").any(|item| !item["adjudication"].is_null())
        };
        let claim = claims.iter().find(is_it);
        let claim = claim.unwrap_or_else(|| panic!("{api}: no {claim_type} with amounts"));
        let id = claim["id"].as_str().unwrap();

        let trace = trace_of(&bench, id, "eob_item_adjudication");
        let raw = raw_line(&bench.path().join("d"), &trace.landed);
        assert_eq!(&raw, claim, "{api} {claim_type}");
        let expected: Vec<String> = elements(&raw, "item")
            .flat_map(|item| elements(item, "adjudication"))
            .map(|adjudication| digits(&adjudication["amount"]["value"]))
            .collect();
        assert!(
            expected.iter().any(|amount| !amount.is_empty()),
            "{claim_type}"
        );
        assert_eq!(cells_of(&trace, "amount"), expected, "{api} {claim_type}");
        let expression = "∀item › ∀adjudication › amount.value";
        let amounts = trace.cells.iter().filter(|cell| cell["column"] == "amount");
        for amount in amounts {
            assert_eq!(amount["expression"], expression, "{api} {claim_type}");
        }

        let header = trace_of(&bench, id, "eob");
        let payment = digits(&raw["payment"]["amount"]["value"]);
        assert_eq!(
            cells_of(&header, "payment_amount"),
            [payment],
            "{api} {claim_type}"
        );
        assert_eq!(header.landed["standing"], "newest");
    }
}

#[test]
fn every_amount_of_a_v2_claim_of_each_type_leads_back_to_its_raw_line() {
    every_amount_leads_back("v2");
}

#[test]
fn every_amount_of_a_v3_claim_of_each_type_leads_back_to_its_raw_line() {
    every_amount_leads_back("v3");
}

#[test]
fn a_body_that_the_views_refuse_never_counts_however_new_it_is() {
    let bench = Bench::new();
    let body = |updated: &str, rest: &str| {
        format!(
            r#"{{"resourceType":"Coverage","id":"part-a-1","meta":{{"lastUpdated":"{updated}"}},"status":"active"{rest}}}"#
        )
    };
    let lines = [
        body("2024-01-01T00:00:00Z", ""),
        body("2025-01-01T00:00:00Z", ""),
        // A key that comes twice.
        body("2026-01-01T00:00:00Z", r#","status":"draft""#),
    ];
    bench.write("three.ndjson", &lines.join("\n"));
    bench.run(&["--data", "d", "import", "--api", "v2", "three.ndjson"]);
    let stdout = bench
        .done(&["--json", "--data", "d", "trace", "part-a-1"])
        .stdout;
    let standings: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["event"] == "landed")
        .map(|event| event["standing"].clone())
        .collect();
    assert_eq!(standings, ["superseded", "newest", "refused"]);
}
