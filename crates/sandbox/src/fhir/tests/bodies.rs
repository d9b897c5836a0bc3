use std::collections::BTreeSet;

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::{cents, claims, every, found, ids, store};
use crate::serve::records::{Kind, Records};

fn visit(value: &Value, key: &str, sink: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    sink(member);
                }
                visit(member, key, sink);
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| visit(element, key, sink)),
        _ => {}
    }
}

fn cms_code<'a>(concept: &'a Value, system: &str) -> Option<&'a str> {
    let codings = concept["coding"].as_array()?;
    let coding = codings
        .iter()
        .find(|coding| coding["system"].as_str() == Some(system))?;
    coding["code"].as_str()
}

#[test]
fn every_body_is_json_without_duplicate_keys_or_empty_values() {
    let store = store();
    for person in 0..20 {
        for space in [ApiVersion::V2, ApiVersion::V3] {
            for kind in Kind::ALL {
                for body in found(&store, person, space, kind, &every()) {
                    assert_eq!(body["resourceType"], kind.as_str());
                    no_hollow(&body);
                }
            }
        }
    }
}

fn no_hollow(value: &Value) {
    match value {
        Value::Object(members) => {
            assert!(!members.is_empty());
            members.values().for_each(no_hollow);
        }
        Value::Array(elements) => {
            assert!(!elements.is_empty());
            elements.iter().for_each(no_hollow);
        }
        Value::String(text) => assert!(!text.is_empty()),
        _ => {}
    }
}

#[test]
fn no_object_of_any_body_names_a_member_twice() {
    // A parser keeps one of two equal keys, so the text must be as long as what was parsed.
    let store = store();
    let now = chrono::DateTime::UNIX_EPOCH;
    for person in 0..20 {
        for space in [ApiVersion::V2, ApiVersion::V3] {
            for kind in Kind::ALL {
                for body in store.search(person, space, kind, &every(), now).resources {
                    let parsed: Value = serde_json::from_slice(&body).unwrap();
                    let text = String::from_utf8(body.to_vec()).unwrap();
                    let unescaped = text.replace("\\u0027", "'");
                    assert_eq!(parsed.to_string().len(), unescaped.len());
                }
            }
        }
    }
}

#[test]
fn bodies_name_their_own_person_only() {
    let store = store();
    for space in [ApiVersion::V2, ApiVersion::V3] {
        for person in [0, 7, 15] {
            let own = format!("Patient/{}", store.patient_id(person, space));
            for claim in claims(&store, person, space) {
                assert_eq!(claim["patient"]["reference"], own.as_str());
            }
            for coverage in found(&store, person, space, Kind::Coverage, &every()) {
                assert_eq!(coverage["beneficiary"]["reference"], own.as_str());
            }
        }
    }
}

#[test]
fn references_inside_a_claim_resolve_and_sequences_are_unique() {
    let store = store();
    for space in [ApiVersion::V2, ApiVersion::V3] {
        for claim in (0..40).flat_map(|person| claims(&store, person, space)) {
            let contained: BTreeSet<String> = claim["contained"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|resource| format!("#{}", resource["id"].as_str().unwrap()))
                .collect();
            visit(&claim, "reference", &mut |reference| {
                let local = reference.as_str().filter(|text| text.starts_with('#'));
                assert!(
                    local.is_none_or(|text| contained.contains(text)),
                    "{reference}"
                );
            });
            let sequences = |name: &str| -> BTreeSet<u64> {
                let all: Vec<u64> = claim[name]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|element| element["sequence"].as_u64().unwrap())
                    .collect();
                let unique: BTreeSet<u64> = all.iter().copied().collect();
                assert_eq!(unique.len(), all.len(), "{name} of {}", claim["id"]);
                unique
            };
            sequences("procedure");
            sequences("item");
            for (pointer, target) in [
                ("careTeamSequence", sequences("careTeam")),
                ("diagnosisSequence", sequences("diagnosis")),
                ("informationSequence", sequences("supportingInfo")),
            ] {
                visit(&claim["item"], pointer, &mut |list| {
                    for number in list.as_array().unwrap() {
                        assert!(target.contains(&number.as_u64().unwrap()), "{pointer}");
                    }
                });
            }
        }
    }
}

