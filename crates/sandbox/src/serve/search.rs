//! `GET /vN/fhir/{Patient,Coverage,ExplanationOfBenefit}`: a page of a search.

use bytes::Bytes;
use claimlake_contract::ApiVersion;
use serde_json::Value;

use crate::fault::{FaultContext, FaultKind, Stage};
use crate::http::{Reply, Request};
use crate::reply_headers::VARY_REFUSED;
use crate::serve::bundle::{LinkBase, is_paged, link_next_elsewhere, loop_next, pair, searchset};
use crate::serve::gate::{self, Authorized};
use crate::serve::query::{self, backend_refusal, outcome};
use crate::serve::records::{Drift, Kind, Search};
use crate::serve::wrong_pages;
use crate::service::{Api, Service};

const DEFAULT_SOURCES: &str = "NCH,DDPS";
const SAMHSA: &str = "42CFRPart2";

/// Answers a search of a patient who may make it.
pub(crate) fn answer(
    service: &Service,
    api: Api,
    kind: Kind,
    authorized: Authorized,
    request: &Request,
) -> Reply {
    page(service, api, kind, authorized, request).unwrap_or_else(|refusal| refusal)
}

fn page(
    service: &Service,
    api: Api,
    kind: Kind,
    authorized: Authorized,
    request: &Request,
) -> Result<Reply, Reply> {
    let space = api.space();
    let patient = authorized.patient;
    let patient_id = service.records.patient_id(patient, space);
    let mut checked = query::check(kind, space, &request.query, request.header("prefer"))?;
    check_patient(space, kind, &patient_id, request)?;
    let added = match (space, kind) {
        (ApiVersion::V3, Kind::ExplanationOfBenefit) => {
            what_the_proxy_adds(authorized, request, &mut checked)
        }
        _ => Vec::new(),
    };
    let now = service.now();
    let context = FaultContext::of(service, request, Some(patient));
    if kind == Kind::ExplanationOfBenefit && checked.search.offset > 0 {
        let injected = service.state().faults.inject(Stage::Data, &context, now);
        match injected {
            Some(FaultKind::DriftInsert) => service.records.drift(patient, space, Drift::Insert),
            Some(FaultKind::DriftDelete) => service.records.drift(patient, space, Drift::Delete),
            Some(FaultKind::WeeklyLoad) => service.records.advance_week(),
            _ => {}
        }
    }
    let find = |search: &Search| service.records.search(patient, space, kind, search, now);
    let (asked, page_size) = (checked.search.offset, checked.search.count);
    let lookup = service.injected(Stage::Lookup, &context);
    if lookup.contains(&FaultKind::IgnoreCount) {
        checked.search.count = usize::MAX;
    }
    if lookup.contains(&FaultKind::Endless) {
        let total = find(&checked.search).total;
        wrong_pages::wrap_offset(&mut checked.search, total);
    }
    let paged = is_paged(space, kind);
    if !paged {
        checked.search.offset = 0;
        checked.search.count = usize::MAX;
    }
    let mut found = find(&checked.search);
    let (start, count) = (checked.search.offset, checked.search.count);
    if space == ApiVersion::V2 && start > 0 && found.total > 0 && start >= found.total {
        let text = format!(
            "Value for startIndex ({start}) must be less than than result size ({})",
            found.total
        );
        return Err(backend_refusal(space, &text));
    }
    let injected = service.injected(Stage::Page, &context);
    if injected.contains(&FaultKind::Outcome) {
        return Err(outcome(200, "the search could not be completed"));
    }
    if injected.contains(&FaultKind::Empty) {
        found.resources.clear();
        found.total = 0;
    }
    let origin = request.origin();
    let base = LinkBase {
        origin: &origin,
        api,
        kind,
        patient_id: &patient_id,
    };
    let has_next = paged && count > 0 && start.saturating_add(count) < found.total;
    if lookup.contains(&FaultKind::IgnoreCount) {
        checked.search.count = page_size;
    }
    let (mut links, total) = match space {
        ApiVersion::V2 => (base.v2_links(&checked, found.total), Some(found.total)),
        ApiVersion::V3 | ApiVersion::Carin => {
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
        wrong_pages::link_next_page(&mut links, asked, page_size);
    }
    for fault in injected {
        match fault {
            FaultKind::Total(form) => total = wrong_pages::total(form, found.total),
            FaultKind::FutureDate => wrong_pages::date_ahead(&mut found),
            FaultKind::DuplicateKey => wrong_pages::double_key(&mut found, kind),
            FaultKind::NextForeign(trick) => {
                link_next_elsewhere(&mut links, &service.foreign, &origin, trick);
            }
            FaultKind::NextLoop => loop_next(&mut links),
            FaultKind::ForeignPatient => {
                let foreign = of_another_patient(service, patient, space, kind);
                found.resources.extend(foreign);
            }
            _ => {}
        }
    }
    let id = service.state().ledger.random.uuid();
    let body = searchset(&id, found, total, &links);
    Ok(Reply::bytes(200, "application/json", body))
}

/// The first resource of the next patient who has one.
fn of_another_patient(
    service: &Service,
    patient: usize,
    space: ApiVersion,
    kind: Kind,
) -> Option<Bytes> {
    let patients = service.records.patients();
    let search = Search {
        count: 1,
        ..Search::default()
    };
    let now = service.now();
    (1..patients).find_map(|step| {
        let other = (patient + step) % patients;
        let found = service.records.search(other, space, kind, &search, now);
        found.resources.into_iter().next()
    })
}

/// The patient named by the query must be that of the token, in the id space of the URL.
fn check_patient(
    space: ApiVersion,
    kind: Kind,
    patient_id: &str,
    request: &Request,
) -> Result<(), Reply> {
    let (name, prefix) = match kind {
        Kind::ExplanationOfBenefit => ("patient", ""),
        Kind::Coverage => ("beneficiary", "Patient/"),
        Kind::Patient => ("_id", "Patient/"),
    };
    let sent = request.query.get(name);
    let id = sent.map(|sent| sent.strip_prefix(prefix).unwrap_or(sent));
    match (id, kind, space) {
        (None, ..) => Ok(()),
        (Some(id), ..) if id == patient_id => Ok(()),
        (_, Kind::Patient, ApiVersion::V2) => Err(gate::not_found().with("vary", VARY_REFUSED)),
        (_, Kind::Patient, ApiVersion::V3) => Err(gate::not_found()),
        _ => Err(gate::forbidden()),
    }
}

fn what_the_proxy_adds(
    authorized: Authorized,
    request: &Request,
    checked: &mut query::Checked,
) -> Vec<(String, String)> {
    let mut added = Vec::new();
    let raw = request.raw_query.as_deref().unwrap_or_default();
    if authorized.part_d_only {
        checked
            .kept
            .retain(|(name, _)| name != "_source" && name != "_tag");
        checked.search.tags.clear();
        checked.search.sources = vec![vec!["DDPS".to_owned()]];
        added.push(pair("_source", "DDPS"));
    } else if !raw.contains("_source") && !raw.contains("_tag") {
        let sources = DEFAULT_SOURCES.split(',').map(str::to_owned).collect();
        checked.search.sources.push(sources);
        added.push(pair("_source", DEFAULT_SOURCES));
    }
    checked.search.without_samhsa |= !authorized.include_samhsa;
    if checked.search.without_samhsa {
        added.push(pair("_security:not", SAMHSA));
    }
    added
}
