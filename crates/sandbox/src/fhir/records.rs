//! The store as the resource server sees it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::render::render_patient;
use super::store::{FhirStore, lock, v2_id, v3_id};
use super::v3;
use crate::population::claim::{ClaimKind, FinalAction};
use crate::population::history::{ClaimChange, load_time};
use crate::population::money::Bill;
use crate::serve::records::{Drift, Found, Kind, PatientTruth, Records, Search};

impl Records for FhirStore {
    fn patients(&self) -> usize {
        self.population.patients()
    }

    fn login(&self, patient: usize) -> String {
        self.population.patient(patient).login
    }

    fn name(&self, patient: usize) -> (String, String) {
        let patient = self.population.patient(patient);
        (patient.given, patient.family)
    }

    fn patient_id(&self, patient: usize, space: ApiVersion) -> String {
        let patient = self.population.patient(patient);
        match space {
            ApiVersion::V2 => patient.v2_id.to_string(),
            ApiVersion::V3 | ApiVersion::Carin => patient.v3_id.to_string(),
        }
    }

    fn find_login(&self, login: &str) -> Option<usize> {
        self.population.find_login(login)
    }

    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize> {
        match space {
            ApiVersion::V2 => self.population.find_by_v2(id),
            ApiVersion::V3 | ApiVersion::Carin => self.population.find_by_v3(id),
        }
    }

    fn search(
        &self,
        patient: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found {
        match kind {
            Kind::ExplanationOfBenefit => self.search_claims(patient, space, search, now),
            Kind::Patient | Kind::Coverage => self.search_others(patient, space, kind, search, now),
        }
    }

    fn read(
        &self,
        space: ApiVersion,
        kind: Kind,
        id: &str,
        now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        match kind {
            Kind::ExplanationOfBenefit => self.read_claim(space, id, now),
            Kind::Patient => {
                let patient = self.find_patient(id, space)?;
                let body = render_patient(space, &self.population.patient(patient));
                Some((patient, body.at(now)))
            }
            Kind::Coverage => self.read_coverage(space, id, now),
        }
    }

    fn advance_week(&self) {
        self.weeks.fetch_add(1, Ordering::SeqCst);
    }

    fn drift(&self, patient: usize, space: ApiVersion, drift: Drift) {
        let known = self.patient_history(patient);
        let change = match drift {
            Drift::Insert => ClaimChange::Insert {
                number: known.history.free_number(),
                load: load_time(known.as_of.0),
            },
            Drift::Delete => match known.history.first_shown(space) {
                Some(number) => ClaimChange::Delete { number },
                None => return,
            },
        };
        lock(&self.drift).entry(patient).or_default().push(change);
    }

    fn restore(&self, patient: usize) {
        lock(&self.drift).remove(&patient);
    }

    fn truth(&self, patient: usize, space: ApiVersion) -> PatientTruth {
        let known = self.patient_history(patient);
        let history = &known.history;
        let mut eob_ids = Vec::new();
        let mut final_ids = Vec::new();
        let mut shared_system_ids = Vec::new();
        let mut claims_by_type = BTreeMap::<String, usize>::new();
        let (mut paid_cents, mut final_paid_cents) = (0, 0);
        for claim in &history.claims {
            let id = match space {
                ApiVersion::V2 if claim.is_in_v2() => v2_id(patient, claim),
                ApiVersion::V3 | ApiVersion::Carin if !claim.source.is_shared_system() => {
                    v3_id(patient, claim)
                }
                ApiVersion::V3 | ApiVersion::Carin => {
                    shared_system_ids.push(v3_id(patient, claim));
                    continue;
                }
                ApiVersion::V2 => continue,
            };
            if claim.final_action == FinalAction::Final {
                final_ids.push(id.clone());
            }
            eob_ids.push(id);
            let eob_type = claim.kind.lower().to_uppercase();
            *claims_by_type.entry(eob_type).or_default() += 1;
            // Part D events have a date of payment and no amount.
            if claim.kind != ClaimKind::Pde {
                let paid = Bill::of(claim).sum.paid;
                paid_cents += paid;
                if claim.final_action == FinalAction::Final {
                    final_paid_cents += paid;
                }
            }
        }
        eob_ids.sort_unstable();
        final_ids.sort_unstable();
        shared_system_ids.sort_unstable();
        let mut coverage_ids = self.coverage_ids(space, &known.patient);
        coverage_ids.sort_unstable();
        let mut prior_authorization_ids = match space {
            ApiVersion::V2 => Vec::new(),
            ApiVersion::V3 | ApiVersion::Carin => history
                .prior_authorizations
                .iter()
                .map(v3::prior_authorization_id)
                .collect(),
        };
        prior_authorization_ids.sort_unstable();
        PatientTruth {
            login: known.patient.login.clone(),
            patient: self.patient_id(patient, space),
            eob_ids,
            final_ids,
            shared_system_ids,
            prior_authorization_ids,
            coverage_ids,
            claims_by_type,
            paid_cents,
            final_paid_cents,
        }
    }
}
