//! Which runs there are, by names and by the manifests of folders of several runs: it takes a fraction
//! of the time that reading all manifests takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingManifest, LandingOrigin, LandingPart, MANIFEST_FILE,
    ResourceType, RunId, partition_value,
};

use crate::compacted::Compacted;
use crate::compacted::manifest::BEGINNING;
use crate::folder::entries;
use crate::import_marker::runs_under_import;
use crate::part_name::references_name;
use crate::sealed::{DamagedManifest, LandingRuns, SealedRun, UnsealedRun};
use crate::unfinished::unfinished_runs;
use crate::{LandingError, manifest_file};

/// A sealed run, whose manifest has not been read.
#[derive(Debug, Clone)]
pub struct ListedRun {
    /// The run.
    pub run: RunId,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// The folder that has it: its own, or that of several runs.
    pub folder: PathBuf,
    pub(crate) place: Place,
}

/// Where the manifest of a run is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In its own folder; how it was received, if its beginning says it.
    Own(Option<LandingOrigin>),
    /// In a folder of several runs, at this position.
    Packed(Arc<Compacted>, usize),
    /// It is that of several runs, and cannot be used.
    Damaged(String),
}

impl ListedRun {
    /// Reads its manifest.
    ///
    /// # Errors
    /// When the manifest cannot be used.
    pub fn read(&self) -> Result<SealedRun, DamagedManifest> {
        self.read_text().map(|(run, _)| run)
    }

    /// The same, and the text of the manifest.
    pub(crate) fn read_text(&self) -> Result<(SealedRun, Vec<u8>), DamagedManifest> {
        // In a folder of several runs, the place where the run would have its own.
        let path = self.folder.with_file_name(format!("run={}", self.run));
        let path = path.join(MANIFEST_FILE);
        let read = match &self.place {
            Place::Own(_) => std::fs::read(&path)
                .map_err(LandingError::io("reading", &path))
                .map_err(|error| error.to_string())
                .map(|text| (text, None)),
            Place::Damaged(reason) => Err(reason.clone()),
            Place::Packed(compacted, index) => packed(compacted, *index)
                .map(|(text, run)| (text, Some((compacted.place(run), run)))),
        };
        let usable = read.and_then(|(text, packed)| {
            let manifest = usable_manifest(&path, &text, self)?;
            let packed = match packed {
                None => None,
                Some((place, run)) => {
                    let parts = manifest.parts.iter();
                    let bytes: u64 = parts.map(|part| part.bytes).sum();
                    if bytes != run.bytes {
                        return Err(
                            "its parts have other lengths than the manifest of the folder says"
                                .into(),
                        );
                    }
                    Some(place)
                }
            };
            let sealed = SealedRun {
                folder: self.folder.clone(),
                manifest,
                packed,
            };
            Ok((sealed, text))
        });
        usable.map_err(|reason| DamagedManifest { path, reason })
    }

    fn sort_key(&self) -> (&RunId, ApiVersion, &ResourceType) {
        (&self.run, self.api, &self.resource)
    }
}

fn packed(
    compacted: &Compacted,
    index: usize,
) -> Result<(Vec<u8>, &crate::compacted::manifest::CompactedRun), String> {
    let run = compacted.runs().get(index);
    let run = run.ok_or("the manifest of the folder has no such run")?;
    Ok((compacted.sealed_text(run)?, run))
}

/// What is below `landing`, by the names of folders and the manifests of those that have several runs.
#[derive(Debug, Clone, Default)]
pub struct ListedRuns {
    /// Runs that readers read, sorted by run, then API version, then resource type.
    pub sealed: Vec<ListedRun>,
    /// Runs that readers ignore, sorted by run.
    pub unsealed: Vec<UnsealedRun>,
    /// Folders that have several runs.
    pub(crate) compacted: Vec<Arc<Compacted>>,
    /// Folders of runs that another folder has, too: what is left from before.
    pub(crate) replaced: Vec<PathBuf>,
}

