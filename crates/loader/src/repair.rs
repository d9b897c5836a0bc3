//! Damaged files of kept snapshots, for `load --rebuild`: found by their hashes, and replaced if a
//! file with the same hash exists elsewhere.
//!
//! Snapshots share files through hard links, so a damaged file is damaged in all of them. It is
//! never written to: an intact file takes its place by rename, in every snapshot that names its
//! hash, and a query that has the damaged file open keeps it.
//!
//! A repair has three steps. [`Repair::begin`] hashes everything and replaces what another snapshot
//! still has. The load then builds all tables again from landing, and [`Repair::use_built`]
//! replaces what came out with the same bytes as before (the same rows give the same bytes).
//! [`Repair::remove_damaged`] removes snapshots that are damaged even so, once an intact one is
//! current.

mod before;
mod files;
mod history;

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use claimlake_contract::{LakeFile, LakeManifest, hex};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::damage::is_damage;
use crate::error::{LoadError, Result};
use crate::file_hash::hash_of;
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::publish::manifest::{read_manifest, write_file};
use crate::publish::publication::{real_path, view_texts};
use crate::request::LoadOptions;

use files::{Usable, remove_extra_files, remove_file, usable_manifest};

pub use files::is_of_another_version;
pub(crate) use history::History;

/// A repair in progress. It is shared by the threads of a load, so its state has a lock.
#[derive(Debug)]
pub(crate) struct Repair<'l> {
    lake: &'l Lake,
    access: Access,
    state: Mutex<State>,
}

/// What was found and done so far.
#[derive(Debug, Default)]
struct State {
    /// All kept snapshots of this format, by number.
    snapshots: Vec<Surveyed>,
    /// By hash, a file with intact content.
    whole: HashMap<String, PathBuf>,
    /// How many files were replaced.
    replaced: u64,
    /// What cannot be restored, in prose, for the report.
    lost: Vec<String>,
}

/// A kept snapshot and what is wrong with it.
#[derive(Debug)]
struct Surveyed {
    number: u64,
    folder: PathBuf,
    /// `None` if the manifest is damaged: then nothing says which files there should be.
    manifest: Option<LakeManifest>,
    /// Files that are missing or are not as the manifest says, by path.
    damaged: BTreeMap<String, LakeFile>,
}

impl Surveyed {
    /// Whether anything of it is damaged.
    fn is_damaged(&self) -> bool {
        self.manifest.is_none() || !self.damaged.is_empty()
    }
}

impl<'l> Repair<'l> {
    /// Compares every file of every kept snapshot with its manifest, deletes files that no manifest
    /// names, and replaces those of which an intact copy exists. `options` are those of the load,
    /// from which the SQL views follow.
    ///
    /// # Errors
    ///
    /// The operating system refuses, or the current snapshot was published by another version,
    /// whose format is not damage. Older snapshots of another version are left alone.
    pub(crate) fn begin(lake: &'l Lake, access: Access, options: &LoadOptions) -> Result<Self> {
        let repair = Self {
            lake,
            access,
            state: Mutex::default(),
        };
        let mut state = repair.state();
        let current = lake.current().ok().flatten();
        for number in lake.numbers()? {
            let folder = lake.snapshot(number);
            let manifest = match usable_manifest(&folder)? {
                Usable::Yes(manifest) => Some(*manifest),
                Usable::Damaged => None,
                Usable::OfAnotherVersion if current == Some(number) => {
                    read_manifest(&folder)?;
                    continue;
                }
                Usable::OfAnotherVersion => continue,
            };
            state.snapshots.push(Surveyed {
                number,
                folder,
                manifest,
                damaged: BTreeMap::new(),
            });
        }
        state.survey()?;
        for index in 0..state.snapshots.len() {
            repair.write_views(&mut state, index, options)?;
        }
        repair.replace_known(&mut state)?;
        drop(state);
        Ok(repair)
    }

    /// Locks the state. A thread that panicked while it held the lock left counts and lists that
    /// are still usable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces damaged files by files with the same hash of the snapshot that was built in
    /// `building`.
    pub(crate) fn use_built(&self, built: &LakeManifest, building: &Path) -> Result<()> {
        let mut state = self.state();
        for file in built.all_files() {
            let known = state.whole.entry(file.sha256.clone());
            known.or_insert_with(|| building.join(&file.path));
        }
        self.replace_known(&mut state)
    }

    /// Whether every file of a snapshot is as its manifest says, after what was replaced so far.
    pub(crate) fn is_whole(&self, number: u64) -> bool {
        let state = self.state();
        let mut snapshots = state.snapshots.iter();
        snapshots.any(|one| one.number == number && !one.is_damaged())
    }

    /// The number of files that were replaced.
    pub(crate) fn replaced(&self) -> u64 {
        self.state().replaced
    }

    /// Notes something that cannot be restored.
    pub(crate) fn lose(&self, what: String) {
        self.state().lost.push(what);
    }

    /// What cannot be restored, in prose.
    pub(crate) fn lost(&self) -> Vec<String> {
        self.state().lost.clone()
    }

    /// Removes snapshots that are still damaged, except the current one, so that nobody can roll
    /// back to them.
    pub(crate) fn remove_damaged(&self, current: u64) -> Result<Vec<u64>> {
        let mut removed = Vec::new();
        for one in &self.state().snapshots {
            if one.number != current && one.is_damaged() {
                self.lake.remove(one.number)?;
                removed.push(one.number);
            }
        }
        Ok(removed)
    }

