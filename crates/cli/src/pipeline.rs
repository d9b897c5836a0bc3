//! A pipeline: where claims come from, what is made of them, where they go.
//!
//! Read from TOML; every key is known or refused. Names of secrets' variables are here, secrets
//! are not.

mod builtin;
mod checks;
mod compare;
mod deidentify;
mod environment;
mod glob;
mod kept_for;
mod key_table;
mod keys;
mod money;
mod on_revoked;
mod overrides;
#[cfg(test)]
mod page;
mod read;
mod renamed;
mod sql_views;

pub(crate) use checks::table_rules;
pub(crate) use compare::compare_rules;
pub(crate) use deidentify::{Deidentification, deidentification};
pub(crate) use environment::{Variable, strangers};
pub(crate) use kept_for::KeptFor;
pub(crate) use keys::nearest;
pub(crate) use money::{Money, PaymentColumns, PerMemberColumns, ReportColumns};
pub(crate) use on_revoked::OnRevoked;
pub(crate) use read::{PipelineOrigin, ViewFile, read};

use renamed::renamed_views;
use sql_views::sql_views;

use std::path::PathBuf;

use claimlake_contract::{ApiVersion, ResourceType};
use claimlake_loader::{CurrentRule, SqlView};
use claimlake_transformer::Derivation;
use serde::Deserialize;

/// A pipeline file, every key of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pipeline {
    /// Names the default data directory.
    pub(crate) name: String,
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) extract: Extract,
    pub(crate) transform: Transform,
    /// By resource type: the columns that stand first in its tables, in the order of the file.
    #[serde(default)]
    pub(crate) context: toml::Table,
    #[serde(default)]
    pub(crate) load: Load,
    /// Which version of a claim is the current one.
    #[serde(default)]
    pub(crate) current: Vec<CurrentRule>,
    /// By table name: what is made of the rows of its view.
    #[serde(default)]
    pub(crate) derive: std::collections::BTreeMap<String, Derivation>,
    /// By table name: what differs from `[load]`.
    #[serde(default)]
    pub(crate) table: std::collections::BTreeMap<String, TableOverride>,
}

/// `[source]`: the server and the app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    /// Scheme, host and port; none for the embedded sandbox.
    #[serde(default)]
    pub(crate) base_url: Option<String>,
    #[serde(default = "default_api")]
    pub(crate) api: ApiVersion,
    #[serde(default = "default_resources")]
    pub(crate) resources: Vec<ResourceType>,
    /// Exactly as registered with the app.
    #[serde(default)]
    pub(crate) redirect_uri: Option<String>,
    /// The name of the variable that holds the app's id.
    #[serde(default)]
    pub(crate) client_id_env: Option<String>,
    /// The name of the variable that holds the app's secret.
    #[serde(default)]
    pub(crate) client_secret_env: Option<String>,
    /// The embedded sandbox's people, the claims each has on average, and the seed of both.
    #[serde(default)]
    pub(crate) patients: Option<usize>,
    #[serde(default)]
    pub(crate) eobs: Option<u32>,
    #[serde(default)]
    pub(crate) seed: Option<u64>,
    /// A recording for the embedded sandbox to serve, relative to the file.
    #[serde(default)]
    pub(crate) replay: Option<PathBuf>,
}

/// What serves the claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceKind {
    /// CMS Blue Button 2.0, or a sandbox run by `claimlake sandbox`.
    BlueButton,
    /// The sandbox within the same process; its people consent by themselves.
    Sandbox,
}

/// `[extract]`: how hard the server is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Extract {
    /// Resources a page (`_count`).
    pub(crate) page_size: u32,
    /// Requests at once.
    pub(crate) concurrency: usize,
    /// Requests at once for one person.
    pub(crate) per_patient: usize,
    /// Requests a second, at most.
    pub(crate) max_rps: Option<f64>,
    /// Everybody's claims are read as a whole once in so many days; 0: only with `--full`.
    pub(crate) full_every: u32,
    /// What becomes of people whose consent was revoked from here.
    pub(crate) on_revoked: OnRevoked,
}