#[test]
fn line_payments_add_up_to_the_payment_and_amounts_have_two_digits() {
    let variables = "https://bluebutton.cms.gov/resources/variables/";
    let v2_system = "https://bluebutton.cms.gov/resources/codesystem/adjudication";
    let v3_system = "https://bluebutton.cms.gov/fhir/CodeSystem/Adjudication";
    let store = store();
    let mut summed = 0;
    for space in [ApiVersion::V2, ApiVersion::V3] {
        for claim in (0..40).flat_map(|person| claims(&store, person, space)) {
            visit(&claim, "amount", &mut |amount| {
                cents(&amount["value"]);
            });
            let Some(payment) = claim.pointer("/payment/amount/value").map(cents) else {
                continue;
            };
            let mut lines = 0;
            let mut has_lines = false;
            for item in claim["item"].as_array().unwrap() {
                let revenue = item.pointer("/revenue/coding/0/code");
                if revenue.and_then(Value::as_str) == Some("0001") {
                    continue;
                }
                for adjudication in item["adjudication"].as_array().unwrap() {
                    let category = &adjudication["category"];
                    let is_payment = match space {
                        ApiVersion::V2 => cms_code(category, v2_system).is_some_and(|code| {
                            code == format!("{variables}line_nch_pmt_amt")
                                || code == format!("{variables}rev_cntr_pmt_amt_amt")
                        }),
                        ApiVersion::V3 => {
                            cms_code(category, v3_system) == Some("CLM_LINE_PRVDR_PMT_AMT")
                        }
                    };
                    if is_payment {
                        has_lines = true;
                        lines += cents(&adjudication["amount"]["value"]);
                    }
                }
            }
            if has_lines {
                summed += 1;
                assert_eq!(lines, payment, "{}", claim["id"]);
            }
        }
    }
    assert!(summed > 500, "{summed}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_was_asked_before() {
    let (first, second) = (store(), store());
    let now = "2026-11-24T01:02:03Z".parse().unwrap();
    claims(&second, 7, ApiVersion::V3);
    for space in [ApiVersion::V2, ApiVersion::V3] {
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
    let store = store();
    let v2 = claims(&store, 0, ApiVersion::V2);
    let created: BTreeSet<&str> = v2
        .iter()
        .filter_map(|claim| claim["created"].as_str())
        .collect();
    assert_eq!(created, BTreeSet::from(["2026-11-24T01:02:03+00:00"]));
    let v3 = claims(&store, 0, ApiVersion::V3);
    assert!(
        v3.iter()
            .all(|claim| claim["created"].as_str().unwrap().len() == 10)
    );
}

#[test]
fn a_person_has_the_eight_types_versions_of_claims_and_labels() {
    let store = store();
    let v2 = claims(&store, 0, ApiVersion::V2);
    let prefixes: BTreeSet<String> = ids(&v2)
        .iter()
        .map(|id| id.split('-').next().unwrap().to_owned())
        .collect();
    assert_eq!(prefixes.len(), 8, "{prefixes:?}");
    assert!(v2.iter().any(|claim| claim["status"] == "cancelled"));
    let v3: Vec<Value> = (0..40)
        .flat_map(|person| claims(&store, person, ApiVersion::V3))
        .collect();
    let count = |wanted: &str| {
        v3.iter()
            .filter(|claim| claim.to_string().contains(wanted))
            .count()
    };
    assert!(count("\"NotFinalAction\"") > 5);
    assert!(count("\"42CFRPart2\"") > 5);
    assert!(count("\"related\":") > 5);
    assert!(count("\"source\":\"FISS\"") > 0);
    assert!(count("\"source\":\"MCS\"") > 0);
    assert!(count("\"use\":\"preauthorization\"") >= 2);
    let v2: Vec<Value> = (0..40)
        .flat_map(|person| claims(&store, person, ApiVersion::V2))
        .collect();
    assert!(v2.iter().all(|claim| !claim.to_string().contains("F1120")));
}

#[test]
fn bodies_are_about_as_large_as_real_ones() {
    let store = store();
    let now = chrono::DateTime::UNIX_EPOCH;
    for space in [ApiVersion::V2, ApiVersion::V3] {
        let bodies: Vec<usize> = (0..40)
            .flat_map(|person| {
                store
                    .search(person, space, Kind::ExplanationOfBenefit, &every(), now)
                    .resources
            })
            .map(|body| body.len())
            .collect();
        let mean = bodies.iter().sum::<usize>() / bodies.len();
        assert!((10_000..26_000).contains(&mean), "{space:?} {mean}");
    }
}
