//! What an extraction did, for the summary, the report and the exit code.

use std::collections::BTreeMap;

use claimlake_contract::{
    ApiVersion, ExitCode, GrantHandle, LandingManifest, PatientState, ResourceType, RunId,
};
use serde::Serialize;

use super::patient::{FinishedPatient, PatientOutcome};
use crate::anomalies::ServerAnomalies;

/// What an extraction did.
#[derive(Debug, Clone, Serialize)]
pub struct ExtractOutcome {
    /// The run.
    pub run: RunId,
    /// The API version.
    pub api: ApiVersion,
    /// Killed or stopped runs that were sealed first.
    pub recovered: Vec<RunId>,
    /// Damaged parts and runs of earlier extractions that were set aside, and where they are.
    pub set_aside: Vec<String>,
    /// Patients with a grant that was to be read.
    #[serde(rename = "people")]
    pub patients: u64,
    /// Those of them that the interrupted run before had read already.
    pub landed_before: u64,
    /// Patients by how they ended; each counts once, by the worst of their resource types.
    pub by_state: BTreeMap<&'static str, u64>,
    /// Patients not read because the run was stopped.
    pub not_read: u64,
    /// Counts by resource type.
    pub by_resource: BTreeMap<ResourceType, ResourceCounts>,
    /// Patients who are not complete, and why; of a consent in part, the part.
    pub problems: Vec<PatientProblem>,
    /// Patients without a claim.
    pub without_claims: WithoutClaims,
    /// Resources that a full read did not find any more, by grant: they leave the tables.
    pub vanished: BTreeMap<GrantHandle, u64>,
    /// Resources that a full read did not find, too many to believe it at once, by grant: they stay
    /// unless the next full read misses them, too.
    pub doubted: BTreeMap<GrantHandle, u64>,
    /// Resources that were not found and may only be withheld, by grant: they stay.
    pub withheld: BTreeMap<GrantHandle, u64>,
    /// Resources that a full read did not find where something in the answer was suspicious, by grant:
    /// they stay, and the next run reads everything again.
    pub unproven: BTreeMap<GrantHandle, u64>,
    /// Patients of whom all claims were read again.
    pub read_fully: u64,
    /// What the server sent that cannot be right.
    pub anomalies: ServerAnomalies,
    /// Why the run was stopped before its end.
    pub stopped: Option<String>,
    /// Resource types that something landed of, and the lines.
    pub landed: BTreeMap<ResourceType, u64>,
    /// Bytes landed, compressed.
    pub landed_bytes: u64,
    /// Pages read.
    pub pages: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests answered 429.
    pub throttled: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Exchanges recorded.
    pub recorded: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Counts of one resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ResourceCounts {
    /// Distinct resources the server gave.
    pub served: u64,
    /// New or changed ones, which landed.
    pub landed: u64,
    /// Patients complete.
    pub complete: u64,
}

/// A patient, by grant, who is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatientProblem {
    /// The grant: `grants list` names its patient.
    pub grant: GrantHandle,
    /// The resource type, where the others are complete.
    pub resource: Option<ResourceType>,
    /// The outcome.
    pub state: &'static str,
    /// Why: the request, the causes, how often it was tried.
    pub reason: String,
    /// Only the cause, without request and patient: the same text for all patients with the same
    /// cause.
    pub cause: String,
}

/// Patients without claims, by reason: the denominators of every count of patients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WithoutClaims {
    /// The server serves none: Part C only, newly enrolled, or never treated.
    pub none_served: u64,
    /// The consent does not include claims.
    pub refused: u64,
    /// They could not be read.
    pub not_read: u64,
}

impl ExtractOutcome {
    pub(super) fn new(run: RunId, api: ApiVersion, recovered: Vec<RunId>) -> Self {
        Self {
            run,
            api,
            recovered,
            set_aside: Vec::new(),
            patients: 0,
            landed_before: 0,
            by_state: BTreeMap::new(),
            not_read: 0,
            by_resource: BTreeMap::new(),
            problems: Vec::new(),
            without_claims: WithoutClaims::default(),
            vanished: BTreeMap::new(),
            doubted: BTreeMap::new(),
            withheld: BTreeMap::new(),
            unproven: BTreeMap::new(),
            read_fully: 0,
            anomalies: ServerAnomalies::default(),
            stopped: None,
            landed: BTreeMap::new(),
            landed_bytes: 0,
            pages: 0,
            requests: 0,
            throttled: 0,
            retries: 0,
            recorded: 0,
            seconds: 0.0,
        }
    }

