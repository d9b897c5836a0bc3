//! Claims of other payers in the CARIN Blue Button profiles, by `import`. The bodies are written by hand after
//! the guide (C4BB 2.1.0) and after Synthea's Bundles; the cells follow from what is said of each amount there.

use std::collections::BTreeMap;

use crate::command::{Bench, Ended};
use crate::lake_rows::{cell, rows_below};

const PROFILE: &str =
    "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-";

/// A Patient without a word of where it is from.
const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","birthDate":"1970-02-03"}"#;

/// A claim: its id, profile and status, HL7's type, and members after those.
fn claim(id: &str, profile: &str, status: &str, kind: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","meta":{{"lastUpdated":"2026-03-01T00:00:00Z","profile":["{PROFILE}{profile}"]}},"status":"{status}","use":"claim","outcome":"complete","type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"{kind}"}}]}},"patient":{{"reference":"Patient/p1"}},"created":"2026-02-20","billablePeriod":{{"start":"2026-01-05","end":"2026-01-06"}},"identifier":[{{"type":{{"coding":[{{"code":"uc"}}]}},"system":"https://payer.example/claims","value":"U-{id}"}}]{more}}}"#
    )
}

/// An amount of a category with its code system (`s`), without (`n`), or of a text alone (`t`).
fn amount(form: char, category: &str, dollars: &str) -> String {
    let system = match category {
        "submitted" | "eligible" | "benefit" | "deductible" | "copay" => {
            "http://terminology.hl7.org/CodeSystem/adjudication"
        }
        _ => "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication",
    };
    let category = match form {
        's' => format!(r#"{{"coding":[{{"system":"{system}","code":"{category}"}}]}}"#),
        'n' => format!(r#"{{"coding":[{{"code":"{category}"}}]}}"#),
        _ => format!(r#"{{"text":"{category}"}}"#),
    };
    format!(r#"{{"category":{category},"amount":{{"value":{dollars},"currency":"USD"}}}}"#)
}

fn amounts(form: char, all: &[(&str, &str)]) -> String {
    let all = all.iter();
    let all: Vec<String> = all
        .map(|(category, dollars)| amount(form, category, dollars))
        .collect();
    all.join(",")
}

fn line(sequence: u32, adjudication: &str) -> String {
    format!(
        r#"{{"sequence":{sequence},"servicedDate":"2026-01-05","productOrService":{{"coding":[{{"system":"http://www.ama-assn.org/go/cpt","code":"99213"}}]}},"adjudication":[{adjudication}]}}"#
    )
}

fn claims() -> Vec<String> {
    let all = [
        ("submitted", "250.00"),
        ("eligible", "120.00"),
        ("benefit", "90.00"),
        ("deductible", "10.00"),
        ("memberliability", "30.00"),
    ];
    let of_line = [
        ("submitted", "100.00"),
        ("eligible", "70.00"),
        ("benefit", "40.00"),
    ];
    let other_line = [
        ("submitted", "150.00"),
        ("eligible", "50.00"),
        ("benefit", "50.00"),
    ];
    let with_systems = format!(
        r#","provider":{{"reference":"Organization/o1"}},"total":[{}],"item":[{},{}]"#,
        amounts('s', &all),
        line(1, &amounts('s', &of_line)),
        line(2, &amounts('s', &other_line))
    );
    let without = format!(
        r##","contained":[{{"resourceType":"Organization","id":"o","identifier":[{{"system":"http://hl7.org/fhir/sid/us-npi","value":"1234567893"}}]}}],"provider":{{"reference":"#o"}},"total":[{}]"##,
        amounts('n', &[("submitted", "80.00"), ("paidtoprovider", "60.00")])
    );
    let texts = format!(
        r#","total":[{}]"#,
        amounts(
            't',
            &[
                ("Submitted Amount", "15.00"),
                ("Benefit Amount", "12.00"),
                ("Patient Pay Amount", "3.00"),
                ("Handling", "1.00")
            ]
        )
    );
    let inpatient = r#","subType":{"coding":[{"code":"inpatient"}]}"#;
    let professional = "Professional-NonClinician|2.1.0";
    vec![
        PATIENT.to_owned(),
        claim("c1", professional, "active", "professional", &with_systems),
        claim("c2", "Oral|2.1.0", "active", "oral", &without),
        claim("c3", "Pharmacy", "active", "pharmacy", &texts),
        claim(
            "c4",
            professional,
            "cancelled",
            "professional",
            &with_systems,
        ),
        claim(
            "c5",
            "Inpatient-Institutional-Basis|2.1.0",
            "active",
            "institutional",
            inpatient,
        ),
    ]
}

fn run(bench: &Bench, arguments: &[&str]) -> Ended {
    bench.run(&[&["--json", "--data", "d"], arguments].concat())
}

/// Imports, makes the lake and verifies it: the summary of `import`, and how many warnings there are.
fn lake(bench: &Bench, import: &[&str]) -> (serde_json::Value, Ended) {
    let imported = run(bench, &[&["import"], import].concat()).exits(0);
    run(bench, &["transform"]).exits(0);
    run(bench, &["load"]).exits(0);
    let verified = run(bench, &["verify"]).exits(0);
    (imported.summary()["import"].clone(), verified)
}

/// Cells of a table, by the claim: in the order of the rows' claims and lines.
fn cells(bench: &Bench, table: &str, columns: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows_below(&bench.path().join("d/lake/current").join(table)) {
        assert_eq!(cell(&row, "source_api").to_string(), "\"carin\"");
        let id = cell(&row, "eob_id").to_string().replace('"', "");
        let cells = columns.iter();
        let cells: Vec<String> = cells
            .map(|name| cell(&row, name).to_string().replace('"', ""))
            .collect();
        found.entry(id).or_default().push(cells.join(" "));
    }
    found.values_mut().for_each(|rows| rows.sort());
    found
}

/// The API version of each row of a table.
fn cells_of(bench: &Bench, table: &str) -> Vec<String> {
    let rows = rows_below(&bench.path().join("d/lake/current").join(table));
    let apis = rows.iter().map(|row| cell(row, "source_api").to_string());
    apis.map(|api| api.replace('"', "")).collect()
}

fn expected(rows: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect();
    rows.iter()
        .map(|(id, rows)| ((*id).to_owned(), owned(rows)))
        .collect()
}

#[test]
fn claims_of_other_payers_are_known_by_their_profiles_and_make_the_tables_for_questions() {
    let bench = Bench::new();
    bench.write("in.ndjson", &claims().join("\n"));
    let (imported, verified) = lake(&bench, &["in.ndjson"]);
    // The Patient says nothing: it follows the claims of its file.
    assert_eq!(imported["by_type"]["carin/ExplanationOfBenefit"], 5);
    assert_eq!(imported["by_type"]["carin/Patient"], 1);
    let money = [
        "claim_id",
        "claim_type",
        "is_current",
        "charge_amount",
        "allowed_amount",
        "paid_amount",
        "patient_responsibility_amount",
        "deductible_amount",
        "billing_npi",
    ];
    assert_eq!(
        cells(&bench, "claim", &money),
        expected(&[
            (
                "c1",
                &["U-c1 professional true 250.00 120.00 90.00 30.00 10.00 null"]
            ),
            // What the payer paid to the provider, where it does not say the benefit.
            (
                "c2",
                &["U-c2 oral true 80.00 null 60.00 null null 1234567893"]
            ),
            (
                "c3",
                &["U-c3 pharmacy true 15.00 null 12.00 3.00 null null"]
            ),
            (
                "c4",
                &["U-c4 professional false 250.00 120.00 90.00 30.00 10.00 null"]
            ),
            (
                "c5",
                &["U-c5 institutional true null null null null null null"]
            ),
        ])
    );
    let of_lines = [
        "claim_line_number",
        "hcpcs_code",
        "charge_amount",
        "allowed_amount",
        "paid_amount",
        "paid_amount_allocated",
        "is_synthetic_line",
    ];
    let two: &[&str] = &[
        "1 99213 100.00 70.00 40.00 40.00 false",
        "2 99213 150.00 50.00 50.00 50.00 false",
    ];
    assert_eq!(
        cells(&bench, "claim_line", &of_lines),
        expected(&[
            ("c1", two),
            ("c2", &["1 null null null null 60.00 true"]),
            ("c3", &["1 null null null null 12.00 true"]),
            ("c4", two),
            ("c5", &["1 null null null null null true"]),
        ])
    );
    // The category without a meaning of ours is in the lossless table, under its words.
    let totals = cells(&bench, "eob_total", &["amount", "category_display"]);
    assert!(
        totals["c3"].contains(&"1.00 Handling".to_owned()),
        "{totals:?}"
    );
    let kinds = bench.path().join("d/lake/current/claim");
    for kind in ["PROFESSIONAL", "ORAL", "PHARMACY", "INSTITUTIONAL"] {
        assert!(kinds.join(format!("eob_type={kind}")).is_dir(), "{kind}");
    }
    // c5 is the one claim of a profile without amounts.
    assert_eq!(verified.summary()["verify"]["warnings"], 1);
    let checks = verified.summary()["verify"]["checks"].clone();
    let mut checks = checks.as_array().unwrap().iter();
    let without = checks.find(|check| check["name"] == "without_amounts");
    assert_eq!(without.unwrap()["failed"], 1);
    // The same claim of CMS is another one: it has ids of its own.
    let of_cms = claims()[1].replace(
        "https://payer.example",
        "https://bluebutton.cms.gov/resources",
    );
    bench.write("cms.ndjson", &of_cms);
    run(&bench, &["import", "cms.ndjson"]).exits(0);
    run(&bench, &["transform"]).exits(0);
    let loaded = run(&bench, &["load"]).exits(0);
    assert_eq!(loaded.summary()["load"]["rows"]["eob"], 6);
    // A patient of another payer is forgotten like any other, by the name of the version and the id.
    run(&bench, &["forget", "--yes", "--offline", "carin:p1"]).exits(0);
    assert!(cells_of(&bench, "eob").iter().all(|api| api == "v2"));
}

/// After Synthea: references by `urn:uuid:` and by NPI, CMS's names of amounts on the lines, no profile.
#[test]
fn a_bundle_after_synthea_is_taken_where_the_api_is_named() {
    let of_line = |name: &str, dollars: &str| {
        format!(
            r#"{{"category":{{"coding":[{{"system":"https://bluebutton.cms.gov/resources/codesystem/adjudication","code":"https://bluebutton.cms.gov/resources/variables/{name}"}}]}},"amount":{{"value":{dollars},"currency":"USD"}}}}"#
        )
    };
    let adjudication = [
        of_line("line_sbmtd_chrg_amt", "129.16"),
        of_line("line_alowd_chrg_amt", "100.00"),
        of_line("line_coinsrnc_amt", "20.00"),
        // A double that is a hair away from 80 cents and whole dollars.
        of_line("line_prvdr_pmt_amt", "79.99999999999999"),
    ]
    .join(",");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"fullUrl":"urn:uuid:0b6e3f0c-1111-4222-8333-444455556666","resource":{{"resourceType":"Patient","id":"0b6e3f0c-1111-4222-8333-444455556666"}}}},{{"fullUrl":"urn:uuid:0b6e3f0c-aaaa-4222-8333-444455556666","resource":{{"resourceType":"ExplanationOfBenefit","id":"e1","status":"active","use":"claim","outcome":"complete","type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"professional"}}]}},"patient":{{"reference":"urn:uuid:0b6e3f0c-1111-4222-8333-444455556666"}},"provider":{{"reference":"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893"}},"billablePeriod":{{"start":"2026-01-05T10:00:00+00:00","end":"2027-01-05T10:00:00+00:00"}},"total":[{}],"payment":{{"amount":{{"value":80.0,"currency":"USD"}}}},"item":[{}]}}}}]}}"#,
        amount('s', "submitted", "129.16"),
        line(1, &adjudication)
    );
    let bench = Bench::new();
    bench.write("bundle.json", &bundle);
    let (imported, _) = lake(&bench, &["--api", "carin", "bundle.json"]);
    assert_eq!(imported["by_type"]["carin/ExplanationOfBenefit"], 1);
    let columns = [
        "patient_id",
        "is_current",
        "from_date",
        "charge_amount",
        "paid_amount",
        "billing_npi",
    ];
    let patient = "0b6e3f0c-1111-4222-8333-444455556666";
    assert_eq!(
        cells(&bench, "claim", &columns),
        expected(&[(
            "e1",
            &[&format!("{patient} true 2026-01-05 129.16 80.00 1234567893") as &str]
        )])
    );
    let columns = [
        "charge_amount",
        "allowed_amount",
        "coinsurance_amount",
        "paid_amount",
        "paid_amount_allocated",
    ];
    assert_eq!(
        cells(&bench, "claim_line", &columns),
        expected(&[("e1", &["129.16 100.00 20.00 80.00 80.00"])])
    );
}

#[test]
fn a_claim_of_cms_stays_one_though_it_states_the_profile_of_carin() {
    let bench = Bench::new();
    let cms = claim("c1", "Pharmacy", "active", "pharmacy", "").replace(
        "https://payer.example/claims",
        "https://bluebutton.cms.gov/resources/variables/clm_id",
    );
    bench.write("in.ndjson", &cms);
    let ended = run(&bench, &["import", "in.ndjson"]).exits(0);
    assert_eq!(
        ended.summary()["import"]["by_type"]["v2/ExplanationOfBenefit"],
        1
    );
}

#[test]
fn there_are_no_grants_and_no_server_of_other_payers() {
    let bench = Bench::new();
    let ended = run(&bench, &["grants", "migrate", "--to", "carin"]).exits(2);
    ended.says("import --api carin");
    let pipeline = crate::demo::demo().replace("api = \"v2\"", "api = \"carin\"");
    bench.write("p.toml", &pipeline);
    let ended = bench
        .run(&["--pipeline", "p.toml", "--data", "d", "status"])
        .exits(2);
    ended.says("import --api carin");
}
