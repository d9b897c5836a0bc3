//! What the report adds up beside Medicare's payments: Part D, and amounts per member and month.
//!
//! All claims are made by hand, and every expected figure is worked out by hand from them.

use serde_json::{Value, json};

use crate::command::Bench;

const VARIABLES: &str = "https://bluebutton.cms.gov/resources/variables/";
const EOB_TYPE: &str = "https://bluebutton.cms.gov/resources/codesystem/eob-type";

/// Two patients; the first dies in March.
const PATIENTS: [&str; 2] = ["-1001", "-1002"];

/// A pipeline without the tables for questions, and without a column of current versions.
const BENCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/bench.toml");

fn coded(name: &str, code: &str) -> Value {
    json!({"coding": [{"system": format!("{VARIABLES}{name}"), "code": code}]})
}

fn patient(id: &str, death: Option<&str>) -> Value {
    let mut patient = json!({"resourceType": "Patient", "id": id, "birthDate": "1940-01-02"});
    if let Some(death) = death {
        patient["deceasedDateTime"] = death.into();
    }
    with_meta(patient)
}

fn with_meta(mut resource: Value) -> Value {
    resource["meta"] = json!({"lastUpdated": "2025-01-15T03:04:05Z"});
    resource
}

/// Codes of the months 1 to 12 of 2024.
fn coverage(part: &str, patient: &str, series: &str, codes: [&str; 12]) -> Value {
    let mut extensions = vec![json!({"url": format!("{VARIABLES}rfrnc_yr"), "valueDate": "2024"})];
    for (at, code) in codes.iter().enumerate() {
        let url = format!("{VARIABLES}{series}{:02}", at + 1);
        extensions.push(json!({"url": url, "valueCoding": {"system": url, "code": code}}));
    }
    with_meta(json!({
        "resourceType": "Coverage", "id": format!("{part}-{patient}"), "status": "active",
        "extension": extensions,
        "beneficiary": {"reference": format!("Patient/{patient}")},
        "class": [{"type": {"coding": [{"code": "plan"}]}, "value": format!("Part {part}")}],
    }))
}

fn claim(id: u32, kind: &str, patient: &str, day: &str, paid: Option<&str>) -> Value {
    let mut claim = json!({
        "resourceType": "ExplanationOfBenefit", "id": format!("{}-{id}", kind.to_lowercase()),
        "status": "active", "use": "claim",
        "type": {"coding": [{"system": EOB_TYPE, "code": kind}]},
        "patient": {"reference": format!("Patient/{patient}")},
        "billablePeriod": {"start": day, "end": day},
    });
    if let Some(paid) = paid {
        let paid: serde_json::Number = serde_json::from_str(paid).unwrap();
        claim["payment"] = json!({"amount": {"value": paid, "currency": "USD"}});
    }
    with_meta(claim)
}

fn fill(id: u32, patient: &str, day: &str, amounts: &[(&str, f64)]) -> Value {
    let mut fill = claim(id, "PDE", patient, day, None);
    let amounts = amounts.iter().map(|(name, amount)| {
        json!({"category": {"coding": [{"code": format!("{VARIABLES}{name}")}]}, "amount": {"value": amount}})
    });
    let amounts: Vec<Value> = amounts.collect();
    fill["item"] = json!([{"sequence": 1, "servicedDate": day, "adjudication": amounts}]);
    fill
}

fn lines(resources: &[Value]) -> String {
    resources.iter().map(|one| format!("{one}\n")).collect()
}

fn members() -> Vec<Value> {
    let always = ["3"; 12];
    // In a Medicare Advantage plan from July on.
    let half = [
        "0", "0", "0", "0", "0", "0", "H1", "H1", "H1", "H1", "H1", "H1",
    ];
    vec![
        patient(PATIENTS[0], Some("2024-03-10")),
        patient(PATIENTS[1], None),
        coverage("A", PATIENTS[0], "buyin", always),
        coverage("B", PATIENTS[0], "buyin", ["2"; 12]),
        coverage("A", PATIENTS[1], "buyin", always),
        coverage("B", PATIENTS[1], "buyin", always),
        coverage("C", PATIENTS[1], "ptc_cntrct_id_", half),
        coverage("D", PATIENTS[1], "ptdcntrct", ["S1"; 12]),
    ]
}

