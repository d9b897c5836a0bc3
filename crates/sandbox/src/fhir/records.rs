//! The store as the resource server sees it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::render::render_patient;
use super::store::{FhirStore, lock, v2_id, v3_id};
use super::v3;
use crate::population::claim::{ClaimKind, Standing};
use crate::population::history::{Disturbance, load_time};
use crate::population::money::Bill;
use crate::serve::records::{Drift, Found, Kind, PersonTruth, Records, Search};

impl Records for FhirStore {
    fn people(&self) -> usize {
        self.population.people()
    }

    fn login(&self, person: usize) -> String {
        self.population.person(person).login
    }

    fn name(&self, person: usize) -> (String, String) {
        let person = self.population.person(person);
        (person.given, person.family)
    }

    fn patient_id(&self, person: usize, space: ApiVersion) -> String {
        let person = self.population.person(person);
        match space {
            ApiVersion::V2 => person.v2_id.to_string(),
            ApiVersion::V3 => person.v3_id.to_string(),
        }
    }

    fn find_login(&self, login: &str) -> Option<usize> {
        self.population.find_login(login)
    }

    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize> {
        match space {
            ApiVersion::V2 => self.population.find_by_v2(id),
            ApiVersion::V3 => self.population.find_by_v3(id),
        }
    }

    fn search(
        &self,
        person: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found {
        match kind {
            Kind::ExplanationOfBenefit => self.search_claims(person, space, search, now),
            Kind::Patient | Kind::Coverage => self.search_others(person, space, kind, search, now),
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
                let person = self.find_patient(id, space)?;
                let body = render_patient(space, &self.population.person(person));
                Some((person, body.at(now)))
            }
            Kind::Coverage => self.read_coverage(space, id, now),
        }
    }

    fn advance_week(&self) {
        self.weeks.fetch_add(1, Ordering::SeqCst);
    }

    fn drift(&self, person: usize, space: ApiVersion, drift: Drift) {
        let life = self.life(person);
        let disturbance = match drift {
            Drift::Insert => Disturbance::Insert {
                number: life.history.free_number(),
                load: load_time(life.as_of.0),
            },
            Drift::Delete => match life.history.first_shown(space) {
                Some(number) => Disturbance::Delete { number },
                None => return,
            },
        };
        lock(&self.drift)
            .entry(person)
            .or_default()
            .push(disturbance);
    }

    fn restore(&self, person: usize) {
        lock(&self.drift).remove(&person);
    }

    fn truth(&self, person: usize, space: ApiVersion) -> PersonTruth {
        let life = self.life(person);
        let history = &life.history;
        let mut eob_ids = Vec::new();
        let mut final_ids = Vec::new();
        let mut shared_system_ids = Vec::new();
        let mut claims_by_type = BTreeMap::<String, usize>::new();
        let (mut paid_cents, mut final_paid_cents) = (0, 0);
        for claim in &history.claims {
            let id = match space {
                ApiVersion::V2 if claim.is_in_v2() => v2_id(person, claim),
                ApiVersion::V3 if !claim.source.is_shared_system() => v3_id(person, claim),
                ApiVersion::V3 => {
                    shared_system_ids.push(v3_id(person, claim));
                    continue;
                }
                ApiVersion::V2 => continue,
            };
            if claim.standing == Standing::Final {
                final_ids.push(id.clone());
            }
            eob_ids.push(id);
            let eob_type = claim.kind.lower().to_uppercase();
            *claims_by_type.entry(eob_type).or_default() += 1;
            // Part D events have a date of payment and no amount.
            if claim.kind != ClaimKind::Pde {
                let paid = Bill::of(claim).sum.paid;
                paid_cents += paid;
                if claim.standing == Standing::Final {
                    final_paid_cents += paid;
                }
            }
        }
        eob_ids.sort_unstable();
        final_ids.sort_unstable();
        shared_system_ids.sort_unstable();
        let mut coverage_ids = self.coverage_ids(space, &life.person);
        coverage_ids.sort_unstable();
        let mut prior_authorization_ids = match space {
            ApiVersion::V2 => Vec::new(),
            ApiVersion::V3 => history
                .prior_authorizations
                .iter()
                .map(v3::prior_authorization_id)
                .collect(),
        };
        prior_authorization_ids.sort_unstable();
        PersonTruth {
            login: life.person.login.clone(),
            patient: self.patient_id(person, space),
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
