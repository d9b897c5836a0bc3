//! Which runs have landed.

use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingManifest, LandingPart, MANIFEST_FILE, ResourceType, RunId,
    partition_value,
};

use crate::checksum::sha256_of;
use crate::folder::entries;
use crate::import_marker::runs_under_import;
use crate::part_name::references_name;
use crate::unfinished::unfinished_runs;
use crate::{LandingError, manifest_file};

/// A sealed run of one resource type.
#[derive(Debug, Clone)]
pub struct SealedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: LandingManifest,
}

impl SealedRun {
    /// The run, API version and resource type, by which runs are sorted.
    #[must_use]
    pub fn key(&self) -> (RunId, ApiVersion, ResourceType) {
        let manifest = &self.manifest;
        (
            manifest.run.clone(),
            manifest.api,
            manifest.resource.clone(),
        )
    }

    /// API version and type of its resources.
    #[must_use]
    pub fn of_type(&self) -> (ApiVersion, ResourceType) {
        (self.manifest.api, self.manifest.resource.clone())
    }

    /// The parts, in landing order.
    pub fn parts(&self) -> impl Iterator<Item = SealedPart> + '_ {
        self.manifest.parts.iter().map(|part| SealedPart {
            path: self.folder.join(&part.file),
            relative: format!(
                "landing/api={}/resource={}/run={}/{}",
                self.manifest.api, self.manifest.resource, self.manifest.run, part.file
            ),
            api: self.manifest.api,
            resource: self.manifest.resource.clone(),
            run: self.manifest.run.clone(),
            part: part.clone(),
        })
    }
}

/// One part of a sealed run.
#[derive(Debug, Clone)]
pub struct SealedPart {
    /// The file.
    pub path: PathBuf,
    /// The file relative to the data directory, as rejects name it.
    pub relative: String,
    /// The API version of its resources.
    pub api: ApiVersion,
    /// The type of its resources.
    pub resource: ResourceType,
    /// The run that landed it.
    pub run: RunId,
    /// Its entry in the manifest.
    pub part: LandingPart,
}

impl SealedPart {
    /// The SHA-256 of the file as it is on disk now, lower-case hex.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256_on_disk(&self) -> Result<String, LandingError> {
        sha256_of(&self.path)
    }

    /// The references file of the part, if it has one.
    #[must_use]
    pub fn references_path(&self) -> Option<PathBuf> {
        let references = self.part.references.as_ref()?;
        Some(self.path.with_file_name(&references.file))
    }
}

/// A run folder that readers ignore: being written, or left by a run that was killed. It may have
/// a manifest, where other resource types of its run are not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsealedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// The run.
    pub run: RunId,
}

impl UnsealedRun {
    /// Whether this resource type is sealed, and only the others of the run are not.
    ///
    /// # Errors
    /// When the folder cannot be looked into.
    pub fn has_manifest(&self) -> Result<bool, LandingError> {
        exists(&self.folder.join(MANIFEST_FILE))
    }
}

/// A run folder whose manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedManifest {
    /// The manifest.
    pub path: PathBuf,
    /// What is wrong with it, as text.
    pub reason: String,
}

/// Everything below `landing`, sorted by run, then API version, then resource type.
#[derive(Debug, Clone, Default)]
pub struct LandingRuns {
    /// Runs that readers read.
    pub sealed: Vec<SealedRun>,
    /// Runs that readers ignore.
    pub unsealed: Vec<UnsealedRun>,
    /// Runs that were sealed and cannot be read any more.
    pub damaged: Vec<DamagedManifest>,
}

/// Lists everything below `landing` and reads every manifest; a landing zone that does not exist yet
/// is empty.
///
/// # Errors
/// When a folder cannot be listed.
pub fn landing_runs(layout: &LandingLayout) -> Result<LandingRuns, LandingError> {
    Ok(listed_runs(layout)?.read(|_| true))
}

/// A run folder with a manifest, which has not been read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedRun {
    /// The run.
    pub run: RunId,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// Its folder.
    pub folder: PathBuf,
}

impl ListedRun {
    /// Reads its manifest.
    ///
    /// # Errors
    /// When the manifest cannot be used.
    pub fn read(&self) -> Result<SealedRun, DamagedManifest> {
        let path = self.folder.join(MANIFEST_FILE);
        match usable_manifest(&path, self.api, &self.resource, &self.run) {
            Ok(manifest) => Ok(SealedRun {
                folder: self.folder.clone(),
                manifest,
            }),
            Err(reason) => Err(DamagedManifest { path, reason }),
        }
    }
}