fn report(bench: &Bench) -> String {
    let arguments = ["--data", "d", "report", "--output", "-", "--unmasked"];
    bench.done(&arguments).stdout
}

/// The text of the cells of the table rows that begin with `first`.
fn rows(page: &str, first: &str) -> Vec<Vec<String>> {
    let rows = page.split("<tr>").filter_map(|row| row.split_once("</tr>"));
    let cells = rows.map(|(row, _)| {
        let cells = row.split('<').filter_map(|cell| cell.split_once('>'));
        let cells = cells.map(|(_, text)| text.to_owned());
        cells.filter(|text| !text.is_empty()).collect::<Vec<_>>()
    });
    cells
        .filter(|cells| cells.first().is_some_and(|cell| cell == first))
        .collect()
}

#[test]
fn spending_is_divided_by_months_enrolled_and_only_that_of_these_months() {
    let bench = Bench::new();
    let mut all = members();
    let mut cancelled = claim(7, "CARRIER", PATIENTS[1], "2024-02-01", Some("70.00"));
    cancelled["status"] = "cancelled".into();
    let mut of_a_plan = claim(8, "INPATIENT", PATIENTS[1], "2024-02-01", Some("800.00"));
    of_a_plan["supportingInfo"] = json!([{
        "sequence": 1,
        "category": {"coding": [{"code": format!("{VARIABLES}clm_mco_pd_sw")}]},
        "code": coded("clm_mco_pd_sw", "1"),
    }]);
    all.extend([
        claim(1, "CARRIER", PATIENTS[0], "2024-02-05", Some("100.00")),
        // After the death, in a plan, in a year that no coverage speaks of.
        claim(2, "CARRIER", PATIENTS[0], "2024-05-05", Some("50.00")),
        claim(3, "CARRIER", PATIENTS[1], "2024-08-05", Some("30.00")),
        claim(4, "CARRIER", PATIENTS[1], "2021-08-05", Some("11.00")),
        claim(5, "OUTPATIENT", PATIENTS[1], "2024-01-31", Some("8.01")),
        cancelled,
        of_a_plan,
        fill(
            9,
            PATIENTS[1],
            "2024-10-10",
            &[
                ("cvrd_d_plan_pd_amt", 20.0),
                ("ncvrd_plan_pd_amt", 5.5),
                ("ptnt_pay_amt", 3.0),
                ("tot_rx_cst_amt", 30.25),
            ],
        ),
        fill(10, PATIENTS[1], "2024-11-10", &[("ptnt_pay_amt", 4.0)]),
        fill(
            11,
            PATIENTS[0],
            "2024-02-10",
            &[("cvrd_d_plan_pd_amt", 40.0), ("lics_amt", 1.0)],
        ),
    ]);
    bench.load("d", "all.ndjson", &lines(&all));
    let page = report(&bench);
    let rows = rows(&page, "2024");
    assert_eq!(rows.len(), 4, "{rows:?}");
    // By plans 25.50 and 40.00 of three fills; one fill says nothing of them.
    assert_eq!(
        rows[0],
        [
            "2024",
            "3",
            "$66 (payment known of 2 of 3)",
            "$7 (payment known of 2 of 3)",
            "$1 (payment known of 1 of 3)",
            "$30 (payment known of 1 of 3)",
        ]
    );
    // Until death 3 months, before the plan 6 months: 108.01 / 9.
    assert_eq!(rows[1], ["2024", "2", "9", "$108", "$12.00"]);
    assert!(
        page.contains("3 current claims ($91) began outside of these months"),
        "{page}"
    );
    // Only the second patient has Part D: 25.50 / 12 and 7.00 / 12.
    assert_eq!(
        rows[2],
        ["2024", "1", "12", "$26 (payment known of 1 of 2)", "$2.13"]
    );
    assert_eq!(rows[3], ["2024", "1", "12", "$7", "$0.58"]);
    assert!(
        page.contains("<b>$199</b><span>paid by Medicare<"),
        "{page}"
    );
    assert!(
        page.contains("<b>$66</b><span>paid by plans for Part D<"),
        "{page}"
    );
    assert!(
        page.contains("Left out of all sums: 1 current claim paid by a Medicare Advantage plan")
    );
    let ended = bench.done(&["--data", "d", "report", "--unmasked"]);
    ended.says("by Medicare: $199 (v2)");
    ended.says("$12.00 per member and month, 9 member months (v2)");
    ended.says("left out: 1 current claim paid by a Medicare Advantage plan");
    let summary = bench
        .done(&["--data", "d", "--json", "report", "--unmasked"])
        .summary();
    let paid = &summary["report"]["paid"];
    assert_eq!(
        paid[0],
        json!({
            "source_api": "v2", "kind": null, "name": "paid by Medicare",
            "total": {"claims": 5, "claims_with_payment": 5, "paid": "199.01", "is_shown": true},
        })
    );
    let names: Vec<_> = paid
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        names[1..],
        [
            "paid by plans",
            "paid by patients",
            "low-income subsidy",
            "total cost"
        ]
    );
    assert_eq!(
        paid[1]["total"],
        json!({"claims": 3, "claims_with_payment": 2, "paid": "65.50", "is_shown": true})
    );
    assert_eq!(paid[1]["years"][0]["year"], 2024);
    assert_eq!(paid[1]["years"][0]["paid"], "65.50");
    let each = &summary["report"]["per_member_month"];
    assert_eq!(
        each[0]["total"],
        json!({
            "members": 2, "member_months": 9, "paid": "108.01", "per_member_month": "12.00", "is_shown": true,
        })
    );
    assert_eq!(each[1]["years"][0]["paid"], "25.50");
    assert_eq!(each[1]["years"][0]["per_member_month"], "2.13");
    // Two patients are few.
    let masked = bench.done(&["--data", "d", "--json", "report"]).summary();
    let masked = &masked["report"];
    let hidden =
        json!({"claims": null, "claims_with_payment": null, "paid": null, "is_shown": false});
    assert_eq!(masked["paid"][0]["total"], hidden);
    assert_eq!(masked["paid"][1]["total"], hidden);
    assert_eq!(
        masked["per_member_month"][0]["total"],
        json!({
            "members": null, "member_months": null, "paid": null, "per_member_month": null, "is_shown": false,
        })
    );
    let ended = bench.done(&["--data", "d", "report"]);
    ended.says("Parts A and B, paid by Medicare: not shown, months not shown (v2)");
}

