//! Beneficiaries and bodies, kept while they fit, and the pages of a search.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::body::Body;
use super::cache::Cache;
use super::render::{render, render_others, render_prior_authorization};
use super::select;
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{Claim, v2_claim_id, v3_claim_id};
use crate::population::day;
use crate::population::history::{ClaimChange, History, load_time};
use crate::population::{Population, PopulationConfig};
use crate::serve::records::{Found, Kind, Search};

/// Bytes of bodies that are kept. Making them anew takes no longer than a client takes to read
/// them, so there is no need for more.
const BODIES_KEPT: usize = 128 * 1024 * 1024;
/// Claims whose records are kept, of all patients together.
const CLAIMS_KEPT: usize = 1_500_000;

/// A body is the same as long as these are.
type BodyKey = (ApiVersion, usize, Claim);

/// The history of one patient with the patient.
#[derive(Debug)]
pub(super) struct PatientHistory {
    pub(super) patient: Beneficiary,
    pub(super) history: History,
    /// How many weekly loads and changes it knows of.
    pub(super) as_of: (u32, usize),
}

/// The population as FHIR resources of both API versions.
pub(crate) struct FhirStore {
    pub(super) population: Population,
    pub(super) weeks: AtomicU32,
    pub(super) drift: Mutex<HashMap<usize, Vec<ClaimChange>>>,
    histories: Mutex<Cache<usize, Arc<PatientHistory>>>,
    bodies: Mutex<Cache<BodyKey, Body>>,
}

impl fmt::Debug for FhirStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FhirStore")
            .field("population", &self.population)
            .field("weeks", &self.weeks)
            .finish_non_exhaustive()
    }
}

impl FhirStore {
    pub(crate) fn new(config: PopulationConfig) -> Self {
        Self {
            population: Population::new(config),
            weeks: AtomicU32::new(0),
            drift: Mutex::default(),
            histories: Mutex::new(Cache::of_size(CLAIMS_KEPT)),
            bodies: Mutex::new(Cache::of_size(BODIES_KEPT)),
        }
    }

    pub(super) fn patient_history(&self, index: usize) -> Arc<PatientHistory> {
        let drift = lock(&self.drift).get(&index).cloned().unwrap_or_default();
        let as_of = (self.weeks.load(Ordering::SeqCst), drift.len());
        if let Some(known) = lock(&self.histories)
            .get(&index)
            .filter(|known| known.as_of == as_of)
        {
            return known;
        }
        let patient = self.population.patient(index);
        let mean = self.population.config().eobs_mean;
        let history = History::of(&patient, mean, as_of.0, &drift);
        let size = history.claims.len() + 10;
        let known = Arc::new(PatientHistory {
            patient,
            history,
            as_of,
        });
        lock(&self.histories).insert(index, Arc::clone(&known), size);
        known
    }

    pub(super) fn claim_body(
        &self,
        space: ApiVersion,
        patient: &Beneficiary,
        claim: &Claim,
    ) -> Body {
        let key = (space, patient.index, *claim);
        if let Some(body) = lock(&self.bodies).get(&key) {
            return body;
        }
        // Rendered outside the lock: other requests go on.
        let body = render(space, patient, claim);
        lock(&self.bodies).insert(key, body.clone(), body.len());
        body
    }

    pub(super) fn search_claims(
        &self,
        patient: usize,
        space: ApiVersion,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found {
        let known = self.patient_history(patient);
        let history = &known.history;
        let claims = |order: &[usize], finds: fn(&Search, &Claim) -> bool| -> Vec<Claim> {
            order
                .iter()
                .filter_map(|position| history.claims.get(*position).copied())
                .filter(|claim| finds(search, claim))
                .collect()
        };
        let (found, authorizations) = match space {
            ApiVersion::V2 => (claims(&history.v2, select::finds_by_type_and_dates), 0),
            ApiVersion::V3 | ApiVersion::Carin => {
                let shown = select::finds_prior_authorizations(search);
                let count = usize::from(shown) * history.prior_authorizations.len();
                (claims(&history.v3, select::finds_in_v3), count)
            }
        };
        let total = found.len() + authorizations;
        let end = search.offset.saturating_add(search.count).min(total);
        let mut newest = load_time(known.as_of.0);
        let mut resources = Vec::new();
        for position in search.offset..end {
            if let Some(claim) = found.get(position) {
                newest = newest.max(claim.updated);
                resources.push(self.claim_body(space, &known.patient, claim).at(now));
            } else if let Some(authorization) =
                history.prior_authorizations.get(position - found.len())
            {
                let body = render_prior_authorization(&known.patient, authorization);
                resources.push(body.at(now));
            }
        }
        Found {
            resources,
            total,
            last_updated: bundle_time(space, newest, now),
        }
    }

    pub(super) fn search_others(
        &self,
        patient: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found {
        let patient = self.population.patient(patient);
        let found: Vec<Bytes> = render_others(space, &patient)
            .into_iter()
            .filter(|(found, _)| *found == kind)
            .map(|(_, body)| body.at(now))
            .filter(|body| search.last_updated.contains(last_updated(body)))
            .collect();
        let newest = load_time(self.weeks.load(Ordering::SeqCst));
        Found {
            total: found.len(),
            resources: found
                .into_iter()
                .skip(search.offset)
                .take(search.count)
                .collect(),
            last_updated: bundle_time(space, newest, now),
        }
    }
}

pub(super) fn v2_id(patient: usize, claim: &Claim) -> String {
    let number = v2_claim_id(patient, claim.number, claim.is_inserted);
    format!("{}-{number}", claim.kind.lower())
}

pub(super) fn v3_id(patient: usize, claim: &Claim) -> String {
    v3_claim_id(patient, claim.number, claim.is_inserted).to_string()
}

/// `meta.lastUpdated` of a bundle: the newest load in v2, the time of the request in v3.
fn bundle_time(space: ApiVersion, newest: i64, now: DateTime<Utc>) -> String {
    let instant = match space {
        ApiVersion::V2 => day::instant(newest),
        ApiVersion::V3 | ApiVersion::Carin => now,
    };
    instant.format("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// `meta.lastUpdated` of a rendered body.
fn last_updated(body: &[u8]) -> DateTime<Utc> {
    const MARK: &[u8] = b"\"lastUpdated\":\"";
    let text = body
        .windows(MARK.len())
        .position(|window| window == MARK)
        .and_then(|start| body.get(start + MARK.len()..))
        .and_then(|rest| rest.split(|byte| *byte == b'"').next())
        .and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
