use claimlake_contract::ApiVersion;

use super::{cents, claims, every, found, ids, store};
use crate::serve::records::{Drift, Kind, Records, Search};
use crate::serve::span::Span;

const EOB: Kind = Kind::ExplanationOfBenefit;
const NOW: chrono::DateTime<chrono::Utc> = chrono::DateTime::UNIX_EPOCH;

fn sources(list: &[&str]) -> Vec<Vec<String>> {
    vec![list.iter().map(|source| (*source).to_owned()).collect()]
}

fn tag(system: &str, code: &str) -> Vec<Vec<(String, String)>> {
    let system = format!("https://bluebutton.cms.gov/fhir/CodeSystem/{system}");
    vec![vec![(system, code.to_owned())]]
}

#[test]
fn pages_put_together_are_the_whole() {
    let store = store();
    for space in [ApiVersion::V2, ApiVersion::V3] {
        let whole = ids(&claims(&store, 0, space));
        let mut paged = Vec::new();
        for offset in (0..whole.len()).step_by(7) {
            let search = Search {
                count: 7,
                offset,
                ..Search::default()
            };
            let page = store.search(0, space, EOB, &search, NOW);
            assert_eq!(page.total, whole.len());
            paged.extend(ids(&found(&store, 0, space, EOB, &search)));
        }
        assert_eq!(paged, whole);
        let past = Search {
            count: 7,
            offset: whole.len() + 1,
            ..Search::default()
        };
        assert!(store.search(0, space, EOB, &past, NOW).resources.is_empty());
    }
}

#[test]
fn v2_orders_by_claim_id_as_text_and_v3_by_number_with_authorizations_last() {
    let store = store();
    let text: Vec<String> = ids(&claims(&store, 0, ApiVersion::V2))
        .iter()
        .map(|id| id.split_once('-').unwrap().1.to_owned())
        .collect();
    assert!(text.is_sorted());
    let v3 = ids(&claims(&store, 0, ApiVersion::V3));
    let is_claim = |id: &&String| id.parse::<i64>().is_ok();
    let numbers: Vec<i64> = v3.iter().filter_map(|id| id.parse().ok()).collect();
    assert!(numbers.is_sorted());
    assert_eq!(v3.iter().take_while(is_claim).count(), numbers.len());
    assert_eq!(v3.len() - numbers.len(), 2);
}

#[test]
fn types_dates_sources_tags_and_labels_narrow_a_search() {
    let store = store();
    let search = |search: Search, space| {
        let search = Search {
            count: usize::MAX,
            ..search
        };
        (0..16)
            .flat_map(|person| found(&store, person, space, EOB, &search))
            .collect::<Vec<_>>()
    };
    let all = search(Search::default(), ApiVersion::V2).len();
    let types = Some(vec!["pde".to_owned(), "snf".to_owned()]);
    let some = search(
        Search {
            types,
            ..Search::default()
        },
        ApiVersion::V2,
    );
    assert!(
        ids(&some)
            .iter()
            .all(|id| id.starts_with("pde-") || id.starts_with("snf-"))
    );
    assert!(!some.is_empty() && some.len() < all);

    let mut late = Span::default();
    late.narrow("ge2025").unwrap();
    let mut early = Span::default();
    early.narrow("lt2025").unwrap();
    let in_late = search(
        Search {
            service_date: late,
            ..Search::default()
        },
        ApiVersion::V2,
    );
    let ends = in_late
        .iter()
        .filter_map(|claim| claim.pointer("/billablePeriod/end")?.as_str());
    assert!(
        ends.clone().all(|end| end >= "2025"),
        "the last day of service counts"
    );
    assert!(
        in_late.iter().any(|claim| {
            claim["billablePeriod"]["start"]
                .as_str()
                .is_some_and(|start| start < "2025")
        }),
        "not the first"
    );
    let late = in_late.len();
    let early = search(
        Search {
            service_date: early,
            ..Search::default()
        },
        ApiVersion::V2,
    )
    .len();
    assert!(late > 0 && early > 0);
    assert_eq!(late + early, all);

    let mut updated = Span::default();
    updated.narrow("gt2026-06-01").unwrap();
    let recent = search(
        Search {
            last_updated: updated,
            ..Search::default()
        },
        ApiVersion::V3,
    );
    for claim in recent.iter().filter(|claim| claim["use"] == "claim") {
        assert!(claim["meta"]["lastUpdated"].as_str().unwrap() > "2026-06-02");
    }
    assert!(
        recent
            .iter()
            .any(|claim| claim["use"] == "preauthorization"),
        "ignored by them"
    );

    let flying = Search {
        sources: sources(&["FISS", "MCS", "VMS"]),
        ..Search::default()
    };
    let flying = search(flying, ApiVersion::V3);
    assert!(!flying.is_empty());
    assert!(
        flying
            .iter()
            .all(|claim| claim["meta"]["tag"][0]["code"] == "SharedSystem")
    );
    let asked = Search {
        sources: sources(&["CWF"]),
        ..Search::default()
    };
    let asked = search(asked, ApiVersion::V3);
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|claim| claim["use"] == "preauthorization"));
    let neither = [sources(&["CWF"]), sources(&["NCH"])].concat();
    assert!(
        search(
            Search {
                sources: neither,
                ..Search::default()
            },
            ApiVersion::V3
        )
        .is_empty()
    );

    let replaced = Search {
        tags: tag("Final-Action", "NotFinalAction"),
        ..Search::default()
    };
    let replaced = search(replaced, ApiVersion::V3);
    assert!(!replaced.is_empty());
    assert!(
        replaced
            .iter()
            .all(|claim| claim["meta"]["tag"][1]["code"] == "NotFinalAction")
    );

    let open = search(
        Search {
            without_samhsa: true,
            ..Search::default()
        },
        ApiVersion::V3,
    );
    assert!(
        open.iter()
            .all(|claim| claim["meta"].get("security").is_none())
    );
    assert!(open.len() < search(Search::default(), ApiVersion::V3).len());
}

