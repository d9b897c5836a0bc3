//! `GET /vN/fhir/{Patient,Coverage,ExplanationOfBenefit}`: a page of a search.

use bytes::Bytes;
use claimlake_contract::ApiVersion;
use serde_json::Value;

use crate::fault::{FaultKind, Occasion, Stage};
use crate::http::{Reply, Request};
use crate::reply_headers::VARY_REFUSED;
use crate::serve::bundle::{LinkBase, is_paged, lead_next_away, loop_next, searchset};
use crate::serve::gate::{self, Admitted};
use crate::serve::query::{self, backend_refusal, outcome};
use crate::serve::records::{Drift, Found, Kind, Search};
use crate::serve::wrong_pages;
use crate::service::{Api, Service};

const DEFAULT_SOURCES: &str = "NCH,DDPS";
const SAMHSA: &str = "42CFRPart2";

/// Answers a search of a person who may make it.
pub(crate) fn answer(
    service: &Service,
    api: Api,
    kind: Kind,
    admitted: Admitted,
    request: &Request,
) -> Reply {
    let space = api.space();
    let person = admitted.person;
    let patient = service.records.patient_id(person, space);
    let mut checked = match query::check(kind, space, &request.query, request.header("prefer")) {
        Ok(checked) => checked,
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = check_person(space, kind, &patient, request) {
        return refusal;
    }
    let mut added: Vec<(String, String)> = Vec::new();
    if space == ApiVersion::V3 && kind == Kind::ExplanationOfBenefit {
        added = what_the_proxy_adds(admitted, request, &mut checked);
    }
    let now = service.now();
    let occasion = Occasion::of(service, request, Some(person));
    if kind == Kind::ExplanationOfBenefit && checked.search.offset > 0 {
        let struck = service.state().faults.strike(Stage::Data, &occasion, now);
        match struck {
            Some(FaultKind::DriftInsert) => service.records.drift(person, space, Drift::Insert),
            Some(FaultKind::DriftDelete) => service.records.drift(person, space, Drift::Delete),
            Some(FaultKind::WeeklyLoad) => service.records.advance_week(),
            _ => {}
        }
    }
    let (asked, page_size) = (checked.search.offset, checked.search.count);
    let lookup = service
        .state()
        .faults
        .strike_all(Stage::Lookup, &occasion, now);
    if lookup.contains(&FaultKind::IgnoreCount) {
        checked.search.count = usize::MAX;
    }
    if lookup.contains(&FaultKind::Endless) {
        let records = &service.records;
        let all = records.search(person, space, kind, &checked.search, now);
        wrong_pages::begin_anew(&mut checked.search, all.total);
    }
    let paged = is_paged(space, kind);
    if !paged {
        checked.search.offset = 0;
        checked.search.count = usize::MAX;
    }
    let mut found = service
        .records
        .search(person, space, kind, &checked.search, now);
    let (start, count) = (checked.search.offset, checked.search.count);
    if space == ApiVersion::V2 && start > 0 && found.total > 0 && start >= found.total {
        let text = format!(
            "Value for startIndex ({start}) must be less than than result size ({})",
            found.total
        );
        return backend_refusal(space, &text);
    }
    let struck = service
        .state()
        .faults
        .strike_all(Stage::Page, &occasion, now);
    if struck.contains(&FaultKind::Outcome) {
        return outcome(200, "the search could not be completed");
    }
    if struck.contains(&FaultKind::Empty) {
        found = Found {
            last_updated: found.last_updated,
            ..Found::default()
        };
    }
    let origin = request.origin();
    let base = LinkBase {
        origin: &origin,
        api,
        kind,
        patient: &patient,
    };
    let has_next = paged && count > 0 && start.saturating_add(count) < found.total;
    if lookup.contains(&FaultKind::IgnoreCount) {
        checked.search.count = page_size;
    }
    let (mut links, total) = match space {
        ApiVersion::V2 => (base.v2_links(&checked, found.total), Some(found.total)),
        ApiVersion::V3 => {
            if !paged {
                checked.search.count = 10;
            }
            let on_page = found.resources.len();
            let total = (!has_next && on_page > 0).then_some(on_page);
            (base.v3_links(&checked, &added, &found, has_next), total)
        }
    };
    let mut total = total.map(Value::from);
    if lookup.contains(&FaultKind::Endless) {
        wrong_pages::lead_on(&mut links, asked, page_size);
    }
    for fault in struck {
        match fault {
            FaultKind::Total(form) => total = wrong_pages::total(form, found.total),
            FaultKind::FutureDate => wrong_pages::date_ahead(&mut found),
            FaultKind::DuplicateKey => wrong_pages::double_key(&mut found, kind),
            FaultKind::NextForeign(trick) => {
                lead_next_away(&mut links, &service.foreign, &origin, trick);
            }
            FaultKind::NextLoop => loop_next(&mut links),
            FaultKind::ForeignPatient => {
                found
                    .resources
                    .extend(of_somebody_else(service, person, space, kind));
            }
            _ => {}
        }
    }
    let id = service.state().ledger.random.uuid();
    Reply::bytes(
        200,
        "application/json",
        searchset(&id, found, total, &links),
    )
}

/// The first resource of the next person who has one.
fn of_somebody_else(
    service: &Service,
    person: usize,
    space: ApiVersion,
    kind: Kind,
) -> Option<Bytes> {
    let people = service.records.people();
    let search = Search {
        count: 1,
        ..Search::default()
    };
    (1..people).find_map(|step| {
        let other = (person + step) % people;
        let found = service
            .records
            .search(other, space, kind, &search, service.now());
        found.resources.into_iter().next()
    })
}

/// The person named by the query must be that of the token, in the id space of the URL.
fn check_person(
    space: ApiVersion,
    kind: Kind,
    patient: &str,
    request: &Request,
) -> Result<(), Reply> {
    match kind {
        Kind::ExplanationOfBenefit => match request.query.get("patient") {
            Some(sent) if sent != patient => Err(gate::forbidden()),
            _ => Ok(()),
        },
        Kind::Coverage => match request.query.get("beneficiary") {
            Some(sent) if sent.strip_prefix("Patient/").unwrap_or(sent) != patient => {
                Err(gate::forbidden())
            }
            _ => Ok(()),
        },
        Kind::Patient => match request.query.get("_id") {
            Some(sent) if sent.strip_prefix("Patient/").unwrap_or(sent) != patient => {
                Err(match space {
                    ApiVersion::V2 => gate::not_found().with("vary", VARY_REFUSED),
                    ApiVersion::V3 => gate::not_found(),
                })
            }
            _ => Ok(()),
        },
    }
}

fn what_the_proxy_adds(
    admitted: Admitted,
    request: &Request,
    checked: &mut query::Checked,
) -> Vec<(String, String)> {
    let mut added = Vec::new();
    if admitted.part_d_only {
        checked
            .kept
            .retain(|(name, _)| name != "_source" && name != "_tag");
        checked.search.tags.clear();
        checked.search.sources = vec![vec!["DDPS".to_owned()]];
        added.push(("_source".to_owned(), "DDPS".to_owned()));
    } else {
        let raw = request.raw_query.as_deref().unwrap_or_default();
        if !raw.contains("_source") && !raw.contains("_tag") {
            let sources = DEFAULT_SOURCES.split(',').map(str::to_owned).collect();
            checked.search.sources.push(sources);
            added.push(("_source".to_owned(), DEFAULT_SOURCES.to_owned()));
        }
    }
    if !admitted.include_samhsa {
        checked.search.without_samhsa = true;
    }
    if checked.search.without_samhsa {
        added.push(("_security:not".to_owned(), SAMHSA.to_owned()));
    }
    added
}
