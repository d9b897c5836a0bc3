//! What is no longer at the server: it must not be in the lake.

use claimlake_contract::IdHash;
use claimlake_landing::{Gone, SealedPart};
use claimlake_loader::Held;

use crate::Check;
use crate::lake::Snapshot;
use crate::landed::{Landed, ResourceKey};

/// The hash that landing manifests name an id by.
pub(crate) fn hash_of(id: &str) -> IdHash {
    claimlake_landing::id_hash(format!("\"{id}\"").as_bytes())
}

/// Whether a run after that of `part` no longer found the resource.
pub(crate) fn leaves_out(gone: &Gone, part: &SealedPart, id: &str) -> bool {
    !gone.is_empty() && gone.leaves_out(part.api, &part.resource, hash_of(id), &part.run)
}

/// What the lake holds and knows as gone against what full reads no longer found.
pub(crate) fn check(snapshot: &Snapshot, landed: &Landed, gone: &Gone) -> Check {
    let mut check = Check::hard(
        "gone",
        "resources that are no longer at the server are not in the lake",
    );
    let (folder, manifest) = (&snapshot.folder, &snapshot.manifest);
    let read = claimlake_loader::known_resources(folder, manifest, |found, held| {
        let place = |what: &str| {
            let (api, resource) = (found.source_api, found.resource_type);
            format!("a {resource} ({api}): {what}")
        };
        let (Ok(api), Ok(resource)) = (found.source_api.parse(), found.resource_type.parse())
        else {
            return;
        };
        if held == Held::LeftOut || (held == Held::InLake && gone.is_empty()) {
            return;
        }
        let is_gone = gone
            .since(api, &resource, hash_of(found.resource_id))
            .is_some();
        let counts = landed.has(ResourceKey::new(api, &resource, found.resource_id));
        match held {
            Held::Gone => check.expect(is_gone, || {
                place(
                    "the lake knows it as gone, no run in landing says so; run `transform --full`, \
                     then `load`",
                )
            }),
            _ if is_gone => check.expect(counts, || {
                place("the lake holds it, and the server no longer has it")
            }),
            _ => {}
        }
    });
    if let Err(error) = read {
        check.fail(|| format!("the keys cannot be read: {error}"));
    }
    check
}