/// What is below `landing`, by the names of folders and files alone: it takes a fraction of the time
/// that reading all manifests takes.
#[derive(Debug, Clone, Default)]
pub struct ListedRuns {
    /// Runs that readers read, sorted by run, then API version, then resource type.
    pub sealed: Vec<ListedRun>,
    /// Runs that readers ignore, sorted by run.
    pub unsealed: Vec<UnsealedRun>,
}

impl ListedRuns {
    /// Reads the manifests of those runs that `is_wanted` chooses, and leaves out the others.
    #[must_use]
    pub fn read(&self, is_wanted: impl Fn(&ListedRun) -> bool) -> LandingRuns {
        let mut runs = LandingRuns {
            unsealed: self.unsealed.clone(),
            ..LandingRuns::default()
        };
        for listed in self.sealed.iter().filter(|listed| is_wanted(listed)) {
            match listed.read() {
                Ok(sealed) => runs.sealed.push(sealed),
                Err(damaged) => runs.damaged.push(damaged),
            }
        }
        runs
    }
}

/// Lists everything below `landing` and reads no manifest.
///
/// # Errors
/// When a folder cannot be listed.
pub fn listed_runs(layout: &LandingLayout) -> Result<ListedRuns, LandingError> {
    let mut runs = ListedRuns::default();
    let mut marked = runs_under_import(layout)?;
    marked.extend(unfinished_runs(layout)?);
    for (api_folder, api) in folders::<ApiVersion>(layout.root(), "api")? {
        for (resource_folder, resource) in folders::<ResourceType>(&api_folder, "resource")? {
            for (folder, run) in folders::<RunId>(&resource_folder, "run")? {
                let resource = resource.clone();
                if marked.contains(&run) || !exists(&folder.join(MANIFEST_FILE))? {
                    runs.unsealed.push(UnsealedRun {
                        folder,
                        api,
                        resource,
                        run,
                    });
                } else {
                    runs.sealed.push(ListedRun {
                        run,
                        api,
                        resource,
                        folder,
                    });
                }
            }
        }
    }
    runs.sealed.sort();
    runs.unsealed
        .sort_by(|left, right| (&left.run, &left.folder).cmp(&(&right.run, &right.folder)));
    Ok(runs)
}

/// What has a usable manifest of one run, also of a run that is marked and so not visible yet.
///
/// # Errors
/// When a folder cannot be listed.
pub fn sealed_folders(layout: &LandingLayout, run: &RunId) -> Result<Vec<SealedRun>, LandingError> {
    let mut found = Vec::new();
    for (api_folder, api) in folders::<ApiVersion>(layout.root(), "api")? {
        for (resource_folder, resource) in folders::<ResourceType>(&api_folder, "resource")? {
            let listed = ListedRun {
                run: run.clone(),
                api,
                resource,
                folder: resource_folder.join(format!("run={run}")),
            };
            if exists(&listed.folder.join(MANIFEST_FILE))? {
                found.extend(listed.read().ok());
            }
        }
    }
    Ok(found)
}

/// The sealed runs, sorted by run, then API version, then resource type. Damaged manifests are
/// logged and left out; [`landing_runs`] returns them.
///
/// # Errors
/// When a folder cannot be listed.
pub fn sealed_runs(layout: &LandingLayout) -> Result<Vec<SealedRun>, LandingError> {
    let runs = landing_runs(layout)?;
    for damaged in &runs.damaged {
        tracing::warn!(
            manifest.path = %damaged.path.display(),
            reason = %damaged.reason,
            "a landing run is left out: its manifest cannot be used"
        );
    }
    Ok(runs.sealed)
}

fn usable_manifest(
    path: &Path,
    api: ApiVersion,
    resource: &ResourceType,
    run: &RunId,
) -> Result<LandingManifest, String> {
    let manifest = manifest_file::read(path).map_err(|error| error.to_string())?;
    if manifest.api != api || manifest.resource != *resource || manifest.run != *run {
        return Err("the manifest is that of another run folder".into());
    }
    let plain_name = |part: &LandingPart| {
        let references = part.references.as_ref();
        !part.file.contains('/')
            && part.file.starts_with("part-")
            && references.is_none_or(|references| references.file == references_name(&part.file))
    };
    if !manifest.parts.iter().all(plain_name) {
        return Err("the manifest names a part outside its folder".into());
    }
    Ok(manifest)
}

fn folders<K: std::str::FromStr>(
    root: &Path,
    key: &str,
) -> Result<Vec<(PathBuf, K)>, LandingError> {
    let mut found = Vec::new();
    for path in entries(root)? {
        if let Some(Ok(value)) = partition_value(&path, key).map(str::parse) {
            found.push((path, value));
        }
    }
    Ok(found)
}

fn exists(path: &Path) -> Result<bool, LandingError> {
    path.try_exists()
        .map_err(LandingError::io("looking for", path))
}