    /// Replaces every damaged file of which an intact copy is known. The copies first get names of
    /// their own: if two files were swapped, each is the other's intact copy, and the first rename
    /// would destroy the second one.
    fn replace_known(&self, state: &mut State) -> Result<()> {
        let State {
            snapshots,
            whole,
            replaced,
            ..
        } = state;
        // Where two files were swapped, each lies in the other's place: what is needed gets a name
        // of its own before anything is replaced.
        let damaged = snapshots.iter().flat_map(|one| one.damaged.values());
        let mut sources: HashMap<String, PathBuf> = HashMap::new();
        for file in damaged {
            if let Some(source) = whole.get(&file.sha256)
                && !sources.contains_key(&file.sha256)
            {
                let kept = self.lake.kept_whole(&file.sha256);
                if kept != *source {
                    self.copy(source, &kept)?;
                }
                sources.insert(file.sha256.clone(), kept);
            }
        }
        for one in snapshots {
            for (path, file) in std::mem::take(&mut one.damaged) {
                let Some(source) = sources.get(&file.sha256) else {
                    one.damaged.insert(path, file);
                    continue;
                };
                let beside = self.beside()?;
                self.copy(source, &beside)?;
                self.rename(&beside, &one.folder.join(&path))?;
                *replaced += 1;
            }
        }
        whole.extend(sources);
        Ok(())
    }

    /// Writes damaged SQL views again. They follow from the manifest, but an earlier version may
    /// have written them differently, so only a text with the recorded hash is used.
    fn write_views(&self, state: &mut State, index: usize, options: &LoadOptions) -> Result<()> {
        let Some(one) = state.snapshots.get_mut(index) else {
            return Ok(());
        };
        let Some(manifest) = &one.manifest else {
            return Ok(());
        };
        let folder = real_path(&one.folder)?;
        for (name, text) in view_texts(manifest, &folder, options) {
            let Some(file) = one.damaged.get(name) else {
                continue;
            };
            if hex(&Sha256::digest(&text)) != file.sha256 {
                continue;
            }
            let beside = self.beside()?;
            write_file(&beside, text.as_bytes(), &self.access)?;
            self.rename(&beside, &one.folder.join(name))?;
            one.damaged.remove(name);
            state.replaced += 1;
        }
        Ok(())
    }

    /// Gives a file a second name; copies it where hard links are not possible.
    fn copy(&self, source: &Path, name: &Path) -> Result<()> {
        if let Some(folder) = name.parent() {
            self.access.make_folder(folder)?;
        }
        remove_file(name)?;
        if std::fs::hard_link(source, name).is_ok() {
            return Ok(());
        }
        let mut from = std::fs::File::open(source).map_err(LoadError::io("opening", source))?;
        let mut to = self.access.create_file(name)?;
        std::io::copy(&mut from, &mut to)
            .and_then(|_| to.sync_all())
            .map_err(LoadError::io("copying to", name))
    }

    /// The path at which a file waits for its rename; nothing exists there.
    fn beside(&self) -> Result<PathBuf> {
        let beside = self.lake.repairing();
        if let Some(folder) = beside.parent() {
            self.access.make_folder(folder)?;
        }
        remove_file(&beside)?;
        Ok(beside)
    }

    /// Replaces `target` by the file at `beside`, durably. A folder in its place is deleted first.
    fn rename(&self, beside: &Path, target: &Path) -> Result<()> {
        if target.is_dir() {
            std::fs::remove_dir_all(target).map_err(LoadError::io("removing", target))?;
        }
        if let Some(folder) = target.parent() {
            self.access.make_folder(folder)?;
        }
        std::fs::rename(beside, target).map_err(LoadError::io("replacing", target))?;
        // Renaming a link to the same file leaves both names.
        remove_file(beside)?;
        match target.parent() {
            Some(folder) => std::fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(LoadError::io("syncing", folder)),
            None => Ok(()),
        }
    }
}

impl State {
    /// Hashes every file once, however many snapshots share it (files are told apart by device and
    /// inode), and notes what differs from the manifests.
    fn survey(&mut self) -> Result<()> {
        let mut by_inode: HashMap<(u64, u64), PathBuf> = HashMap::new();
        let mut inodes: HashMap<PathBuf, (u64, u64)> = HashMap::new();
        for one in &self.snapshots {
            let Some(manifest) = &one.manifest else {
                continue;
            };
            remove_extra_files(&one.folder, manifest)?;
            for file in manifest.all_files() {
                let path = one.folder.join(&file.path);
                match std::fs::symlink_metadata(&path) {
                    Ok(found) if found.is_file() => {
                        let inode = (found.dev(), found.ino());
                        by_inode.entry(inode).or_insert_with(|| path.clone());
                        inodes.insert(path, inode);
                    }
                    Ok(_) => {}
                    Err(error) if is_damage(&error) => {}
                    Err(error) => return Err(LoadError::io("reading", &path)(error)),
                }
            }
        }
        let hashes: HashMap<(u64, u64), String> = by_inode
            .par_iter()
            .filter_map(|(inode, path)| match hash_of(path) {
                Ok(hash) => Some(Ok((*inode, hash))),
                Err(LoadError::Io { source, .. }) if is_damage(&source) => None,
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<_>>()?;
        for (inode, hash) in &hashes {
            if let Some(path) = by_inode.get(inode) {
                self.whole.insert(hash.clone(), path.clone());
            }
        }
        for one in &mut self.snapshots {
            let files = one.manifest.iter().flat_map(LakeManifest::all_files);
            for file in files {
                let inode = inodes.get(&one.folder.join(&file.path));
                let hash = inode.and_then(|inode| hashes.get(inode));
                if hash != Some(&file.sha256) {
                    one.damaged.insert(file.path.clone(), file.clone());
                }
            }
        }
        Ok(())
    }
}