impl Default for Extract {
    fn default() -> Self {
        Self {
            page_size: 50,
            concurrency: 128,
            per_patient: 6,
            max_rps: None,
            full_every: 30,
            on_revoked: OnRevoked::Keep,
        }
    }
}

/// `[transform]`: the views.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transform {
    /// Globs, relative to the pipeline file.
    pub(crate) views: Vec<String>,
    /// The share of records that may be rejected before the exit code says so.
    #[serde(default = "default_max_reject_share")]
    pub(crate) max_reject_share: f64,
    /// What becomes of resources labelled 42 CFR Part 2.
    #[serde(default)]
    pub(crate) part2: Part2,
}

/// What becomes of resources labelled 42 CFR Part 2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part2 {
    /// They are rows like all others, marked in `is_part2_sensitive`.
    #[default]
    Keep,
    /// They stay in landing and make no rows.
    Drop,
}

/// `[load]`: how tables lie in the lake.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Load {
    pub(crate) partition_by: Vec<String>,
    pub(crate) sort_by: Vec<String>,
    /// Columns with a bloom filter, in the tables that have them.
    pub(crate) bloom: Vec<String>,
    pub(crate) target_file_mb: u64,
    /// The tables that DuckDB's schema `main` shows; the schema `lossless` has all.
    pub(crate) main_tables: Vec<String>,
    /// Views that are SQL: globs, relative to the pipeline file.
    pub(crate) sql_views: Vec<String>,
    /// Files of schemas whose tables have other names for their columns: globs, as above.
    pub(crate) renamed_schemas: Vec<String>,
    /// How many snapshots stay readable, the newest among them.
    pub(crate) keep_snapshots: usize,
    /// For how many hours at the least a snapshot stays readable.
    pub(crate) keep_hours: u64,
    /// For how long staged rows may wait to be loaded.
    pub(crate) keep_staged: KeptFor,
    /// For how long rejected texts and the places of rejected values stay.
    pub(crate) keep_rejects: KeptFor,
    /// The lake's folder, where it is not `<data>/lake`.
    pub(crate) dir: Option<PathBuf>,
    /// Where the lake is published after every load, as URLs.
    pub(crate) publish: Vec<String>,
    /// The group that may read the lake.
    pub(crate) group: Option<String>,
}

impl Load {
    /// All views that are SQL.
    ///
    /// # Errors
    /// A file cannot be read or makes no view.
    pub(crate) fn views(&self, origin: &PipelineOrigin) -> anyhow::Result<Vec<SqlView>> {
        let mut views = sql_views(origin, &self.sql_views)?;
        views.extend(renamed_views(origin, &self.renamed_schemas)?);
        Ok(views)
    }
}

impl Default for Load {
    fn default() -> Self {
        let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            partition_by: columns(&["eob_type", "service_year"]),
            sort_by: columns(&["patient_id", "service_date", "eob_id"]),
            bloom: columns(&["eob_id", "claim_id", "claim_group_id", "npi"]),
            main_tables: Vec::new(),
            sql_views: Vec::new(),
            renamed_schemas: Vec::new(),
            target_file_mb: 128,
            keep_snapshots: 3,
            keep_hours: 24,
            keep_staged: KeptFor::Days(7),
            keep_rejects: KeptFor::Days(90),
            dir: None,
            publish: Vec::new(),
            group: None,
        }
    }
}

/// `[table.<name>]`: what differs for one table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TableOverride {
    pub(crate) partition_by: Option<Vec<String>>,
    pub(crate) sort_by: Option<Vec<String>>,
    pub(crate) bloom: Option<Vec<String>>,
}

fn default_api() -> ApiVersion {
    ApiVersion::V2
}

fn default_resources() -> Vec<ResourceType> {
    vec![
        ResourceType::explanation_of_benefit(),
        ResourceType::coverage(),
        ResourceType::patient(),
    ]
}

fn default_max_reject_share() -> f64 {
    0.01
}