impl ListedRuns {
    /// Reads the manifests of those runs that `is_wanted` chooses, and leaves out the others.
    #[must_use]
    pub fn read(&self, is_wanted: impl Fn(&ListedRun) -> bool) -> LandingRuns {
        let mut runs = LandingRuns {
            unsealed: self.unsealed.clone(),
            compacted: self.compacted.clone(),
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

    fn add_type(&mut self, found: OfType) {
        // The folder of several runs is that of the newest of them: none replaces one that is newer.
        let others = |compacted: &Arc<Compacted>| {
            let newest = compacted.newest().cloned();
            let runs = compacted.runs().iter().map(|run| run.run.clone());
            runs.filter(|run| Some(run) != newest.as_ref())
                .collect::<Vec<_>>()
        };
        let replaced: BTreeSet<RunId> = found.compacted.iter().flat_map(others).collect();
        for compacted in found.compacted {
            if compacted.newest().is_some_and(|run| replaced.contains(run)) {
                self.replaced.push(compacted.folder.clone());
                continue;
            }
            self.sealed.extend(packed_runs(&compacted));
            self.compacted.push(compacted);
        }
        for listed in found.own {
            match replaced.contains(&listed.run) {
                true => self.replaced.push(listed.folder),
                false => self.sealed.push(listed),
            }
        }
        for unsealed in found.unsealed {
            match replaced.contains(&unsealed.run) {
                true => self.replaced.push(unsealed.folder),
                false => self.unsealed.push(unsealed),
            }
        }
    }
}

/// The runs of a folder of several.
pub(crate) fn packed_runs(compacted: &Arc<Compacted>) -> impl Iterator<Item = ListedRun> + '_ {
    let runs = compacted.runs().iter().enumerate();
    runs.map(|(index, run)| ListedRun {
        run: run.run.clone(),
        api: compacted.manifest.api,
        resource: compacted.manifest.resource.clone(),
        folder: compacted.folder.clone(),
        place: Place::Packed(Arc::clone(compacted), index),
    })
}

/// The run folders of one API version and resource type.
#[derive(Default)]
struct OfType {
    own: Vec<ListedRun>,
    compacted: Vec<Arc<Compacted>>,
    unsealed: Vec<UnsealedRun>,
}

/// Lists everything below `landing`, and reads no manifest of a single run.
///
/// # Errors
/// When a folder cannot be listed.
pub fn listed_runs(layout: &LandingLayout) -> Result<ListedRuns, LandingError> {
    let mut runs = ListedRuns::default();
    let mut marked = runs_under_import(layout)?;
    marked.extend(unfinished_runs(layout)?);
    for (api_folder, api) in folders::<ApiVersion>(layout.root(), "api")? {
        for (resource_folder, resource) in folders::<ResourceType>(&api_folder, "resource")? {
            runs.add_type(of_type(&resource_folder, (api, &resource), &marked)?);
        }
    }
    runs.sealed
        .sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    runs.unsealed
        .sort_by(|left, right| (&left.run, &left.folder).cmp(&(&right.run, &right.folder)));
    Ok(runs)
}

/// Where a run lies now that was listed before: it may have been joined with others since.
///
/// `folder` is the one that it had.
pub(crate) fn placed_now(
    folder: &Path,
    (api, resource, run): (ApiVersion, &ResourceType, &RunId),
) -> Option<SealedRun> {
    let mut runs = ListedRuns::default();
    let found = of_type(folder.parent()?, (api, resource), &BTreeSet::new());
    runs.add_type(found.ok()?);
    let mut sealed = runs.sealed.iter();
    sealed.find(|listed| listed.run == *run)?.read().ok()
}

fn of_type(
    resource_folder: &Path,
    (api, resource): (ApiVersion, &ResourceType),
    marked: &BTreeSet<RunId>,
) -> Result<OfType, LandingError> {
    let mut found = OfType::default();
    for (folder, run) in folders::<RunId>(resource_folder, "run")? {
        let head = match marked.contains(&run) {
            true => None,
            false => manifest_file::head(&folder)?,
        };
        let resource = resource.clone();
        let Some(head) = head else {
            found.unsealed.push(UnsealedRun {
                folder,
                api,
                resource,
                run,
            });
            continue;
        };
        let place = match head.starts_with(BEGINNING) {
            false => Place::Own(origin_of(&head)),
            true => match Compacted::read(&folder, (api, &resource, &run)) {
                Ok(compacted) => {
                    found.compacted.push(Arc::new(compacted));
                    continue;
                }
                Err(reason) => Place::Damaged(reason),
            },
        };
        found.own.push(ListedRun {
            run,
            api,
            resource,
            folder,
            place,
        });
    }
    Ok(found)
}

/// How a run was received, where the beginning of its manifest says it as it is written here.
fn origin_of(head: &[u8]) -> Option<LandingOrigin> {
    let parts = memchr::memmem::find(head, br#""parts":"#)?;
    let before = head.get(..parts)?;
    let has = |words: &[u8]| memchr::memmem::find(before, words).is_some();
    match (has(br#""origin":"extract""#), has(br#""origin":"import""#)) {
        (true, false) => Some(LandingOrigin::Extract),
        (false, true) => Some(LandingOrigin::Import),
        _ => None,
    }
}

/// What has a usable manifest of its own of one run, also of a run that is marked and so not visible
/// yet.
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
                place: Place::Own(None),
            };
            if manifest_file::head(&listed.folder)?.is_some() {
                found.extend(listed.read().ok());
            }
        }
    }
    Ok(found)
}

fn usable_manifest(path: &Path, text: &[u8], of: &ListedRun) -> Result<LandingManifest, String> {
    let manifest = manifest_file::parse(path, text).map_err(|error| error.to_string())?;
    if manifest.api != of.api || manifest.resource != of.resource || manifest.run != of.run {
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
