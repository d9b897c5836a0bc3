//! The bodies that another program says it staged, to be compared with what landed. Without this, a
//! Spark job that read an old copy of landing could publish rows that no landed line contains.
//!
//! The caller goes through landing and calls [`StagedBodies::found`] for each line; the two counts
//! then say what did not match. All staged bodies are in memory, as hashes.

use std::collections::{HashMap, HashSet};

use claimlake_columnar::GroupKey as ResourceKey;

/// Resources and the content hashes of their staged bodies.
#[derive(Debug, Default)]
pub struct StagedBodies {
    /// By resource and content hash: whether it was found to have landed.
    bodies: HashMap<(ResourceKey, [u8; 16]), bool>,
    /// Resources that landed, with whatever content.
    landed: HashSet<ResourceKey>,
    /// All staged resources. Lines of other resources are ignored, so that landing may have more.
    resources: HashSet<ResourceKey>,
}

impl StagedBodies {
    /// Adds a staged body. A hash that is not 16 bytes long is padded or cut, and so matches no
    /// landed line.
    pub(super) fn add(&mut self, resource: ResourceKey, content: &[u8]) {
        let mut hash = [0; 16];
        let length = content.len().min(16);
        hash[..length].copy_from_slice(&content[..length]);
        self.bodies.insert((resource, hash), false);
        self.resources.insert(resource);
    }

    /// Resources that have the content hash of another one.
    pub(super) fn shared(&self) -> u64 {
        let mut hashes: Vec<&[u8; 16]> = self.bodies.keys().map(|(_, hash)| hash).collect();
        hashes.sort_unstable();
        let same = |pair: &&[&[u8; 16]; 2]| pair[0] == pair[1];
        hashes.array_windows().filter(same).count() as u64
    }

    /// A resource that landed, with the content hash of its line.
    pub fn found(&mut self, api: &str, resource_type: &str, id: &str, content: [u8; 16]) {
        let resource = ResourceKey::new(api, resource_type, id);
        if !self.resources.contains(&resource) {
            return;
        }
        self.landed.insert(resource);
        if let Some(found) = self.bodies.get_mut(&(resource, content)) {
            *found = true;
        }
    }

    /// Staged bodies of resources of which nothing was found.
    #[must_use]
    pub fn not_landed(&self) -> u64 {
        self.count(|resource| !self.landed.contains(resource))
    }

    /// How many staged bodies are of resources that landed with other content hashes only.
    #[must_use]
    pub fn of_other_content(&self) -> u64 {
        self.count(|resource| self.landed.contains(resource))
    }

    /// Counts bodies that were not found in landing and whose resource fits.
    fn count(&self, fits: impl Fn(&ResourceKey) -> bool) -> u64 {
        let bodies = self.bodies.iter();
        bodies
            .filter(|((resource, _), found)| !**found && fits(resource))
            .count() as u64
    }
}
