//! What is coded: a code of CMS, of a standard, of somebody else or of nobody, or text alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::reference;
use serde_json::{Value, json};
use support::engines::{differences, is_fast};
use support::pipeline_views;

const CMS_V2: &str = "https://bluebutton.cms.gov/resources/codesystem/adjudication";
const CMS_V3: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/Adjudication";
const HL7: &str = "http://terminology.hl7.org/CodeSystem/adjudication";
const CARIN: &str = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication";
const PAYER: &str = "https://payer.example/adjudication";

fn coding(system: &str, code: &str) -> Value {
    match system {
        "" => json!({ "code": code }),
        _ => json!({"system": system, "code": code}),
    }
}

fn concept(codings: &[Value], text: &str) -> Value {
    let mut concept = json!({});
    if !codings.is_empty() {
        concept["coding"] = codings.into();
    }
    if !text.is_empty() {
        concept["text"] = text.into();
    }
    concept
}

/// The columns of the first row that a view makes, after both evaluators agree on it.
fn cells(view: &str, resource: &Value, wanted: &[&str]) -> Vec<Option<String>> {
    let views = pipeline_views();
    let view: &ViewDefinition = &views[view];
    assert!(is_fast(view));
    let (_, found) = differences(view, std::slice::from_ref(resource));
    assert_eq!(found, Vec::<String>::new());
    let evaluation = reference::evaluate(view, resource).unwrap();
    let columns = view.columns();
    let row = &evaluation.rows[0];
    let cell = |name: &&str| {
        let at = columns.iter().position(|column| column.name == *name);
        row[at.unwrap()].as_str().map(str::to_owned)
    };
    wanted.iter().map(cell).collect()
}

fn eob(members: Value) -> Value {
    let mut eob = json!({"resourceType": "ExplanationOfBenefit", "id": "1"});
    let more = members.as_object().unwrap().clone();
    eob.as_object_mut().unwrap().extend(more);
    eob
}

/// category_cms, category_std, category_system, category_display.
type Expected<'e> = [Option<&'e str>; 4];

/// A view, a body, columns and their cells.
type Case<'c> = (&'c str, Value, &'c [&'c str], Vec<Option<&'c str>>);
/// The same for a view that is known.
type ItemCase<'c> = (Value, &'c [&'c str], Vec<Option<&'c str>>);

#[test]
fn a_category_has_a_column_whatever_system_it_names() {
    let shown = json!({"system": PAYER, "code": "x", "display": "Own code"});
    let cases: Vec<(&str, Vec<Value>, &str, Expected<'_>)> = vec![
        (
            "CMS v2 alone",
            vec![coding(CMS_V2, "a")],
            "",
            [Some("a"), None, None, None],
        ),
        (
            "CMS v3 and a standard",
            vec![coding(CMS_V3, "a"), coding(HL7, "benefit")],
            "",
            [Some("a"), Some("benefit"), Some(HL7), None],
        ),
        (
            "a standard before CMS",
            vec![coding(CARIN, "paidtoprovider"), coding(CMS_V2, "a")],
            "",
            [Some("a"), Some("paidtoprovider"), Some(CARIN), None],
        ),
        (
            "no system",
            vec![coding("", "submitted")],
            "",
            [None, Some("submitted"), None, None],
        ),
        (
            "text alone",
            vec![],
            "Copay",
            [None, None, None, Some("Copay")],
        ),
        (
            "a code without system, and text",
            vec![coding("", "copay")],
            "Copay",
            [None, Some("copay"), None, Some("Copay")],
        ),
        (
            "somebody else's code",
            vec![coding(PAYER, "submitted")],
            "",
            [None, Some("submitted"), Some(PAYER), None],
        ),
        (
            "somebody else's before a standard",
            vec![coding(PAYER, "x"), coding(HL7, "submitted")],
            "",
            [None, Some("submitted"), Some(HL7), None],
        ),
        (
            "no system before a standard",
            vec![coding("", "x"), coding(CARIN, "benefit")],
            "",
            [None, Some("benefit"), Some(CARIN), None],
        ),
        (
            "no system before somebody else's",
            vec![coding("", "x"), coding(PAYER, "y")],
            "",
            [None, Some("x"), None, None],
        ),
        (
            "no system beside CMS",
            vec![coding(CMS_V2, "a"), coding("", "x")],
            "",
            [Some("a"), Some("x"), None, None],
        ),
        (
            "CMS's system by another scheme",
            vec![coding(
                "http://bluebutton.cms.gov/resources/codesystem/adjudication",
                "a",
            )],
            "",
            [
                None,
                Some("a"),
                Some("http://bluebutton.cms.gov/resources/codesystem/adjudication"),
                None,
            ],
        ),
        (
            "a display before the text",
            vec![shown],
            "Text",
            [None, Some("x"), Some(PAYER), Some("Own code")],
        ),
        (
            "a system without a code",
            vec![json!({"system": HL7}), coding(PAYER, "y")],
            "",
            [None, Some("y"), Some(PAYER), None],
        ),
        (
            "only a display",
            vec![json!({"display": "Copay"})],
            "",
            [None, None, None, Some("Copay")],
        ),
        ("nothing", vec![], "", [None, None, None, None]),
    ];
    let wanted = [
        "category_cms",
        "category_std",
        "category_system",
        "category_display",
    ];
    for (name, codings, text, expected) in cases {
        let category = concept(&codings, text);
        let line = json!([{"sequence": 1, "adjudication": [{"category": category}]}]);
        let bodies = [
            ("eob_total", eob(json!({"total": [{"category": category}]}))),
            (
                "eob_adjudication",
                eob(json!({"adjudication": [{"category": category}]})),
            ),
            ("eob_item_adjudication", eob(json!({ "item": line }))),
        ];
        for (view, body) in bodies {
            let found = cells(view, &body, &wanted);
            let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
            assert_eq!(found, expected, "{view}: {name}");
        }
    }
}

