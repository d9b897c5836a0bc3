//! A target that is a folder.
//!
//! Files are written under another name, synced, and renamed or linked to their own. What is made
//! here is for its owner only, unless the target's folder was opened to its group and closed to all
//! others: then its files are for the group too.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use chrono::DateTime;
use claimlake_contract::hex;
use sha2::{Digest as _, Sha256};

use super::{Created, Found};
use crate::error::{PublishError, Result};

/// Files that are being written. Readers never look here.
const UNFINISHED: &str = ".unfinished";

/// What a killed publish left here is removed after this time: another process may still write.
const LEFT_AFTER_SECONDS: u64 = 24 * 3600;

/// Tells the files of this process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(super) struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    pub(super) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<(String, Found)>> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(PublishError::io("listing", &folder)(error)),
            };
            for entry in entries {
                let path = entry.map_err(PublishError::io("listing", &folder))?.path();
                let metadata = match fs::symlink_metadata(&path) {
                    Ok(metadata) => metadata,
                    // Removed meanwhile by another publish.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(PublishError::io("reading", &path)(error)),
                };
                if path == self.root.join(UNFINISHED) {
                    continue;
                }
                if metadata.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
                let Some(name) = name else {
                    continue;
                };
                // A hard link has the file's time of writing; it changed when it was linked.
                let changed = metadata.ctime().max(metadata.mtime());
                let found_now = Found {
                    bytes: metadata.len(),
                    modified: DateTime::from_timestamp(changed, 0).unwrap_or_default(),
                };
                found.push((name.to_owned(), found_now));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// Whether files that were being written are there.
    pub(super) fn has_unfinished(&self) -> Result<bool> {
        let folder = self.root.join(UNFINISHED);
        match fs::read_dir(&folder) {
            Ok(mut entries) => Ok(entries.next().is_some()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(PublishError::io("listing", &folder)(error)),
        }
    }

    pub(super) fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let path = self.root.join(path);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PublishError::io("reading", &path)(error)),
        }
    }

    pub(super) fn open(&self, path: &str) -> Result<Option<File>> {
        let path = self.root.join(path);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PublishError::io("opening", &path)(error)),
        }
    }

    pub(super) fn create(&self, path: &str, content: &[u8]) -> Result<Created> {
        let unfinished = self.unfinished(content)?;
        let (path, folder) = self.place(path)?;
        let linked = fs::hard_link(&unfinished, &path);
        let removed = fs::remove_file(&unfinished);
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Created::Exists),
            Err(error) => return Err(PublishError::io("making", &path)(error)),
        }
        removed.map_err(PublishError::io("removing", &unfinished))?;
        sync(&folder)?;
        Ok(Created::Yes)
    }

    pub(super) fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        let unfinished = self.unfinished(content)?;
        self.rename(&unfinished, path)
    }

    /// Links or copies a local file whose checksum is as stated.
    pub(super) fn send(&self, path: &str, from: &Path, sha256: &str) -> Result<()> {
        let mode = self.file_mode()?;
        let has_mode = fs::metadata(from).is_ok_and(|found| found.mode() & 0o777 == mode);
        // On the same file system no second copy is needed, as long as both have the same readers.
        let linked = has_mode.then(|| self.new_unfinished(|path| fs::hard_link(from, path)));
        let (unfinished, copied) = match linked {
            Some(Ok((path, ()))) => (path, hash(from, &mut io::sink())),
            _ => {
                let (path, mut file) = self.new_file()?;
                let copied = hash(from, &mut file).and_then(|found| {
                    file.sync_all()?;
                    Ok(found)
                });
                (path, copied)
            }
        };
        match copied {
            Ok(found) if found == sha256 => self.rename(&unfinished, path),
            Ok(_) => {
                let _ = fs::remove_file(&unfinished);
                Err(super::error_words::damaged(from))
            }
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                Err(PublishError::io("copying", from)(error))
            }
        }
    }

    /// Removes a file, and folders that are empty then.
    pub(super) fn remove(&self, path: &str) -> Result<()> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(PublishError::io("removing", &path)(error));
            }
            _ => {}
        }
        let mut folder = path.parent();
        while let Some(empty) = folder.filter(|folder| *folder != self.root) {
            if fs::remove_dir(empty).is_err() {
                break;
            }
            folder = empty.parent();
        }
        Ok(())
    }

    /// Removes all files that were being written, those of a publish that runs included.
    pub(super) fn remove_unfinished(&self) -> Result<()> {
        let folder = self.root.join(UNFINISHED);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(PublishError::io("removing", &folder)(error))
            }
            _ => Ok(()),
        }
    }

    fn unfinished(&self, content: &[u8]) -> Result<PathBuf> {
        let (path, mut file) = self.new_file()?;
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(PublishError::io("writing", &path))?;
        Ok(path)
    }

    fn rename(&self, unfinished: &Path, path: &str) -> Result<()> {
        let (path, folder) = self.place(path)?;
        fs::rename(unfinished, &path).map_err(PublishError::io("making", &path))?;
        // Renaming one link of a file over another one does nothing.
        match fs::remove_file(unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(PublishError::io("removing", unfinished)(error));
            }
            _ => {}
        }
        sync(&folder)
    }

    /// The full path, whose folder is there, and that folder.
    fn place(&self, path: &str) -> Result<(PathBuf, PathBuf)> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(&self.root).to_path_buf();
        self.make_folder(&folder)?;
        Ok((path, folder))
    }

    fn new_file(&self) -> Result<(PathBuf, File)> {
        let mode = self.file_mode()?;
        self.new_unfinished(|path| {
            let mut options = File::options();
            options.write(true).create_new(true).mode(mode);
            let file = options.open(path)?;
            // The process's umask may have taken bits away.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            Ok(file)
        })
    }

    /// Makes something under a name that nothing had: processes of other machines, or other
    /// containers, may have this one's number.
    fn new_unfinished<T>(&self, make: impl Fn(&Path) -> io::Result<T>) -> Result<(PathBuf, T)> {
        let folder = self.root.join(UNFINISHED);
        self.make_folder(&folder)?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                clear(&folder);
            }
            let path = folder.join(format!("{}-{number}", std::process::id()));
            match make(&path) {
                Ok(made) => return Ok((path, made)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(PublishError::io("making", &path)(error)),
            }
        }
    }

    fn file_mode(&self) -> Result<u32> {
        Ok(self.folder_mode()? & 0o666)
    }

    fn folder_mode(&self) -> Result<u32> {
        match fs::metadata(&self.root) {
            // A folder that anybody may enter was not meant for claims.
            Ok(root) if root.mode() & 0o007 != 0 => Ok(0o700),
            Ok(root) => Ok(root.mode() & 0o770),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0o700),
            Err(error) => Err(PublishError::io("reading", &self.root)(error)),
        }
    }

    fn make_folder(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let making = PublishError::io("making", folder);
        if !self.root.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700);
            if let Err(error) = builder.create(&self.root) {
                return Err(making(error));
            }
        }
        let mode = self.folder_mode()?;
        let below = folder.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let mut path = self.root.clone();
        for part in below {
            path.push(part);
            match fs::DirBuilder::new().mode(mode).create(&path) {
                Ok(()) => {
                    let parents = path.parent().unwrap_or(&self.root);
                    // The set-group-ID bit comes from the parent and stays.
                    let made = fs::metadata(&path).map(|made| made.mode() & 0o7000);
                    let mode = mode | made.unwrap_or_default();
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                        .map_err(PublishError::io("making", &path))?;
                    sync(parents)?;
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(PublishError::io("making", &path)(error)),
            }
        }
        Ok(())
    }
}

/// Copies a file and returns its SHA-256 as lower-case hex.
fn hash(from: &Path, to: &mut dyn io::Write) -> io::Result<String> {
    let mut file = File::open(from)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(PublishError::io("syncing", folder))
}

/// Removes what a killed publish left a day ago.
fn clear(folder: &Path) {
    let now = UNIX_EPOCH.elapsed().map_or(0, |now| now.as_secs());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let changed = entry.metadata().map(|found| found.ctime());
        let changed = changed.ok().and_then(|at| u64::try_from(at).ok());
        if changed.is_some_and(|at| at + LEFT_AFTER_SECONDS < now) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
