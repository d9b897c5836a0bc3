use std::collections::BTreeSet;

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::{VERSIONS, all_claims, cents, claims, every, found, ids, store, walk};
use crate::serve::records::{Kind, Records};

fn elements<'a>(claim: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    claim[name].as_array().into_iter().flatten()
}

fn has_code(concept: &Value, system: &str, code: &str) -> bool {
    elements(concept, "coding").any(|coding| coding["system"] == system && coding["code"] == code)
}

#[test]
fn every_body_is_json_without_duplicate_keys_or_empty_values() {
    let store = store();
    let now = chrono::DateTime::UNIX_EPOCH;
    for (patient, space) in (0..20).flat_map(|patient| VERSIONS.map(|space| (patient, space))) {
        for kind in Kind::ALL {
            for body in store.search(patient, space, kind, &every(), now).resources {
                let parsed: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(parsed["resourceType"], kind.as_str());
                walk(&parsed, "", &mut |name, value| match value {
                    Value::Object(members) => assert!(!members.is_empty(), "{name}"),
                    Value::Array(elements) => assert!(!elements.is_empty(), "{name}"),
                    Value::String(text) => assert!(!text.is_empty(), "{name}"),
                    _ => {}
                });
                // A parser keeps one of two equal keys, so the text must be as long as what was
                // parsed.
                let text = String::from_utf8(body.to_vec()).unwrap();
                let unescaped = text.replace("\\u0027", "'");
                assert_eq!(parsed.to_string().len(), unescaped.len());
            }
        }
    }
}

#[test]
fn bodies_name_their_own_patient_only() {
    let store = store();
    for space in VERSIONS {
        for patient in [0, 7, 15] {
            let own = format!("Patient/{}", store.patient_id(patient, space));
            for claim in claims(&store, patient, space) {
                assert_eq!(claim["patient"]["reference"], own.as_str());
            }
            for coverage in found(&store, patient, space, Kind::Coverage, &every()) {
                assert_eq!(coverage["beneficiary"]["reference"], own.as_str());
            }
        }
    }
}

#[test]
fn references_inside_a_claim_resolve_and_sequences_are_unique() {
    for claim in VERSIONS.into_iter().flat_map(all_claims) {
        let contained: BTreeSet<String> = elements(claim, "contained")
            .map(|resource| format!("#{}", resource["id"].as_str().unwrap()))
            .collect();
        walk(claim, "", &mut |name, value| {
            let text = value
                .as_str()
                .filter(|text| name == "reference" && text.starts_with('#'));
            assert!(text.is_none_or(|text| contained.contains(text)), "{value}");
        });
        let sequences = |name: &str| -> BTreeSet<u64> {
            let sequence = |element: &Value| element["sequence"].as_u64().unwrap();
            let unique: BTreeSet<u64> = elements(claim, name).map(sequence).collect();
            assert_eq!(
                unique.len(),
                elements(claim, name).count(),
                "{name} of {}",
                claim["id"]
            );
            unique
        };
        sequences("procedure");
        sequences("item");
        for (pointer, target) in [
            ("careTeamSequence", sequences("careTeam")),
            ("diagnosisSequence", sequences("diagnosis")),
            ("informationSequence", sequences("supportingInfo")),
        ] {
            walk(&claim["item"], "", &mut |name, value| {
                let number = value.as_u64().filter(|_| name == pointer);
                assert!(
                    number.is_none_or(|number| target.contains(&number)),
                    "{pointer}"
                );
            });
        }
    }
}