#[test]
fn without_enrolment_nothing_is_divided() {
    let bench = Bench::new();
    let all = [
        claim(1, "CARRIER", PATIENTS[1], "2024-02-05", Some("100.00")),
        fill(2, PATIENTS[1], "2024-10-10", &[]),
    ];
    bench.load("d", "all.ndjson", &lines(&all));
    let page = report(&bench);
    assert!(
        page.contains("Not divided: no month is known in which a patient was enrolled in Part D."),
        "{page}"
    );
    assert!(
        !page.contains("$0") && !page.contains("per member and month</tr>"),
        "{page}"
    );
    assert_eq!(
        rows(&page, "2024"),
        [[
            "2024",
            "1",
            "not known",
            "not known",
            "not known",
            "not known"
        ]]
    );
    let ended = bench.done(&["--data", "d", "report", "--unmasked"]);
    ended.says("Part D, paid by plans: not divided, no enrolment is known (v2)");
}

#[test]
fn a_lake_without_the_tables_for_questions_has_a_report() {
    let bench = Bench::new();
    let all = [claim(1, "PDE", PATIENTS[1], "2024-02-05", None)];
    std::fs::write(bench.path().join("all.ndjson"), lines(&all)).unwrap();
    for arguments in [
        &["import", "all.ndjson", "--api", "v2"][..],
        &["run", "--from", "transform"],
        &["report", "--output", "r.html"],
    ] {
        bench.done(&[&["--pipeline", BENCH, "--data", "d"][..], arguments].concat());
    }
}
