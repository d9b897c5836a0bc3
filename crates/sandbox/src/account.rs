//! What clients did in the sandbox, for tests.

use std::collections::BTreeMap;

use serde::Serialize;

/// What happened to one patient's grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PatientAccount {
    /// FHIR requests made with this patient's tokens, by route (`GET /v2/fhir/Patient`).
    pub requests: BTreeMap<String, u64>,
    /// How often the patient consented.
    pub consents: u64,
    /// Codes exchanged.
    pub exchanges: u64,
    /// Refreshes requested with a token of this patient, whatever the answer.
    pub refresh_attempts: u64,
    /// Refreshes answered with a new pair.
    pub refreshes: u64,
    /// Refreshes whose answer a fault withheld after the rotation: the grant is lost.
    pub refreshes_lost: u64,
    /// Refresh tokens presented again after they had been used.
    pub refresh_tokens_reused: u64,
    /// Grants ended by the app.
    pub revocations: u64,
    /// Requests with an expired, revoked or replaced access token.
    pub dead_tokens_presented: u64,
}

/// What happened in the sandbox since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Requests by route; ids in paths are replaced by `{id}`.
    pub requests: BTreeMap<String, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Faults that were applied, by their specification.
    pub faults: BTreeMap<String, u64>,
    /// Bytes of bodies sent, before compression.
    pub body_bytes: u64,
    /// The most requests that were in flight at once.
    pub most_in_flight: u64,
    /// Requests that reached the foreign origin.
    pub foreign_requests: u64,
    /// Requests that reached the foreign origin with a bearer token: leaks.
    pub leaked_tokens: u64,
    /// By login.
    #[serde(rename = "people")]
    pub patients: BTreeMap<String, PatientAccount>,
}

impl Account {
    /// The account of one patient.
    pub(crate) fn patient(&mut self, login: &str) -> &mut PatientAccount {
        self.patients.entry(login.to_owned()).or_default()
    }

    /// How many refresh tokens were presented a second time, by any client.
    #[must_use]
    pub fn refresh_tokens_reused(&self) -> u64 {
        self.patients
            .values()
            .map(|patient| patient.refresh_tokens_reused)
            .sum()
    }

    /// How many refreshes were answered with a new pair of tokens.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.patients
            .values()
            .map(|patient| patient.refreshes)
            .sum()
    }

    /// How many requests a route saw, `GET /v2/fhir/ExplanationOfBenefit` for example.
    #[must_use]
    pub fn requests_to(&self, route: &str) -> u64 {
        self.requests.get(route).copied().unwrap_or_default()
    }
}