#[test]
fn supporting_information_roles_and_claim_types_follow_the_same_rule() {
    let info =
        |category: Value| eob(json!({"supportingInfo": [{"sequence": 1, "category": category}]}));
    let team = |role: Value| eob(json!({"careTeam": [{"sequence": 1, "role": role}]}));
    let qualified = |by: Value| eob(json!({"careTeam": [{"sequence": 1, "qualification": by}]}));
    let typed = |of: Value| eob(json!({ "type": of }));
    let own_info = "https://bluebutton.cms.gov/fhir/CodeSystem/Supporting-Information";
    let hl7_info = "http://terminology.hl7.org/CodeSystem/claiminformationcategory";
    let hl7_role = "http://terminology.hl7.org/CodeSystem/claimcareteamrole";
    let hl7_type = "http://terminology.hl7.org/CodeSystem/claim-type";
    let eob_type = "https://bluebutton.cms.gov/resources/codesystem/eob-type";
    let nucc = "http://nucc.org/provider-taxonomy";
    let category = [
        "category_cms",
        "category_std",
        "category_system",
        "category_display",
    ];
    let role = ["role_code", "role_system", "role_display"];
    let qualification = [
        "taxonomy_code",
        "qualification_code",
        "qualification_system",
        "qualification_display",
    ];
    let claim_type = [
        "claim_type_std",
        "claim_type_system",
        "claim_type_text",
        "eob_type",
    ];
    let cases: Vec<Case<'_>> = vec![
        (
            "eob_supporting_info",
            info(concept(&[coding("", "info")], "")),
            &category,
            vec![None, Some("info"), None, None],
        ),
        (
            "eob_supporting_info",
            info(concept(
                &[coding(own_info, "A"), coding(hl7_info, "info")],
                "",
            )),
            &category,
            vec![Some("A"), Some("info"), Some(hl7_info), None],
        ),
        (
            "eob_supporting_info",
            info(concept(&[], "Admission")),
            &category,
            vec![None, None, None, Some("Admission")],
        ),
        (
            "eob_care_team",
            team(concept(&[coding("", "primary")], "")),
            &role,
            vec![Some("primary"), None, None],
        ),
        (
            "eob_care_team",
            team(concept(
                &[coding(PAYER, "pcp"), coding(hl7_role, "primary")],
                "",
            )),
            &role,
            vec![Some("primary"), Some(hl7_role), None],
        ),
        (
            "eob_care_team",
            team(concept(&[coding(PAYER, "pcp")], "Family doctor")),
            &role,
            vec![Some("pcp"), Some(PAYER), Some("Family doctor")],
        ),
        (
            "eob_care_team",
            qualified(concept(&[coding(nucc, "207R00000X")], "")),
            &qualification,
            vec![Some("207R00000X"), None, None, None],
        ),
        (
            "eob_care_team",
            qualified(concept(&[coding("", "11")], "Internist")),
            &qualification,
            vec![None, Some("11"), None, Some("Internist")],
        ),
        (
            "eob",
            typed(concept(&[coding("", "oral")], "Dental")),
            &claim_type,
            vec![Some("oral"), None, Some("Dental"), None],
        ),
        (
            "eob",
            typed(concept(
                &[
                    coding(eob_type, "CARRIER"),
                    coding(hl7_type, "professional"),
                ],
                "",
            )),
            &claim_type,
            vec![Some("professional"), Some(hl7_type), None, Some("CARRIER")],
        ),
        (
            "eob",
            typed(concept(&[coding(eob_type, "CARRIER")], "")),
            &claim_type,
            vec![None, None, None, Some("CARRIER")],
        ),
        (
            "eob",
            typed(concept(&[coding(PAYER, "MED")], "")),
            &claim_type,
            vec![Some("MED"), Some(PAYER), None, None],
        ),
    ];
    for (view, body, wanted, expected) in cases {
        let found = cells(view, &body, wanted);
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "{view}: {body}");
    }
}

