use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::{VERSIONS, cents, claims, every, found, ids, store};
use crate::serve::date_range::DateRange;
use crate::serve::records::{Drift, Kind, Records, Search};

const EOB: Kind = Kind::ExplanationOfBenefit;
const NOW: chrono::DateTime<chrono::Utc> = chrono::DateTime::UNIX_EPOCH;

/// What is narrowed, how, and what every match must be.
type Case<'a> = (&'a str, ApiVersion, Search, &'a dyn Fn(&Value) -> bool);

fn sources(list: &[&str]) -> Vec<Vec<String>> {
    vec![list.iter().map(|source| (*source).to_owned()).collect()]
}

fn span(value: &str) -> DateRange {
    let mut span = DateRange::default();
    span.narrow(value).unwrap();
    span
}

/// A search of all, narrowed.
fn narrowed(narrow: impl FnOnce(&mut Search)) -> Search {
    let mut search = every();
    narrow(&mut search);
    search
}

#[test]
fn pages_put_together_are_the_whole() {
    let store = store();
    for space in VERSIONS {
        let whole = ids(&claims(&store, 0, space));
        let page = |offset| Search {
            count: 7,
            offset,
            ..Search::default()
        };
        let mut paged = Vec::new();
        for offset in (0..whole.len()).step_by(7) {
            let total = store.search(0, space, EOB, &page(offset), NOW).total;
            assert_eq!(total, whole.len());
            paged.extend(ids(&found(&store, 0, space, EOB, &page(offset))));
        }
        assert_eq!(paged, whole);
        let past = store.search(0, space, EOB, &page(whole.len() + 1), NOW);
        assert!(past.resources.is_empty());
    }
}

#[test]
fn types_dates_sources_tags_and_labels_narrow_a_search() {
    let store = store();
    let search = |space, search: Search| -> Vec<Value> {
        let of_one = |patient| found(&store, patient, space, EOB, &search);
        (0..16).flat_map(of_one).collect()
    };
    let (v2, v3) = (ApiVersion::V2, ApiVersion::V3);
    let all = search(v2, every());
    let late = search(v2, narrowed(|search| search.service_date = span("ge2025")));
    let early = search(v2, narrowed(|search| search.service_date = span("lt2025")));
    assert!(!late.is_empty() && !early.is_empty());
    assert_eq!(late.len() + early.len(), all.len());
    let period =
        |claim: &Value, end: &str| claim["billablePeriod"][end].as_str().map(str::to_owned);
    let ends = late.iter().filter_map(|claim| period(claim, "end"));
    assert!(
        ends.clone().all(|end| &*end >= "2025"),
        "the last day of service counts"
    );
    let mut starts = late.iter().filter_map(|claim| period(claim, "start"));
    assert!(starts.any(|start| &*start < "2025"), "not the first");

    let recent = search(
        v3,
        narrowed(|search| search.last_updated = span("gt2026-06-01")),
    );
    let (claims, others): (Vec<_>, Vec<_>) =
        recent.iter().partition(|claim| claim["use"] == "claim");
    assert!(
        !others.is_empty(),
        "prior authorizations have no dates to search for"
    );
    let updated = claims
        .iter()
        .map(|claim| claim["meta"]["lastUpdated"].as_str().unwrap());
    assert!(updated.clone().all(|updated| updated > "2026-06-02"));

    let tag = |tag: usize, code: &'static str| {
        move |claim: &Value| claim["meta"]["tag"][tag]["code"] == code
    };
    let final_action = "https://bluebutton.cms.gov/fhir/CodeSystem/Final-Action";
    let not_final = vec![vec![(final_action.to_owned(), "NotFinalAction".to_owned())]];
    let types = Some(vec!["pde".to_owned(), "snf".to_owned()]);
    let is_type = |claim: &Value| {
        let id = claim["id"].as_str().unwrap();
        id.starts_with("pde-") || id.starts_with("snf-")
    };
    let is_authorization = |claim: &Value| claim["use"] == "preauthorization";
    let has_no_label = |claim: &Value| claim["meta"].get("security").is_none();
    let cases: [Case; 5] = [
        (
            "types",
            v2,
            narrowed(|search| search.types = types),
            &is_type,
        ),
        (
            "shared systems",
            v3,
            narrowed(|search| search.sources = sources(&["FISS", "MCS", "VMS"])),
            &tag(0, "SharedSystem"),
        ),
        (
            "prior authorizations",
            v3,
            narrowed(|search| search.sources = sources(&["CWF"])),
            &is_authorization,
        ),
        (
            "not final",
            v3,
            narrowed(|search| search.tags = not_final),
            &tag(1, "NotFinalAction"),
        ),
        (
            "without label",
            v3,
            narrowed(|search| search.without_samhsa = true),
            &has_no_label,
        ),
    ];
    for (name, space, narrow, is_meant) in cases {
        let narrow = search(space, narrow);
        assert!(
            !narrow.is_empty() && narrow.len() < search(space, every()).len(),
            "{name}"
        );
        assert!(narrow.iter().all(is_meant), "{name}");
    }
    let neither = [sources(&["CWF"]), sources(&["NCH"])].concat();
    assert!(search(v3, narrowed(|search| search.sources = neither)).is_empty());
}