#[test]
fn line_payments_add_up_to_the_payment_and_amounts_have_two_digits() {
    let variables = "https://bluebutton.cms.gov/resources/variables";
    let is_payment = |category: &Value| {
        let v2 = "https://bluebutton.cms.gov/resources/codesystem/adjudication";
        let v3 = "https://bluebutton.cms.gov/fhir/CodeSystem/Adjudication";
        has_code(category, v2, &format!("{variables}/line_nch_pmt_amt"))
            || has_code(category, v2, &format!("{variables}/rev_cntr_pmt_amt_amt"))
            || has_code(category, v3, "CLM_LINE_CVRD_PD_AMT")
    };
    let mut summed = 0;
    for claim in VERSIONS.into_iter().flat_map(all_claims) {
        walk(claim, "", &mut |name, value| {
            if name == "amount" {
                cents(&value["value"]);
            }
        });
        let Some(payment) = claim.pointer("/payment/amount/value").map(cents) else {
            continue;
        };
        let kind = claim["type"].to_string();
        // Revenue centre 0001 is no total on the lines of professionals.
        let is_institutional = !kind.contains("\"CARRIER\"") && !kind.contains("\"DME\"");
        let is_total =
            |item: &&Value| is_institutional && item["revenue"]["coding"][0]["code"] == "0001";
        let payments: Vec<i64> = elements(claim, "item")
            .filter(|item| !is_total(item))
            .flat_map(|item| item["adjudication"].as_array().unwrap())
            .filter(|adjudication| is_payment(&adjudication["category"]))
            .map(|adjudication| cents(&adjudication["amount"]["value"]))
            .collect();
        if !payments.is_empty() {
            summed += 1;
            assert_eq!(payments.iter().sum::<i64>(), payment, "{}", claim["id"]);
        }
    }
    assert!(summed > 1_000, "{summed}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_was_asked_before() {
    let (first, second) = (store(), store());
    let now = "2026-11-24T01:02:03Z".parse().unwrap();
    claims(&second, 7, ApiVersion::V3);
    for space in VERSIONS {
        let kind = Kind::ExplanationOfBenefit;
        let one = first.search(5, space, kind, &every(), now);
        let other = second.search(5, space, kind, &every(), now);
        assert_eq!(one.resources, other.resources);
        let again = second.search(5, space, kind, &every(), now);
        assert_eq!(one.resources, again.resources, "from the cache");
    }
}

#[test]
fn created_is_the_time_of_the_request_in_v2_and_a_date_in_v3() {
    let created: BTreeSet<&str> = all_claims(ApiVersion::V2)
        .iter()
        .filter_map(|claim| claim["created"].as_str())
        .collect();
    assert_eq!(created, BTreeSet::from(["2026-11-24T01:02:03+00:00"]));
    let is_date = |claim: &Value| claim["created"].as_str().unwrap().len() == 10;
    assert!(all_claims(ApiVersion::V3).iter().all(is_date));
}

#[test]
fn a_patient_has_the_eight_types_versions_of_claims_and_labels() {
    let of_first = claims(&store(), 0, ApiVersion::V2);
    let types = ids(&of_first);
    let types: BTreeSet<&str> = types.iter().filter_map(|id| id.split('-').next()).collect();
    assert_eq!(types.len(), 8, "{types:?}");
    assert!(of_first.iter().any(|claim| claim["status"] == "cancelled"));
    let v3: Vec<String> = all_claims(ApiVersion::V3)
        .iter()
        .map(Value::to_string)
        .collect();
    for (wanted, least) in [
        ("\"NotFinalAction\"", 6),
        ("\"42CFRPart2\"", 6),
        ("\"related\":", 6),
        ("\"source\":\"FISS\"", 1),
        ("\"source\":\"MCS\"", 1),
        ("\"use\":\"preauthorization\"", 2),
    ] {
        let count = v3.iter().filter(|claim| claim.contains(wanted)).count();
        assert!(count >= least, "{wanted}: {count}");
    }
    let is_sensitive = |claim: &Value| claim.to_string().contains("F1120");
    assert!(!all_claims(ApiVersion::V2).iter().any(is_sensitive));
}

#[test]
fn bodies_are_about_as_large_as_real_ones() {
    for space in VERSIONS {
        let claims = all_claims(space);
        let bytes: usize = claims.iter().map(|claim| claim.to_string().len()).sum();
        let mean = bytes / claims.len();
        assert!((10_000..30_000).contains(&mean), "{space:?} {mean}");
    }
}
