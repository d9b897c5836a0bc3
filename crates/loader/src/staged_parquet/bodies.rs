//! The bodies that another program says it staged, to be compared with what landed. Without this, a
//! Spark job that read an old copy of landing could publish rows that no landed line contains.
//!
//! The caller goes through landing and calls [`StagedBodies::found`] for each line;
//! [`StagedBodies::compare`] then says what did not match. Bodies are hashes, sorted on disk where
//! memory does not suffice.

use std::path::{Path, PathBuf};

use claimlake_columnar::GroupKey as ResourceKey;

use crate::error::Result;
use crate::merge::record_sorter::{RecordSorter, SortedRecords};

/// Two hashes of 16 bytes: of a resource, and of a body's content.
const BODY_BYTES: usize = 32;

/// About the bytes of memory that each of three sorts takes.
const BUDGET: usize = 32 << 20;

/// Resources and the content hashes of their bodies.
pub struct StagedBodies {
    /// By content hash, then resource.
    by_content: Option<RecordSorter<BODY_BYTES>>,
    /// By resource, then content hash.
    staged: RecordSorter<BODY_BYTES>,
    /// The same of what landed.
    landed: RecordSorter<BODY_BYTES>,
    /// The first error of adding what landed.
    failed: Result<()>,
    /// After the sorters, whose files are in it.
    _folder: SpillFolder,
}

/// The folder of files without names, which is empty when it goes.
#[derive(Debug)]
struct SpillFolder(PathBuf);

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // It is not there if memory was enough.
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// What of the staged bodies is not in landing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ComparedBodies {
    /// Staged bodies of resources of which nothing has landed.
    pub not_landed: u64,
    /// Staged bodies of resources that landed with other content hashes only.
    pub of_other_content: u64,
}

impl std::fmt::Debug for StagedBodies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StagedBodies").finish_non_exhaustive()
    }
}

impl StagedBodies {
    /// Sorts in `spill`, which goes with it and need not exist.
    pub(super) fn new(spill: &Path) -> Result<Self> {
        let sorter = |name: &str| RecordSorter::new(name, spill.join(name), BUDGET);
        Ok(Self {
            by_content: Some(sorter("contents")?),
            staged: sorter("staged")?,
            landed: sorter("landed")?,
            failed: Ok(()),
            _folder: SpillFolder(spill.to_path_buf()),
        })
    }

    /// Adds a staged body. A hash that is not 16 bytes long is padded or cut, and so matches no
    /// landed line.
    pub(super) fn add(&mut self, resource: ResourceKey, content: &[u8]) -> Result<()> {
        let mut hash = [0; 16];
        let length = content.len().min(16);
        hash[..length].copy_from_slice(&content[..length]);
        if let Some(by_content) = &mut self.by_content {
            by_content.push(&joined(&hash, &resource.to_bytes()))?;
        }
        self.staged.push(&joined(&resource.to_bytes(), &hash))
    }

    /// Resources that have the content hash of another one. Nothing can be added afterwards.
    pub(super) fn shared(&mut self) -> Result<u64> {
        let Some(by_content) = self.by_content.take() else {
            return Ok(0);
        };
        let mut shared = 0;
        let mut last: Option<[u8; BODY_BYTES]> = None;
        for body in by_content.finish()? {
            let body = body?;
            if let Some(last) = last {
                shared += u64::from(last[..16] == body[..16] && last != body);
            }
            last = Some(body);
        }
        Ok(shared)
    }

    /// A resource that landed, with the content hash of its line.
    pub fn found(&mut self, api: &str, resource_type: &str, id: &str, content: [u8; 16]) {
        if self.failed.is_ok() {
            let resource = ResourceKey::new(api, resource_type, id);
            self.failed = self.landed.push(&joined(&resource.to_bytes(), &content));
        }
    }

    /// Compares what is staged with what was found.
    ///
    /// # Errors
    ///
    /// The disk refuses, now or when something was found.
    pub fn compare(self) -> Result<ComparedBodies> {
        self.failed?;
        let mut compared = ComparedBodies::default();
        let mut landed = Landed::new(self.landed.finish()?)?;
        let mut last = None;
        for body in self.staged.finish()? {
            let body = body?;
            if last.replace(body) == Some(body) {
                continue;
            }
            landed.go_to(&body)?;
            if landed.next == Some(body) {
                continue;
            }
            let has_landed = |other: Option<[u8; BODY_BYTES]>| {
                other.is_some_and(|other| other[..16] == body[..16])
            };
            match has_landed(landed.before) || has_landed(landed.next) {
                true => compared.of_other_content += 1,
                false => compared.not_landed += 1,
            }
        }
        Ok(compared)
    }
}

/// What landed, around a place in its order.
struct Landed {
    bodies: SortedRecords<BODY_BYTES>,
    before: Option<[u8; BODY_BYTES]>,
    next: Option<[u8; BODY_BYTES]>,
}

impl Landed {
    fn new(mut bodies: SortedRecords<BODY_BYTES>) -> Result<Self> {
        Ok(Self {
            before: None,
            next: bodies.next().transpose()?,
            bodies,
        })
    }

    /// Goes on until the next one is `body` or after it.
    fn go_to(&mut self, body: &[u8; BODY_BYTES]) -> Result<()> {
        while self.next.as_ref().is_some_and(|next| next < body) {
            self.before = self.next.take();
            self.next = self.bodies.next().transpose()?;
        }
        Ok(())
    }
}

fn joined(first: &[u8; 16], second: &[u8; 16]) -> [u8; BODY_BYTES] {
    let mut body = [0; BODY_BYTES];
    body[..16].copy_from_slice(first);
    body[16..].copy_from_slice(second);
    body
}
