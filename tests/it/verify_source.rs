//! What a source sends against the standard, or against itself, is no damage of ours.

use serde_json::Value;

use crate::command::{Bench, words};

#[test]
fn fine_instants_are_cut_and_money_of_a_double_is_rounded_and_verify_agrees() {
    let bench = Bench::new();
    let person = |id: &str, at: &str| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"meta\":{{\"lastUpdated\":\"{at}\"}}}}\n"
        )
    };
    let claim = |id: &str, amount: &str| {
        format!(
            "{{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"{id}\",\
             \"meta\":{{\"lastUpdated\":\"2026-01-02T03:04:05.12345678901Z\"}},\
             \"patient\":{{\"reference\":\"Patient/-1\"}},\
             \"payment\":{{\"amount\":{{\"value\":{amount}}}}}}}\n"
        )
    };
    let fine = person("-1", "2026-01-02T03:04:05.1234567Z");
    let whole = person("-2", "2026-01-02T03:04:05.123456000Z");
    bench.write("people.ndjson", &(fine + &whole));
    let claims = claim("-1", "1308.6999999999998")
        + &claim("-2", "-3.0000000000000004e-1")
        + &claim("-3", "12.50")
        + &claim("-4", "12.125");
    bench.write("claims.ndjson", &claims);
    let files = ["people.ndjson", "claims.ndjson"];
    bench.done(&["--data", "d", "import", "--api", "v2", files[0], files[1]]);
    let made = bench.run(&["--json", "--data", "d", "transform"]);
    let summary = made.summary();
    assert_eq!(summary["transform"]["resources"], 6);
    assert_eq!(summary["transform"]["rejected_resources"], 0);
    // Three tables have the amount: `eob`, `claim`, and `claim_line`, which gives it to the lines.
    assert_eq!(summary["transform"]["rounded_cells"], 6, "{summary}");
    assert_eq!(summary["transform"]["rejected_cells"], 3, "{summary}");
    let load = bench.done(&["--data", "d", "load"]);
    load.says("0 resources and 3 cells");
    let records = bench.path().join("d/transformed");
    let record = std::fs::read_dir(records).unwrap().next().unwrap().unwrap();
    let rejects = std::fs::read_to_string(record.path().join("rejects.ndjson")).unwrap();
    let mut columns = Vec::new();
    for line in rejects.lines() {
        let reject: Value = serde_json::from_str(line).unwrap();
        assert_eq!(reject["reason"], "too_many_digits");
        let detail =
            "expected DECIMAL(18,2), found number with 3 decimals, 2 fit: the cell is null";
        assert_eq!(reject["detail"], detail);
        columns.push(reject["column"].as_str().unwrap_or_default().to_owned());
    }
    columns.sort_unstable();
    assert_eq!(
        columns,
        ["claim_paid_amount", "paid_amount", "payment_amount"]
    );
    bench.done(&["--data", "d", "verify"]);
}

/// What a source may send against the standard, or against itself, is no damage of ours.
#[test]
fn odd_bodies_of_the_source_are_warnings_at_most() {
    let members = [
        r#""item":[null,{"sequence":1,"adjudication":[null,{"category":{"text":"a"}}]}]"#,
        r#""item":{"sequence":1,"adjudication":{"category":{"text":"a"}}}"#,
        r#""item":["x",{"sequence":1}]"#,
        r#""item":[[{"sequence":1}],{"sequence":2}]"#,
        r#""item":[],"total":[{}],"insurance":[]"#,
        r#""item":[{"sequence":1,"diagnosisSequence":[1.0,"1",null,9]}],"diagnosis":[{"sequence":1},{"sequence":1}]"#,
        r#""careTeam":[{"sequence":1,"provider":null}],"_item":[{"id":"q"}]"#,
        r#""diagnosis":[{"sequence":1,"type":[{"coding":null},{"coding":[]},null]}]"#,
        r##""contained":[{"resourceType":"Organization","id":"a"},{"resourceType":"Organization","id":"a"}],"provider":{"reference":"#zz"}"##,
        r#""it\u0065m":[{"sequence":1,"informationSequence":[7]}]"#,
        r#""item":[{"s\u0065quence":1,"careTeamSequence":[2]}],"extension":[null,"x",{"url":"u"}]"#,
    ];
    let bench = Bench::new();
    let mut text = String::new();
    for (number, members) in members.iter().enumerate() {
        text.push_str(&format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"carrier--{number}","status":"active","patient":{{"reference":"Patient/-1"}},{members}}}"#
        ));
        text.push('\n');
    }
    bench.import("d", "odd.ndjson", &text);
    // Cells that fit no column are rejects; the lake has the rest.
    bench.run(&["--data", "d", "transform"]);
    bench.done(&["--data", "d", "load"]);
    let verified = bench.run(&["--json", "--data", "d", "verify"]);
    assert_eq!(verified.exit, 0, "{}", verified.stdout);
    let checks = verified.summary()["verify"]["checks"].clone();
    let failed = |name: &str| {
        let mut checks = checks.as_array().unwrap().iter();
        let check = checks.find(|check| check["name"] == name).unwrap();
        (check["severity"].clone(), check["failed"].as_u64().unwrap())
    };
    let (severity, links) = failed("claim_links");
    assert_eq!(severity, "warning");
    assert!(links >= 5, "{links}");
    assert_eq!(failed("claim_sequences"), ("warning".into(), 1));
    assert!(
        !verified.stdout.contains("import it again"),
        "{}",
        verified.stdout
    );
}

/// Resources that the transform refuses have landed all the same.
#[test]
fn a_resource_that_makes_no_rows_does_not_make_its_patient_incomplete() {
    let bench = Bench::new();
    let faults = words("--fault duplicate-key:only=eob --patients 2 --eobs 12");
    let sandbox = crate::servers::Sandbox::start(&bench, &faults);
    sandbox.consent(&bench);
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    let ran = run(&["run"]);
    assert_eq!(ran.exit, 3, "one of a dozen is refused: {}", ran.stderr);
    for loaded in [true, false] {
        let verified = run(&["--json", "verify"]);
        let checks = verified.summary()["verify"]["checks"].clone();
        let mut states = checks.as_array().unwrap().iter();
        let states = states.find(|check| check["name"] == "extract_status");
        assert_eq!(states.unwrap()["failed"], 0, "{loaded} {checks}");
        assert_eq!(verified.exit, 0, "{loaded}: {}", verified.stderr);
        // What is not loaded yet is looked at in another way.
        assert_eq!(run(&["extract", "--full"]).exit, 0);
    }
}
