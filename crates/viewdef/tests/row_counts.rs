//! Every table has exactly the rows that the lists of the bodies have elements, counted without
//! views.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::reference;
use serde_json::Value;
use support::{inventory_bodies, pipeline_views, real_bodies};

/// Tables with a row for each element of these lists.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("coverage", "Coverage", &[""]),
    ("coverage_class", "Coverage", &["class"]),
    ("coverage_extension", "Coverage", &["extension"]),
    ("coverage_identifier", "Coverage", &["identifier"]),
    ("eob", "ExplanationOfBenefit", &[""]),
    (
        "eob_adjudication",
        "ExplanationOfBenefit",
        &["adjudication"],
    ),
    (
        "eob_benefit_financial",
        "ExplanationOfBenefit",
        &["benefitBalance.financial"],
    ),
    ("eob_care_team", "ExplanationOfBenefit", &["careTeam"]),
    ("eob_contained", "ExplanationOfBenefit", &["contained"]),
    (
        "eob_contained_identifier",
        "ExplanationOfBenefit",
        &["contained.identifier"],
    ),
    ("eob_diagnosis", "ExplanationOfBenefit", &["diagnosis"]),
    ("eob_identifier", "ExplanationOfBenefit", &["identifier"]),
    ("eob_insurance", "ExplanationOfBenefit", &["insurance"]),
    ("eob_item", "ExplanationOfBenefit", &["item"]),
    (
        "eob_item_adjudication",
        "ExplanationOfBenefit",
        &["item.adjudication"],
    ),
    ("eob_item_detail", "ExplanationOfBenefit", &["item.detail"]),
    (
        "eob_item_link",
        "ExplanationOfBenefit",
        &[
            "item.diagnosisSequence",
            "item.careTeamSequence",
            "item.procedureSequence",
            "item.informationSequence",
        ],
    ),
    (
        "eob_item_modifier",
        "ExplanationOfBenefit",
        &["item.modifier.coding"],
    ),
    (
        "eob_meta",
        "ExplanationOfBenefit",
        &["meta.tag", "meta.security", "meta.profile"],
    ),
    ("eob_procedure", "ExplanationOfBenefit", &["procedure"]),
    ("eob_process_note", "ExplanationOfBenefit", &["processNote"]),
    ("eob_related", "ExplanationOfBenefit", &["related"]),
    (
        "eob_supporting_info",
        "ExplanationOfBenefit",
        &["supportingInfo"],
    ),
    ("eob_total", "ExplanationOfBenefit", &["total"]),
    ("patient", "Patient", &[""]),
    ("patient_address", "Patient", &["address"]),
    ("patient_communication", "Patient", &["communication"]),
    (
        "patient_extension",
        "Patient",
        &["extension", "extension.extension"],
    ),
    ("patient_identifier", "Patient", &["identifier"]),
    ("patient_link", "Patient", &["link"]),
    ("patient_name", "Patient", &["name"]),
];

/// The elements a path of keys leads to.
fn count(value: &Value, path: &str) -> usize {
    if let Value::Array(items) = value {
        return items.iter().map(|item| count(item, path)).sum();
    }
    if path.is_empty() {
        return 1;
    }
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    value.get(key).map_or(0, |found| count(found, rest))
}

/// The elements of all lists of a name, wherever they are.
fn count_everywhere(value: &Value, name: &str) -> usize {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| {
                let own = match value {
                    Value::Array(items) if key == name => items.len(),
                    _ => 0,
                };
                own + count_everywhere(value, name)
            })
            .sum(),
        Value::Array(items) => items.iter().map(|item| count_everywhere(item, name)).sum(),
        _ => 0,
    }
}

/// Of nothing there is one row.
fn count_contacts(coverage: &Value) -> usize {
    let none = Vec::new();
    let list = |value: &Value, key: &str| value[key].as_array().unwrap_or(&none).clone();
    list(coverage, "contained")
        .iter()
        .map(|contained| {
            let contacts = list(contained, "contact");
            let telecoms = contacts
                .iter()
                .map(|contact| list(contact, "telecom").len().max(1));
            telecoms.sum::<usize>().max(1)
        })
        .sum()
}

/// Whether a claim has this code of its type, whatever the system.
fn has_type(body: &Value, codes: &[&str]) -> bool {
    let codings = body["type"]["coding"].as_array();
    codings
        .into_iter()
        .flatten()
        .any(|coding| codes.iter().any(|code| coding["code"] == *code))
}

