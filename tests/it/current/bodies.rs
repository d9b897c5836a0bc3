//! Bodies of the histories, as the servers write them, and what a lake says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use parquet::record::Field;
use serde_json::{Value, json};

use super::histories::History;
use crate::lake_rows;

const V2: &str = "https://bluebutton.cms.gov/resources/";
const V3: &str = "https://bluebutton.cms.gov/";

/// The body of a line such as `v2 a at=1`, of the history with this number.
pub(super) fn body(history: usize, line: &str) -> (String, Value) {
    let mut words = line.split(' ');
    let (api, id) = (words.next().unwrap(), words.next().unwrap());
    let mut given: BTreeMap<&str, &str> = BTreeMap::from([
        ("status", "active"),
        ("use", "claim"),
        ("type", "CARRIER"),
        ("group", "g"),
        ("ccn", "n"),
        ("from", "2024-03-01"),
        ("thru", "2024-03-02"),
    ]);
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        given.insert(key, value);
    }
    let get = |key: &str| given.get(key).copied().filter(|value| *value != "-");
    let mut body = json!({
        "resourceType": "ExplanationOfBenefit",
        "id": format!("{history}{id}"),
        "meta": { "lastUpdated": format!("2026-01-{:0>2}T00:00:00Z", given["at"]) },
        "patient": { "reference": format!("Patient/{history}{}", get("patient").unwrap_or_default()) },
    });
    for key in ["status", "use"] {
        if let Some(value) = get(key) {
            body[key] = json!(value);
        }
    }
    if let Some(from) = get("from") {
        body["billablePeriod"] = json!({ "start": from, "end": get("thru") });
    }
    let (types, codes) = match api {
        "v2" => (
            format!("{V2}codesystem/eob-type"),
            format!("{V2}variables/nch_clm_type_cd"),
        ),
        _ => (
            format!("{V3}fhir/CodeSystem/EOB-TYPE"),
            format!("{V3}fhir/CodeSystem/CLM-TYPE-CD"),
        ),
    };
    let coding = |system: &str, code: Option<&str>| {
        let coding = code.map(|code| json!({ "system": system, "code": code }));
        coding.into_iter().collect::<Vec<_>>()
    };
    let types = [coding(&codes, get("code")), coding(&types, get("type"))].concat();
    if !types.is_empty() {
        body["type"] = json!({ "coding": types });
    }
    let mut identifiers = Vec::new();
    let mut infos = Vec::new();
    if api == "v2" {
        identifiers.extend(get("group").map(
            |value| json!({ "system": format!("{V2}identifier/claim-group"), "value": value }),
        ));
        identifiers.extend(get("rx").map(
            |value| json!({ "system": format!("{V2}variables/rx_srvc_rfrnc_num"), "value": value }),
        ));
        let deletion = format!("{V2}variables/adjstmt_dltn_cd");
        infos.extend(get("dltn").map(|code| {
            json!({ "sequence": 1, "category": { "coding": [{ "code": deletion }] },
                "code": { "coding": [{ "system": deletion, "code": code }] } })
        }));
    } else {
        identifiers.extend(get("ccn").map(
            |value| json!({ "system": format!("{V3}identifiers/CLM-CNTL-NUM"), "value": value }),
        ));
        infos.extend(get("rx").map(|number| {
            let system = format!("{V3}fhir/CodeSystem/Supporting-Information");
            json!({ "sequence": 1, "valueString": number,
                "category": { "coding": [{ "system": system, "code": "CLM_LINE_RX_NUM" }] } })
        }));
        let tags = [("System-Type", "system"), ("Final-Action", "final")]
            .map(|(system, key)| coding(&format!("{V3}fhir/CodeSystem/{system}"), get(key)));
        if tags.iter().any(|tag| !tag.is_empty()) {
            body["meta"]["tag"] = json!(tags.concat());
        }
    }
    for (key, values) in [("identifier", identifiers), ("supportingInfo", infos)] {
        if !values.is_empty() {
            body[key] = json!(values);
        }
    }
    if let Some(ndc) = get("ndc") {
        let product =
            json!({ "coding": [{ "system": "http://hl7.org/fhir/sid/ndc", "code": ndc }] });
        body["item"] =
            json!([{ "sequence": 1, "detail": [{ "sequence": 1, "productOrService": product }] }]);
    }
    (api.to_owned(), body)
}

/// By API and id, whether the claim is current.
pub(crate) fn found(lake: &Path) -> BTreeMap<String, Option<bool>> {
    let mut found = BTreeMap::new();
    for (key, current) in said(lake, "eob") {
        assert!(
            found.insert(key.clone(), current).is_none(),
            "{key} is there twice"
        );
    }
    found
}

/// By API and id, whether the claim of each row of a table is current.
pub(super) fn said(lake: &Path, table: &str) -> Vec<(String, Option<bool>)> {
    let rows = lake_rows::rows_below(&lake.join("current").join(table));
    let said = rows.iter().map(|row| {
        let text = |name: &str| match lake_rows::cell(row, name) {
            Field::Str(text) => text.clone(),
            other => panic!("{name} is {other}"),
        };
        let current = match lake_rows::cell(row, "is_current") {
            Field::Bool(current) => Some(*current),
            _ => None,
        };
        (
            format!("{} {}", text("source_api"), text("eob_id")),
            current,
        )
    });
    said.collect()
}

/// What a lake must say of histories.
pub(super) fn expected(histories: &[History]) -> BTreeMap<String, Option<bool>> {
    let mut expected = BTreeMap::new();
    for (number, history) in histories.iter().enumerate() {
        let ids: BTreeSet<(&str, &str)> = history
            .bodies
            .iter()
            .map(|line| {
                let mut words = line.split(' ');
                (words.next().unwrap(), words.next().unwrap())
            })
            .collect();
        for (api, id) in ids {
            expected.insert(
                format!("{api} {number}{id}"),
                Some(history.current.contains(&id)),
            );
        }
    }
    expected
}
