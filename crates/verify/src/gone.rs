//! What is no longer at the server: it must not be in the lake.

use claimlake_contract::IdHash;
use claimlake_landing::{Gone, SealedPart};
use claimlake_loader::{KnownResource, ResourceStatus};

use crate::known_resource::place;
use crate::report::Check;

/// The hash that landing manifests name an id by.
pub(crate) fn hash_of(id: &str) -> IdHash {
    claimlake_fhir::id_hash(format!("\"{id}\"").as_bytes())
}

/// Whether a run after that of `part` no longer found the resource.
pub(crate) fn leaves_out(gone: &Gone, part: &SealedPart, id: &str) -> bool {
    !gone.is_empty() && gone.leaves_out(part.api, &part.resource, hash_of(id), &part.run)
}

/// Compares the resources in the lake, and those that its keys mark as gone, with those that full
/// reads no longer found.
pub(crate) struct GoneCheck<'c> {
    check: Check,
    gone: &'c Gone,
}

/// The check before anything was compared.
pub(crate) fn empty() -> Check {
    Check::hard(
        "gone",
        "resources that are no longer at the server are not in the lake",
    )
}

impl<'c> GoneCheck<'c> {
    pub(crate) fn new(gone: &'c Gone) -> Self {
        let check = empty();
        Self { check, gone }
    }

    /// Looks at a resource of the lake's keys; returns whether a full read no longer found it.
    pub(crate) fn see(&mut self, found: &KnownResource<'_>, status: ResourceStatus) -> bool {
        if status == ResourceStatus::InLake && self.gone.is_empty() {
            return false;
        }
        let (Ok(api), Ok(resource)) = (found.source_api.parse(), found.resource_type.parse())
        else {
            return false;
        };
        let since = self.gone.since(api, &resource, hash_of(found.resource_id));
        let is_gone = since.is_some();
        if status == ResourceStatus::Gone {
            self.check.expect(is_gone, || {
                place(
                    found,
                    "the lake knows it as gone, no run in landing says so; run `transform --full`, \
                     then `load`",
                )
            });
        }
        is_gone
    }

    /// Adds what was found of those that are in the lake.
    pub(crate) fn merge(&mut self, found: Check) {
        self.check.merge(found);
    }

    /// The check, `unreadable` where the keys could not be read to their end.
    pub(crate) fn end(mut self, unreadable: Option<&str>) -> Check {
        if let Some(reason) = unreadable {
            self.check.fail(|| reason.to_owned());
        }
        self.check
    }
}
