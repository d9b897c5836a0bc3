//! What is committed for a patient, and the result.

use claimlake_contract::{
    ApiVersion, Frame, GrantHandle, LandingPatient, PatientId, PatientState, ResourceType,
};
use claimlake_landing::{KeptFrame, KeptPatient};
use claimlake_vault::ExtractState;
use serde::{Deserialize, Serialize};

use super::search_pass::PassId;
use super::search_scope::SearchScope;
use crate::anomalies::ServerAnomalies;

/// A patient who has been read, in all resource types.
#[derive(Debug, Clone)]
pub(crate) struct PatientCommit {
    pub(crate) grant: GrantHandle,
    pub(crate) patient: PatientId,
    pub(crate) resources: Vec<ResourceCommit>,
}

/// One resource type of that patient.
#[derive(Debug, Clone)]
pub(crate) struct ResourceCommit {
    pub(crate) resource: ResourceType,
    /// The readings that count; the watermark is that of the first.
    pub(crate) reads: Vec<PassId>,
    pub(crate) state: PatientState,
    pub(crate) reason: Option<String>,
    /// Whether everything was requested, not only changes.
    pub(crate) full: bool,
    pub(crate) total: Option<u64>,
    pub(crate) previous: Option<ExtractState>,
    /// `None` if nothing was requested.
    pub(crate) asked: Option<SearchScope>,
    /// Whether the server may not have given what it has: what was not found is not gone.
    pub(crate) is_suspicious: bool,
}

impl ResourceCommit {
    /// Whether everything was requested and received.
    pub(super) fn is_full(&self) -> bool {
        self.full && self.state == PatientState::Complete
    }
}

/// The result of a commit, for the report.
#[derive(Debug, Clone)]
pub(crate) struct ResourceLanded {
    pub(crate) state: ExtractState,
    /// Resources that the server no longer has.
    pub(crate) gone: u64,
    /// Resources that were not found, too many to be believed at once.
    pub(crate) doubted: u64,
    /// Resources that were not found and may only be withheld.
    pub(crate) withheld: u64,
    /// Resources that were not found, but by an answer that looks wrong.
    pub(crate) unproven: u64,
    pub(crate) anomalies: ServerAnomalies,
}

/// A checkpoint as it lies sealed in the vault.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointDetail {
    pub(crate) api: ApiVersion,
    pub(crate) patient: LandingPatient,
    pub(crate) frames: Vec<(u32, Frame)>,
}

impl CheckpointDetail {
    pub(crate) fn into_kept(self) -> KeptPatient {
        KeptPatient {
            patient: self.patient,
            frames: self
                .frames
                .into_iter()
                .map(|(part, frame)| KeptFrame { part, frame })
                .collect(),
        }
    }
}
