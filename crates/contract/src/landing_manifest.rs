//! `manifest.json` of a landing run: written last, it seals the run.

use serde::{Deserialize, Serialize};

use crate::{ApiVersion, GrantHandle, IdHash, PatientId, ResourceType, RunId};

/// The version of the landing format.
pub const LANDING_FORMAT: u32 = 1;

/// What is in a sealed landing run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LandingManifest {
    /// [`LANDING_FORMAT`] of the writer.
    pub format: u32,
    /// The run that landed the parts.
    pub run: RunId,
    /// The API version whose id space the resources are in.
    pub api: ApiVersion,
    /// The type of every resource in the parts.
    pub resource: ResourceType,
    /// How the resources were received.
    pub origin: LandingOrigin,
    /// The parts, in landing order.
    pub parts: Vec<LandingPart>,
    /// From `extract`: what landed of each patient. Empty after `import`.
    #[serde(default)]
    pub patients: Vec<LandingPatient>,
}

impl LandingManifest {
    /// Whether the run lists resources that the server no longer has.
    #[must_use]
    pub fn lists_gone(&self) -> bool {
        self.patients.iter().any(LandingPatient::lists_gone)
    }
}

impl LandingPatient {
    /// Whether the patient's entry lists resources that the server no longer has.
    #[must_use]
    pub fn lists_gone(&self) -> bool {
        !self.gone.is_empty()
    }
}

/// How resources came into landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandingOrigin {
    /// From the API, through a grant.
    Extract,
    /// From files.
    Import,
}

/// One `part-NNNNN.ndjson.zst`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingPart {
    /// The file name within the run folder.
    pub file: String,
    /// Resources in the part, one a line.
    pub lines: u64,
    /// Size of the file on disk.
    pub bytes: u64,
    /// SHA-256 of the file on disk, lower-case hex.
    pub sha256: String,
    /// The whole zstd frames the part is made of, in order.
    pub frames: Vec<Frame>,
    /// What the references of its lines were resolved to, where any were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<LandingReferences>,
}

/// One `references-NNNNN.ndjson.zst`, which belongs to the part with that number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingReferences {
    /// The file name within the run folder.
    pub file: String,
    /// Records in the file, one a line.
    pub lines: u64,
    /// Size of the file on disk.
    pub bytes: u64,
    /// SHA-256 of the file on disk, lower-case hex.
    pub sha256: String,
    /// The records of each frame of the part: as many frames as the part has, empty ones (length
    /// 0) where a frame has no records.
    pub frames: Vec<Frame>,
}

/// One zstd frame: it decompresses by itself to whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Where the frame begins in the file.
    pub offset: u64,
    /// Its compressed length in bytes.
    pub length: u64,
    /// Lines in it.
    pub lines: u64,
    /// Its length when decompressed, in bytes.
    pub uncompressed: u64,
}

/// What landed of one patient in one resource type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LandingPatient {
    /// The grant the pages were read with.
    pub grant: GrantHandle,
    /// The patient's id in the API's id space.
    pub patient: PatientId,
    /// The server's number of resources, if it is reliable (v2).
    pub total: Option<u64>,
    /// Pages read.
    pub pages: u64,
    /// Resources landed in this run.
    pub resources: u64,
    /// The newest `meta.lastUpdated` among the patient's resources, as the server wrote it.
    pub last_updated: Option<String>,
    /// Whether what landed is everything.
    pub state: PatientState,
    /// Where the patient's lines lie: (index into `parts`, index into its `frames`).
    #[serde(default)]
    pub frames: Vec<(u32, u32)>,
    /// Resources that earlier runs landed and that a complete read of everything no longer found,
    /// sorted. They count as left out until a later run lands them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<IdHash>,
}

/// Whether a patient's resources are all here, and if not, why not. Only `Complete` is a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatientState {
    /// The pages have as many distinct ids as the server says there are, and no page contradicts
    /// that.
    Complete,
    /// The pages kept disagreeing.
    Incomplete,
    /// Empty, where claims were.
    SuspectEmpty,
    /// The consent ended.
    NeedsConsent,
    /// The server said to come back later.
    Parked,
    /// The server does not let this grant read this resource.
    Refused,
    /// A resource of another patient came; nothing of this patient landed.
    ForeignResource,
    /// It failed for another reason.
    Failed,
}

impl PatientState {
    /// The name in manifests, tables and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PatientState::Complete => "complete",
            PatientState::Incomplete => "incomplete",
            PatientState::SuspectEmpty => "suspect_empty",
            PatientState::NeedsConsent => "needs_consent",
            PatientState::Parked => "parked",
            PatientState::Refused => "refused",
            PatientState::ForeignResource => "foreign_resource",
            PatientState::Failed => "failed",
        }
    }
}
