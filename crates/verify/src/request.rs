//! What is to be verified.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType, RunId};
use claimlake_loader::CurrentRule;
use claimlake_viewdef::derive::Derivation;
use claimlake_viewdef::engine::ContextColumn;
use claimlake_viewdef::views::ViewText;

use crate::money::MoneyRules;
use crate::tables::TableRules;

/// A data directory, its lake, and what made the one from the other.
#[derive(Debug)]
pub struct VerifyRequest<'r> {
    /// The data directory.
    pub data: &'r Path,
    /// The lake's folder, `<data>/lake` unless the pipeline says otherwise.
    pub lake: &'r Path,
    /// The landing runs whose rows the current snapshot holds.
    pub loaded: BTreeSet<RunId>,
    /// The runs that are known to have read from a server.
    pub extract_runs: BTreeSet<RunId>,
    /// The folders of staged runs that wait to be loaded.
    pub staged: Vec<PathBuf>,
    /// The folders with the records of loaded runs: where there is one, something was published.
    pub records: Vec<PathBuf>,
    /// The views that make rows from resources.
    pub views: PipelineViews<'r>,
    /// The rules that say which version of a claim is current.
    pub current: &'r [CurrentRule],
    /// The amounts of a claim that must be equal.
    pub money: &'r MoneyRules,
    /// The rules for the rows of tables.
    pub tables: &'r TableRules,
    /// Whether a group may read the lake, by `[load] group`.
    pub is_shared: bool,
    /// The state of extraction, as the vault has it.
    pub states: Vec<ExtractedState>,
}

/// The views that make rows from resources.
#[derive(Debug, Clone, Copy)]
pub struct PipelineViews<'r> {
    /// The pipeline's views.
    pub views: &'r [ViewText],
    /// The first columns of every table, by resource type.
    pub context: &'r [(ResourceType, Vec<ContextColumn>)],
    /// Resources for which this FHIRPath is true make no rows.
    pub drop_where: Option<&'r str>,
    /// What is derived of the rows of a view, by the name of its table.
    pub derive: &'r [(String, Derivation)],
}

/// The vault's state of one resource type of one grant.
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
    /// The run that tried last.
    pub run: RunId,
    /// Distinct resources the server gave in that run.
    pub served: u64,
    /// Those of them that were new or changed and landed.
    pub landed: u64,
    /// How many resources have landed by all runs (`held` of the table `extract_status`).
    pub known: u64,
    /// Increments ask for what changed since then.
    pub watermark: Option<DateTime<Utc>>,
}