/// Of tables for questions: prior authorizations and notices of election are no claims, fills have no
/// lines, a claim without lines has one that stands for it.
fn expected_of_claim(table: &str, body: &Value) -> usize {
    let is_authorization = body["use"] == "preauthorization" || body["use"] == "predetermination";
    let is_claim = !is_authorization && !has_type(body, &["1900", "2900"]);
    let is_fill = has_type(body, &["PDE"]);
    match table {
        "claim" if is_claim => 1,
        "claim_line" if is_claim && !is_fill => count(body, "item").max(1),
        "claim_diagnosis" if is_claim => count(body, "diagnosis"),
        "claim_procedure" if is_claim => count(body, "procedure"),
        "part_d_event" if is_claim && is_fill => 1,
        "prior_authorization_line" if is_authorization => count(body, "item"),
        _ => 0,
    }
}

/// Before months are made of them: the extensions that end in a month, else one.
fn expected_of_months(coverage: &Value) -> usize {
    const SERIES: [&str; 7] = [
        "buyin",
        "hmo_ind_",
        "ptc_cntrct_id_",
        "ptc_pbp_id_",
        "ptdcntrct",
        "ptdpbpid",
        "dual_",
    ];
    let is_monthly = |extension: &&Value| {
        let url = extension["url"].as_str().unwrap_or_default();
        let name = url.strip_prefix("https://bluebutton.cms.gov/resources/variables/");
        let month = name.and_then(|name| {
            let of_series = SERIES.iter().find_map(|series| name.strip_prefix(series));
            of_series.and_then(|end| end.get(..2))
        });
        month.is_some_and(|month| month.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let extensions = coverage["extension"].as_array();
    extensions
        .map_or(0, |all| all.iter().filter(is_monthly).count())
        .max(1)
}

fn expected(table: &str, body: &Value) -> usize {
    let resource = body["resourceType"].as_str().unwrap();
    match (table, resource) {
        ("coverage_month", "Coverage") => expected_of_months(body),
        (
            "claim"
            | "claim_line"
            | "claim_diagnosis"
            | "claim_procedure"
            | "part_d_event"
            | "prior_authorization_line",
            "ExplanationOfBenefit",
        ) => expected_of_claim(table, body),
        ("eob_coding", "ExplanationOfBenefit") => count_everywhere(body, "coding"),
        ("eob_extension", "ExplanationOfBenefit") => count_everywhere(body, "extension"),
        ("coverage_coding", "Coverage") => count_everywhere(body, "coding"),
        ("coverage_contained_contact", "Coverage") => count_contacts(body),
        // A row for each extension of a coding, one for a coding without.
        ("patient_coding", "Patient") => {
            let extended = count(body, "identifier.type.coding.extension");
            let with_extension = count_codings_with_extension(body);
            count_everywhere(body, "coding") - with_extension + extended
        }
        _ => LISTS
            .iter()
            .filter(|(name, of, _)| *name == table && *of == resource)
            .flat_map(|(_, _, paths)| *paths)
            .map(|path| count(body, path))
            .sum(),
    }
}

fn count_codings_with_extension(patient: &Value) -> usize {
    let identifiers = patient["identifier"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    identifiers
        .iter()
        .flat_map(|identifier| {
            let codings = identifier["type"]["coding"].as_array();
            codings.cloned().unwrap_or_default()
        })
        .filter(|coding| coding.get("extension").is_some())
        .count()
}

fn assert_counts(bodies: &[Value]) {
    let mut rows = 0;
    for (table, view) in pipeline_views() {
        // Its rows are no list's; they are held against a derivation of their own.
        if table == "claim_provider" {
            continue;
        }
        let found: usize = bodies
            .iter()
            .map(|body| reference::evaluate(&view, body).unwrap().rows.len())
            .sum();
        let wanted: usize = bodies.iter().map(|body| expected(&table, body)).sum();
        assert_eq!(found, wanted, "{table}");
        rows += found;
    }
    println!("{} bodies, {rows} rows", bodies.len());
}

#[test]
fn tables_of_real_bodies_have_as_many_rows_as_their_lists_have_elements() {
    if let Some(bodies) = real_bodies() {
        assert_counts(&bodies);
    }
}

#[test]
fn tables_of_bodies_with_every_path_have_as_many_rows_as_their_lists_have_elements() {
    if let Some(bodies) = inventory_bodies() {
        assert_counts(&bodies);
    }
}
