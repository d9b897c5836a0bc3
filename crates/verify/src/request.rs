//! What is to be verified.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType, RunId};
use claimlake_viewdef::engine::ContextColumn;

/// A data directory, its lake, and what made the one from the other.
#[derive(Debug)]
pub struct VerifyRequest<'r> {
    /// The data directory.
    pub data: &'r Path,
    /// The lake's folder, `<data>/lake` unless the pipeline says otherwise.
    pub lake: &'r Path,
    /// The landing runs whose rows the current snapshot holds.
    pub loaded: BTreeSet<RunId>,
    /// The pipeline's views and context columns.
    pub resources: Vec<ResourceViews>,
    /// Resources for which this FHIRPath is true make no rows.
    pub drop_where: Option<&'r str>,
    /// Where extraction stands, as the vault has it.
    pub states: Vec<ExtractedState>,
}

/// The views of one resource type.
#[derive(Debug, Clone)]
pub struct ResourceViews {
    /// The resource type they read.
    pub resource: ResourceType,
    /// The columns that stand first in every table.
    pub context: Vec<ContextColumn>,
    /// The ViewDefinitions: JSON texts with a name.
    pub views: Vec<String>,
}

/// What the vault says of one resource type of one grant.
#[derive(Debug, Clone)]
pub struct ExtractedState {
    /// The grant.
    pub grant: GrantHandle,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// Whether everything is said to be here.
    pub state: PatientState,
    /// How many resources are said to be held.
    pub held: u64,
    /// Increments ask for what changed since then.
    pub watermark: Option<DateTime<Utc>>,
}
