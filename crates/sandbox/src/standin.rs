//! People with a handful of minimal resources.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;
use serde_json::json;

use crate::serve::records::{Drift, Found, Kind, PersonTruth, Records, Search};

#[derive(Debug)]
pub(crate) struct StandIn {
    people: usize,
}

impl StandIn {
    pub(crate) fn new(people: usize) -> Self {
        Self { people }
    }

    fn ids(&self, person: usize, space: ApiVersion, kind: Kind) -> Vec<String> {
        let patient = self.patient_id(person, space);
        match (kind, space) {
            (Kind::Patient, _) => vec![patient],
            (Kind::Coverage, _) => vec![format!("part-a-{patient}"), format!("part-b-{patient}")],
            (_, ApiVersion::V2) => (0..25 + person)
                .map(|claim| format!("carrier--{}", 10_000 + person * 1000 + claim))
                .collect(),
            (_, ApiVersion::V3) => (0..25 + person)
                .map(|claim| format!("-{}", 90_000 - person * 1000 - claim))
                .collect(),
        }
    }

    fn body(&self, person: usize, space: ApiVersion, kind: Kind, id: &str) -> Bytes {
        let patient = json!({"reference": format!("Patient/{}", self.patient_id(person, space))});
        let updated = json!({"lastUpdated": "2026-01-02T03:04:05.678+00:00"});
        let mut body = json!({"resourceType": kind.as_str(), "id": id, "meta": updated});
        match kind {
            Kind::Patient => {}
            Kind::Coverage => body["beneficiary"] = patient,
            Kind::ExplanationOfBenefit => {
                body["patient"] = patient;
                body["status"] = json!("active");
            }
        }
        Bytes::from(body.to_string())
    }
}

impl Records for StandIn {
    fn people(&self) -> usize {
        self.people
    }

    fn login(&self, person: usize) -> String {
        format!("BBUser{person:05}")
    }

    fn name(&self, person: usize) -> (String, String) {
        ("Jane".into(), format!("Doe{person}"))
    }

    fn patient_id(&self, person: usize, space: ApiVersion) -> String {
        match space {
            ApiVersion::V2 => format!("-{}", 20_140_000_008_325_usize + person),
            ApiVersion::V3 => format!("-{}", 30_250_000_008_325_usize + person),
        }
    }

    fn find_login(&self, login: &str) -> Option<usize> {
        (0..self.people).find(|person| self.login(*person) == login)
    }

    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize> {
        (0..self.people).find(|person| self.patient_id(*person, space) == id)
    }

    fn search(
        &self,
        person: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        _now: DateTime<Utc>,
    ) -> Found {
        let ids = self.ids(person, space, kind);
        Found {
            resources: ids
                .iter()
                .skip(search.offset)
                .take(search.count)
                .map(|id| self.body(person, space, kind, id))
                .collect(),
            total: ids.len(),
            last_updated: "2026-08-20T10:11:12.131+00:00".into(),
        }
    }

    fn read(
        &self,
        space: ApiVersion,
        kind: Kind,
        id: &str,
        _now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        (0..self.people)
            .find(|person| self.ids(*person, space, kind).iter().any(|held| held == id))
            .map(|person| (person, self.body(person, space, kind, id)))
    }

    fn advance_week(&self) {}

    fn drift(&self, _person: usize, _space: ApiVersion, _drift: Drift) {}

    fn truth(&self, person: usize, space: ApiVersion) -> PersonTruth {
        let mut eob_ids = self.ids(person, space, Kind::ExplanationOfBenefit);
        eob_ids.sort();
        PersonTruth {
            login: self.login(person),
            patient: self.patient_id(person, space),
            eob_ids,
            prior_authorization_ids: Vec::new(),
            coverage_ids: self.ids(person, space, Kind::Coverage),
        }
    }
}
