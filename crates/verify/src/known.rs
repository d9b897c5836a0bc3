//! What a snapshot's keys record about resources, read once for all checks.

use claimlake_landing::Gone;
use claimlake_loader::{KnownResource, ResourceStatus};

use crate::changes::ChangesCheck;
use crate::gone::GoneCheck;
use crate::known_resource::{key_of, place};
use crate::lake::Snapshot;
use crate::landed::Landed;
use crate::left_out::LeftOutChecks;
use crate::report::Check;

/// The name of the check for resources that the lake has and landing has lost.
pub(crate) const ABSENT: &str = "absent";

/// The checks of resources that are gone, of those that the pipeline leaves out, of the last
/// change of each, and of those that landing has lost.
pub(crate) fn check(snapshot: &Snapshot, landed: &Landed, gone: &Gone) -> [Check; 5] {
    let mut of_gone = GoneCheck::new(landed, gone);
    let mut of_left_out = LeftOutChecks::new(landed);
    let mut absent = Check::hard(ABSENT, "resources of the lake have landed");
    let mut of_changes = ChangesCheck::new(snapshot);
    let (folder, manifest) = (&snapshot.folder, &snapshot.manifest);
    let read = claimlake_loader::known_resources(folder, manifest, |found, status| {
        of_gone.see(&found, status);
        of_left_out.see(&found, status);
        of_changes.see(&found, status);
        if status == ResourceStatus::InLake
            && let Some(key) = key_of(&found)
            && !is_gone(&found, gone)
        {
            absent.expect(landed.has(key), || {
                place(&found, "the lake holds it, and it is nowhere in landing")
            });
        }
    });
    let unreadable = read
        .err()
        .map(|error| format!("the keys cannot be read: {error}"));
    let gone = of_gone.end(unreadable.as_deref());
    let [known, unknown] = of_left_out.end(unreadable.as_deref());
    let changes = of_changes.end(unreadable.is_none());
    if let Some(reason) = unreadable {
        absent.fail(|| reason);
    }
    [gone, known, unknown, changes, absent]
}

/// Whether a full read no longer found the resource: another check covers these.
fn is_gone(found: &KnownResource<'_>, gone: &Gone) -> bool {
    if gone.is_empty() {
        return false;
    }
    let (Ok(api), Ok(resource)) = (found.source_api.parse(), found.resource_type.parse()) else {
        return false;
    };
    let hash = crate::gone::hash_of(found.resource_id);
    gone.since(api, &resource, hash).is_some()
}
