//! What landed, by API version and resource type.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use claimlake_contract::{ApiVersion, IdHash, ResourceType, RunId};
use claimlake_transformer::RULES_VERSION;

use crate::data_dir::{DataDir, read_staged_manifest};
use crate::plural::{counted, grouped, size};
use crate::running::process_of;

/// What is in the landing zone.
#[derive(Debug, Default)]
pub(crate) struct Landed {
    /// Sealed resources.
    pub(crate) resources: BTreeMap<(ApiVersion, ResourceType), LandedResource>,
    /// Runs that were interrupted.
    pub(crate) unsealed: BTreeSet<RunId>,
    /// Runs in progress.
    pub(crate) under_way: BTreeSet<RunId>,
    /// Manifests that cannot be used: path and reason.
    pub(crate) damaged: Vec<(String, String)>,
    /// Whether there is a run that is neither staged nor in the lake.
    pub(crate) awaits_transform: bool,
    /// Whether the tables were made by the rules of another version.
    pub(crate) is_by_other_rules: bool,
}

/// One resource type.
#[derive(Debug, Default)]
pub(crate) struct LandedResource {
    pub(crate) runs: u64,
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    pub(crate) latest: Option<RunId>,
    /// Distinct resources that full reads no longer found.
    pub(crate) gone: u64,
}

impl LandedResource {
    pub(crate) fn words(&self) -> String {
        let mut words = format!(
            "{:>9} in {}, {}",
            grouped(self.lines),
            counted(self.runs, "run"),
            size(self.bytes)
        );
        if self.gone > 0 {
            // Some may have come back since: the tables have those.
            words.push_str(&format!(", {} gone", grouped(self.gone)));
        }
        words
    }
}

impl Landed {
    pub(crate) fn of(data: &DataDir) -> anyhow::Result<Self> {
        let runs = claimlake_landing::landing_runs(&data.landing())?;
        let unsealed = runs.unsealed.iter().map(|run| run.run.clone());
        let (under_way, unsealed) =
            unsealed.partition(|run| process_of(data.root(), run).is_some());
        let mut landed = Self {
            unsealed,
            under_way,
            damaged: runs
                .damaged
                .iter()
                .map(|damaged| {
                    let below = damaged.path.strip_prefix(data.root());
                    let path = below.unwrap_or(&damaged.path).display().to_string();
                    (path, damaged.reason.clone())
                })
                .collect(),
            ..Self::default()
        };
        let mut read = BTreeSet::new();
        let mut last = None;
        let folders = data.transformed_folders()?;
        for folder in folders.into_iter().chain(data.staged_runs()?) {
            if let Ok(manifest) = read_staged_manifest(&folder) {
                read.extend(manifest.landing_runs);
                last = last.max(Some((manifest.run, manifest.rules)));
            }
        }
        let mut gone: BTreeMap<_, HashSet<IdHash>> = BTreeMap::new();
        for run in &runs.sealed {
            let manifest = &run.manifest;
            let key = (manifest.api, manifest.resource.clone());
            let one = landed.resources.entry(key).or_default();
            one.runs += 1;
            one.lines += manifest.parts.iter().map(|part| part.lines).sum::<u64>();
            one.bytes += manifest.parts.iter().map(|part| part.bytes).sum::<u64>();
            one.latest = one.latest.take().max(Some(manifest.run.clone()));
            let ids = manifest.patients.iter().flat_map(|patient| &patient.gone);
            let known = gone
                .entry((manifest.api, manifest.resource.clone()))
                .or_default();
            known.extend(ids);
            one.gone = known.len() as u64;
            let says_anything = manifest.lists_gone() || !manifest.parts.is_empty();
            landed.awaits_transform |= says_anything && !read.contains(&manifest.run);
        }
        landed.is_by_other_rules =
            !runs.sealed.is_empty() && last.is_some_and(|(_, rules)| rules != RULES_VERSION);
        Ok(landed)
    }
}
