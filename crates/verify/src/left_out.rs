//! What the pipeline leaves out of all tables: the lake must know of it, or an older body comes back.

use crate::Check;
use crate::lake::Snapshot;
use crate::landed::{Landed, ResourceKey};

/// What the lake knows as left out against what landing says: what is wrong, and what is missing.
/// Lakes of earlier versions know of nothing until all of landing is loaded again.
pub(crate) fn check(snapshot: &Snapshot, landed: &Landed) -> [Check; 2] {
    let mut known = Check::hard(
        "left_out",
        "what the lake knows as left out against the newest bodies",
    );
    let mut unknown = Check::warning(
        "left_out_unknown",
        "resources that are left out are known to the lake, so that no older body counts",
    );
    let mut expected = landed.left_out();
    let read = claimlake_loader::left_out(&snapshot.folder, &snapshot.manifest, |found| {
        let place = |what: &str| {
            let (api, resource) = (found.source_api, found.resource_type);
            format!("a {resource} ({api}): {what}")
        };
        let (Ok(api), Ok(resource)) = (found.source_api.parse(), found.resource_type.parse())
        else {
            known.fail(|| place("landing has no such type"));
            return;
        };
        let key = ResourceKey::new(api, &resource, found.resource_id);
        match expected.remove(&key) {
            None => known.fail(|| place("landing has no newest body that is left out")),
            Some(time) => {
                unknown.pass();
                known.expect(time == found.last_updated, || {
                    place("the newest body in landing is of another time")
                });
            }
        }
    });
    if let Err(error) = read {
        known.fail(|| format!("the keys cannot be read: {error}"));
        return [known, unknown];
    }
    let missing = expected.len() as u64;
    unknown.checked += missing;
    unknown.failed += missing;
    if missing > 0 {
        let way_on = "`transform --full`, then `load`, makes them known";
        unknown.name_places([way_on.to_owned()]);
    }
    [known, unknown]
}