#[test]
fn every_resource_found_can_be_read_by_its_id_but_authorizations() {
    let store = store();
    for space in [ApiVersion::V2, ApiVersion::V3] {
        for person in [0, 3, 9] {
            for kind in Kind::ALL {
                for resource in found(&store, person, space, kind, &every()) {
                    let id = resource["id"].as_str().unwrap();
                    let read = store.read(space, kind, id, NOW).map(|(owner, _)| owner);
                    let is_claim = resource["use"] != "preauthorization";
                    assert_eq!(read, is_claim.then_some(person), "{id}");
                }
            }
        }
    }
    for id in [
        "carrier-",
        "x",
        "carrier--11000019999",
        "part-a-",
        "part-",
        "dual-1",
        "é-é",
        "",
    ] {
        for kind in Kind::ALL {
            assert!(store.read(ApiVersion::V2, kind, id, NOW).is_none(), "{id}");
            assert!(store.read(ApiVersion::V3, kind, id, NOW).is_none(), "{id}");
        }
    }
}

#[test]
fn the_truth_is_what_the_default_search_finds() {
    let store = store();
    let mut superseded_cents = 0;
    for round in 0..2 {
        for person in [0, 4, 8] {
            for space in [ApiVersion::V2, ApiVersion::V3] {
                let default = Search {
                    count: usize::MAX,
                    sources: match space {
                        ApiVersion::V2 => Vec::new(),
                        ApiVersion::V3 => sources(&["NCH", "DDPS"]),
                    },
                    ..Search::default()
                };
                let claims = found(&store, person, space, EOB, &default);
                let mut served = ids(&claims);
                served.sort();
                let truth = store.truth(person, space);
                assert_eq!(truth.eob_ids, served, "round {round}");
                let paid = |claims: &mut dyn Iterator<Item = &serde_json::Value>| -> i64 {
                    claims
                        .filter_map(|claim| claim.pointer("/payment/amount/value"))
                        .map(cents)
                        .sum()
                };
                assert_eq!(truth.paid_cents, paid(&mut claims.iter()));
                let is_final = |claim: &&serde_json::Value| {
                    claim["status"] == "active"
                        && claim["meta"]["tag"][1]["code"] != "NotFinalAction"
                };
                assert_eq!(
                    truth.final_paid_cents,
                    paid(&mut claims.iter().filter(is_final))
                );
                superseded_cents += truth.paid_cents - truth.final_paid_cents;
                assert_eq!(truth.claims_by_type.values().sum::<usize>(), claims.len());
                let carrier = claims
                    .iter()
                    .filter(|claim| claim["type"].to_string().contains("\"CARRIER\""))
                    .count();
                assert_eq!(
                    truth.claims_by_type.get("CARRIER").copied().unwrap_or(0),
                    carrier
                );
                let mut coverages = ids(&found(&store, person, space, Kind::Coverage, &every()));
                coverages.sort();
                assert_eq!(truth.coverage_ids, coverages);
            }
        }
        store.advance_week();
    }
    assert!(superseded_cents > 0);
}

#[test]
fn a_weekly_load_is_found_by_last_updated_and_nothing_gets_lost() {
    let store = store();
    let before = ids(&claims(&store, 0, ApiVersion::V2));
    store.advance_week();
    let after = ids(&claims(&store, 0, ApiVersion::V2));
    assert!(before.iter().all(|id| after.contains(id)));
    let mut span = Span::default();
    span.narrow("ge2026-11-07T03:00:00Z").unwrap();
    let search = Search {
        last_updated: span,
        ..every()
    };
    let changed = found(&store, 0, ApiVersion::V2, EOB, &search);
    let new = after.iter().filter(|id| !before.contains(id)).count();
    assert!(new >= 2);
    assert!(changed.len() > new, "replaced ones are found too");
    assert!(changed.iter().any(|claim| claim["status"] == "cancelled"));
    let total = store.search(0, ApiVersion::V2, EOB, &every(), NOW);
    assert_eq!(total.last_updated, "2026-11-07T03:00:00.000+00:00");
}

#[test]
fn an_insertion_shifts_every_page_and_a_deletion_too() {
    let store = store();
    let before = ids(&claims(&store, 5, ApiVersion::V2));
    store.drift(5, ApiVersion::V2, Drift::Insert);
    let grown = ids(&claims(&store, 5, ApiVersion::V2));
    assert_eq!(grown[1..], before[..]);
    store.drift(5, ApiVersion::V2, Drift::Delete);
    store.drift(5, ApiVersion::V2, Drift::Delete);
    assert_eq!(ids(&claims(&store, 5, ApiVersion::V2)), before[1..]);
    let v3 = store.truth(5, ApiVersion::V3).eob_ids.len();
    store.drift(5, ApiVersion::V3, Drift::Delete);
    assert_eq!(store.truth(5, ApiVersion::V3).eob_ids.len(), v3 - 1);
}
