//! Differences that were planted one by one in a copy of the same claims.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{compare, generated, load, text};
use crate::command::{Bench, json_lines};
use crate::lake_rows::{parquet_files, rows_below};

/// The claims of a type, by place.
fn claims_of(resources: &[Value], kind: &str) -> Vec<usize> {
    let is_of =
        |one: &Value| one["id"].as_str().unwrap().starts_with(kind) && one["status"] == "active";
    let places = resources.iter().enumerate().filter(|(_, one)| is_of(one));
    places.map(|(place, _)| place).collect()
}

/// The amount of a line that a variable names.
fn amounts(claim: &mut Value, variable: &str) -> Vec<(usize, usize)> {
    let code = format!("https://bluebutton.cms.gov/resources/variables/{variable}");
    let mut places = Vec::new();
    for (item, line) in claim["item"].as_array().unwrap().iter().enumerate() {
        for (at, one) in line["adjudication"].as_array().unwrap().iter().enumerate() {
            if one["category"].to_string().contains(&code) {
                places.push((item, at));
            }
        }
    }
    places
}

#[test]
fn differences_that_were_planted_are_found_and_classed_and_nothing_else() {
    let bench = Bench::new();
    let mut left = json_lines(&generated(&bench, "v2", 2, 3));
    let other_person = left
        .iter()
        .rposition(|one| one["resourceType"] == "Patient")
        .unwrap();
    let other_id = left[other_person]["id"].as_str().unwrap().to_owned();
    let is_of_other = |claim: &Value| {
        claim["patient"]["reference"]
            .as_str()
            .unwrap()
            .ends_with(&other_id)
    };
    let mut carrier = claims_of(&left, "carrier");
    carrier.retain(|place| !is_of_other(&left[*place]));
    // Those with several lines come first.
    carrier.sort_by_key(|place| std::cmp::Reverse(left[*place]["item"].as_array().unwrap().len()));
    assert!(left[carrier[6]]["item"].as_array().unwrap().len() > 1);
    let pde = claims_of(&left, "pde").into_iter().find(|place| {
        left[*place]["facility"]["identifier"]["type"]["coding"][0]["code"] == "npi"
            && !is_of_other(&left[*place])
    });
    assert!(carrier.len() >= 9, "{}", carrier.len());
    // Its name is written by hand, so that the form is known.
    left[carrier[5]]["careTeam"][0]["provider"]["display"] = "MILLER, A. B.".into();
    let mut right = left.clone();
    let mut expected: BTreeSet<String> = BTreeSet::new();
    let ids: Vec<String> = left
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    let id = |place: usize| ids[place].clone();
    let mut expect = |place: usize, words: &str| {
        expected.insert(format!("{} {words}", id(place)));
    };

    // Money.
    let (item, at) = amounts(&mut right[carrier[0]], "line_sbmtd_chrg_amt")[0];
    left[carrier[0]]["item"][item]["adjudication"][at]["amount"]["value"] = json!(120.5);
    right[carrier[0]]["item"][item]["adjudication"][at]["amount"]["value"] = json!(121);
    expect(carrier[0], "claim_line.charge_amount money 120.50 121.00");
    // An amount that only one of them states, beside 0.00.
    let (item, at) = amounts(&mut right[carrier[1]], "line_coinsrnc_amt")[0];
    left[carrier[1]]["item"][item]["adjudication"][at]["amount"]["value"] = json!(0);
    right[carrier[1]]["item"][item]["adjudication"]
        .as_array_mut()
        .unwrap()
        .remove(at);
    expect(
        carrier[1],
        "claim_line.coinsurance_amount money_missing 0.00 -",
    );
    // Another value.
    left[carrier[2]]["item"][0]["locationCodeableConcept"] = json!({"coding": [{"system": "https://bluebutton.cms.gov/resources/variables/line_place_of_srvc_cd", "code": "11"}]});
    right[carrier[2]]["item"][0]["locationCodeableConcept"] = json!({"coding": [{"system": "https://bluebutton.cms.gov/resources/variables/line_place_of_srvc_cd", "code": "22"}]});
    expect(carrier[2], "claim_line.place_of_service_code value 11 22");
    // A value in one of them only.
    left[carrier[3]]["item"][0]["locationCodeableConcept"] =
        left[carrier[2]]["item"][0]["locationCodeableConcept"].clone();
    right[carrier[3]]["item"][0]
        .as_object_mut()
        .unwrap()
        .remove("locationCodeableConcept");
    expect(carrier[3], "claim_line.place_of_service_code missing 11 -");
    // The same in another form.
    right[carrier[5]]["careTeam"][0]["provider"]["display"] = "Miller A B".into();
    expect(
        carrier[5],
        "claim_provider.name other_form MILLER, A. B. Miller A B",
    );
    // A code that is called otherwise.
    let pde = pde.unwrap();
    right[pde]["facility"]["identifier"]["type"]["coding"][0]["code"] = "01".into();
    expect(pde, "part_d_event.pharmacy_id_type code_renamed npi 01");
    // A line less.
    right[carrier[6]]["item"].as_array_mut().unwrap().pop();
    expect(carrier[6], "claim_line.- only_left - -");
    // With it goes who performed it.
    expect(carrier[6], "claim_provider.- only_left - -");
    // Superseded in one of them.
    right[carrier[7]]["status"] = "cancelled".into();
    for column in ["is_current", "is_final_action"] {
        expect(carrier[7], &format!("claim.{column} value true false"));
    }
    // An id that moved is counted, and in no row.
    let group = "https://bluebutton.cms.gov/resources/identifier/claim-group";
    for identifier in right[carrier[4]]["identifier"].as_array_mut().unwrap() {
        if identifier["system"] == group {
            identifier["value"] = "7".into();
        }
    }
    // One claim only left, one only right, and a person only left.
    let (gone, mut added) = (id(carrier[8]), left[carrier[8]].clone());
    added["id"] = "carrier-4242".into();
    added["billablePeriod"] = json!({"start": "2011-02-03", "end": "2011-02-03"});
    right[carrier[8]] = added;
    let of_other = |one: &Value| one.to_string().contains(&format!("{other_id}\""));
    let others = right
        .iter()
        .filter(|one| one["resourceType"] == "ExplanationOfBenefit" && of_other(one))
        .count();
    right.retain(|one| !of_other(one));

    let lines = |all: &[Value]| all.iter().map(|one| format!("{one}\n")).collect::<String>();
    load(&bench, "left", "v2", &lines(&left));
    load(&bench, "right", "v2", &lines(&right));
    let ended = compare(
        &bench,
        "left",
        "right",
        &["--parquet", "found", "--html", "found.html"],
    )
    .exits(3);
    let rows = rows_below(&bench.path().join("found/difference"));
    let rows = rows.iter().map(|row| {
        format!(
            "{} {}.{} {} {} {}",
            text(row, "left_eob_id"),
            text(row, "table_name"),
            text(row, "column_name"),
            text(row, "class"),
            text(row, "left_value"),
            text(row, "right_value")
        )
    });
    let found: BTreeSet<String> = rows.collect();
    let differ: Vec<_> = found.symmetric_difference(&expected).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    let columns = ended.summary()["compare"]["columns"].clone();
    let moved = columns
        .as_array()
        .unwrap()
        .iter()
        .filter(|column| column["classes"]["id_moved"].is_u64());
    let moved: Vec<_> = moved
        .map(|column| (&column["column"], &column["classes"]["id_moved"]))
        .collect();
    assert_eq!(moved, [(&json!("claim_group_id"), &json!(1))]);
    let unpaired = rows_below(&bench.path().join("found/unpaired"));
    let reason_of = |id: &str| {
        let row = unpaired
            .iter()
            .find(|row| text(row, "eob_id") == id)
            .unwrap();
        format!("{} {}", text(row, "side"), text(row, "reason"))
    };
    assert_eq!(reason_of(&gone), "left unknown");
    assert_eq!(reason_of("carrier-4242"), "right unknown");
    let no_person = unpaired
        .iter()
        .filter(|row| text(row, "reason") == "person not in the other lake");
    assert_eq!(no_person.count(), others);
    assert_eq!(unpaired.len(), others + 2);

    // What it wrote is for its owner alone, and the page says that it is PHI.
    let page = bench.path().join("found.html");
    let mut written = parquet_files(&bench.path().join("found"));
    assert_eq!(written.len(), 4);
    written.push(page.clone());
    for path in written {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        bench
            .path()
            .join("found")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("Money or claims differ.")
            && page.contains("holds protected health information")
    );
}