#[test]
fn a_product_and_a_revenue_center_have_a_column_and_take_no_others_place() {
    let line = |members: Value| eob(json!({ "item": [members] }));
    let hcpcs = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";
    let ndc = "http://hl7.org/fhir/sid/ndc";
    let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
    let nubc = "https://www.nubc.org/CodeSystem/RevenueCodes";
    let coinsurance = "https://bluebutton.cms.gov/resources/variables/rev_cntr_ddctbl_coinsrnc_cd";
    let product = [
        "hcpcs_code",
        "ndc_code",
        "product_code",
        "product_system",
        "product_display",
    ];
    let revenue = ["revenue_code", "revenue_system"];
    let of =
        |codings: &[Value], text: &str| line(json!({"productOrService": concept(codings, text)}));
    let at = |codings: &[Value]| line(json!({"revenue": concept(codings, "")}));
    let cases: Vec<ItemCase<'_>> = vec![
        (
            of(&[coding("", "1205")], ""),
            &product,
            vec![None, None, Some("1205"), None, None],
        ),
        (
            of(&[coding(hcpcs, "99213")], ""),
            &product,
            vec![Some("99213"), None, Some("99213"), Some(hcpcs), None],
        ),
        (
            of(&[coding(PAYER, "Z1"), coding(ndc, "00000000001")], ""),
            &product,
            vec![
                None,
                Some("00000000001"),
                Some("00000000001"),
                Some(ndc),
                None,
            ],
        ),
        (
            of(&[coding(absent, "not-applicable")], ""),
            &product,
            vec![None; 5],
        ),
        (
            of(
                &[coding(
                    "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                    "NULL",
                )],
                "",
            ),
            &product,
            vec![None; 5],
        ),
        (
            of(&[], "Room and board"),
            &product,
            vec![None, None, None, None, Some("Room and board")],
        ),
        (
            at(&[coding("", "0450")]),
            &revenue,
            vec![Some("0450"), None],
        ),
        (
            at(&[coding(coinsurance, "2"), coding(nubc, "0450")]),
            &revenue,
            vec![Some("0450"), Some(nubc)],
        ),
        (at(&[coding(coinsurance, "2")]), &revenue, vec![None, None]),
        (
            at(&[coding(PAYER, "ER")]),
            &revenue,
            vec![Some("ER"), Some(PAYER)],
        ),
    ];
    for (body, wanted, expected) in cases {
        let found = cells("eob_item", &body, wanted);
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn the_system_beside_a_code_is_that_codes_own() {
    let type_of_coverage = concept(&[coding("", "EHCPOL"), coding(PAYER, "gold")], "");
    let coverage = json!({"resourceType": "Coverage", "id": "1", "type": type_of_coverage,
        "class": [{"type": concept(&[], "plan"), "value": "P"}]});
    let found = cells("coverage", &coverage, &["type_code", "type_system"]);
    assert_eq!(found, [Some("EHCPOL".to_owned()), None]);
    let found = cells("coverage_class", &coverage, &["type_code", "type_display"]);
    assert_eq!(found, [None, Some("plan".to_owned())]);
    let reason = concept(&[json!({"system": HL7}), coding(PAYER, "45")], "");
    let denied = eob(
        json!({"adjudication": [{"category": concept(&[coding(HL7, "x")], ""), "reason": reason}]}),
    );
    let found = cells(
        "eob_adjudication",
        &denied,
        &["reason_code", "reason_system"],
    );
    assert_eq!(found, [Some("45".to_owned()), Some(PAYER.to_owned())]);
    let balance = eob(
        json!({"benefitBalance": [{"category": concept(&[], "Dental"),
        "financial": [{"type": concept(&[], "Deductible")}]}]}),
    );
    let wanted = [
        "category_code",
        "category_display",
        "type_code",
        "type_display",
    ];
    let found = cells("eob_benefit_financial", &balance, &wanted);
    let expected = [
        None,
        Some("Dental".to_owned()),
        None,
        Some("Deductible".to_owned()),
    ];
    assert_eq!(found, expected);
}