#[test]
fn every_resource_found_can_be_read_by_its_id_but_authorizations() {
    let store = store();
    let read = |space, kind, id: &str| store.read(space, kind, id, NOW).map(|(owner, _)| owner);
    for (space, kind) in VERSIONS
        .into_iter()
        .flat_map(|space| Kind::ALL.map(|kind| (space, kind)))
    {
        for patient in [0, 3, 9] {
            for resource in found(&store, patient, space, kind, &every()) {
                let id = resource["id"].as_str().unwrap();
                let is_claim = resource["use"] != "preauthorization";
                assert_eq!(read(space, kind, id), is_claim.then_some(patient), "{id}");
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
            assert_eq!(read(space, kind, id), None, "{id}");
        }
    }
}

#[test]
fn the_truth_is_what_the_default_search_finds() {
    let store = store();
    let mut superseded_cents = 0;
    let cases = [0, 4, 8]
        .into_iter()
        .flat_map(|patient| VERSIONS.map(|space| (patient, space)));
    for round in 0..2 {
        for (patient, space) in cases.clone() {
            let default = narrowed(|search| {
                if space == ApiVersion::V3 {
                    search.sources = sources(&["NCH", "DDPS"]);
                }
            });
            let claims = found(&store, patient, space, EOB, &default);
            let mut served = ids(&claims);
            served.sort();
            let truth = store.truth(patient, space);
            assert_eq!(truth.eob_ids, served, "round {round}");
            let paid = |claim: &Value| claim.pointer("/payment/amount/value").map_or(0, cents);
            let is_final = |claim: &&Value| {
                let tag = &claim["meta"]["tag"][1]["code"];
                claim["status"] == "active" && *tag != "NotFinalAction"
            };
            let all_paid: i64 = claims.iter().map(paid).sum();
            let final_paid: i64 = claims.iter().filter(is_final).map(paid).sum();
            assert_eq!(
                (truth.paid_cents, truth.final_paid_cents),
                (all_paid, final_paid)
            );
            superseded_cents += all_paid - final_paid;
            assert_eq!(truth.claims_by_type.values().sum::<usize>(), claims.len());
            let is_carrier = |claim: &&Value| claim["type"].to_string().contains("\"CARRIER\"");
            let carriers = claims.iter().filter(is_carrier).count();
            assert_eq!(
                truth.claims_by_type.get("CARRIER").copied().unwrap_or(0),
                carriers
            );
            let mut coverages = ids(&found(&store, patient, space, Kind::Coverage, &every()));
            coverages.sort();
            assert_eq!(truth.coverage_ids, coverages);
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
    let search = narrowed(|search| search.last_updated = span("ge2026-11-07T03:00:00Z"));
    let changed = found(&store, 0, ApiVersion::V2, EOB, &search);
    let new = after.len() - before.len();
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
    assert_eq!(ids(&claims(&store, 5, ApiVersion::V2))[1..], before[..]);
    store.drift(5, ApiVersion::V2, Drift::Delete);
    store.drift(5, ApiVersion::V2, Drift::Delete);
    assert_eq!(ids(&claims(&store, 5, ApiVersion::V2)), before[1..]);
    let v3 = store.truth(5, ApiVersion::V3).eob_ids.len();
    store.drift(5, ApiVersion::V3, Drift::Delete);
    assert_eq!(store.truth(5, ApiVersion::V3).eob_ids.len(), v3 - 1);
}