    pub(super) fn note_patient(&mut self, patient: &FinishedPatient) {
        let landed = match &patient.end {
            PatientOutcome::Stopped(_) => {
                self.not_read += 1;
                return;
            }
            PatientOutcome::Ended(state, reason) => {
                self.count_patient(*state);
                self.without_claims.not_read += 1;
                self.problems.push(PatientProblem {
                    grant: patient.grant.clone(),
                    resource: None,
                    state: state.as_str(),
                    reason: reason.text.clone(),
                    cause: reason.cause.clone(),
                });
                return;
            }
            PatientOutcome::Read(landed) => landed,
        };
        let mut worst = PatientState::Complete;
        for of_resource in landed {
            let state = &of_resource.state;
            let counts = self.by_resource.entry(state.resource.clone()).or_default();
            counts.served += state.served;
            counts.landed += state.landed;
            self.anomalies += of_resource.anomalies;
            let missing = [
                (&mut self.vanished, of_resource.gone),
                (&mut self.doubted, of_resource.doubted),
                (&mut self.withheld, of_resource.withheld),
                (&mut self.unproven, of_resource.unproven),
            ];
            for (by_grant, count) in missing.into_iter().filter(|(_, count)| *count > 0) {
                *by_grant.entry(patient.grant.clone()).or_default() += count;
            }
            let is_claims = state.resource == ResourceType::explanation_of_benefit();
            if is_claims && state.full_at == Some(state.as_of) {
                self.read_fully += 1;
            }
            if is_claims && state.known_count == 0 {
                match state.state {
                    PatientState::Complete => self.without_claims.none_served += 1,
                    PatientState::Refused => self.without_claims.refused += 1,
                    _ => self.without_claims.not_read += 1,
                }
            }
            if state.state == PatientState::Complete {
                counts.complete += 1;
                continue;
            }
            // What a consent leaves out does not make the patient incomplete.
            if state.state != PatientState::Refused {
                worst = state.state;
            }
            self.problems.push(PatientProblem {
                grant: patient.grant.clone(),
                resource: Some(state.resource.clone()),
                state: state.state.as_str(),
                reason: state.reason.clone().unwrap_or_default(),
                cause: state.reason.clone().unwrap_or_default(),
            });
        }
        let all_refused = landed
            .iter()
            .all(|found| found.state.state == PatientState::Refused);
        if all_refused && !landed.is_empty() {
            worst = PatientState::Refused;
        }
        self.count_patient(worst);
    }

    pub(super) fn note_sealed(&mut self, manifests: &[LandingManifest]) {
        for manifest in manifests {
            let lines: u64 = manifest.parts.iter().map(|part| part.lines).sum();
            *self.landed.entry(manifest.resource.clone()).or_default() += lines;
            self.landed_bytes += manifest.parts.iter().map(|part| part.bytes).sum::<u64>();
        }
    }

    fn count_patient(&mut self, state: PatientState) {
        *self.by_state.entry(state.as_str()).or_default() += 1;
    }

    /// Patients in a state.
    #[must_use]
    pub fn patients_in(&self, state: PatientState) -> u64 {
        self.by_state.get(state.as_str()).copied().unwrap_or(0)
    }

    /// Whether nothing new landed and all patients are complete.
    #[must_use]
    pub fn nothing_new(&self) -> bool {
        let landed_none = self.landed.values().all(|lines| *lines == 0);
        landed_none && self.vanished.is_empty() && self.exits().is_empty()
    }

    /// Every code that applies; [`ExitCode::worst`] is the one to exit with.
    #[must_use]
    pub fn exits(&self) -> Vec<ExitCode> {
        let mut exits = Vec::new();
        let failed = [
            PatientState::Failed,
            PatientState::ForeignResource,
            PatientState::Incomplete,
            PatientState::SuspectEmpty,
        ];
        let has_failed = failed.into_iter().any(|state| self.patients_in(state) > 0);
        if has_failed || self.not_read > 0 || self.stopped.is_some() {
            exits.push(ExitCode::Failed);
        }
        if self.patients_in(PatientState::Parked) > 0 {
            exits.push(ExitCode::Parked);
        }
        if self.patients_in(PatientState::NeedsConsent) > 0 {
            exits.push(ExitCode::NeedsConsent);
        }
        exits
    }

    pub(super) fn summary_json(&self) -> String {
        let summary = serde_json::json!({
            "exit": ExitCode::worst(self.exits()).code(),
            "people": self.patients,
            "by_state": self.by_state,
            "landed": self.landed,
            "pages": self.pages,
            "requests": self.requests,
        });
        summary.to_string()
    }
}
