//! Resources that the pipeline leaves out of all tables: the lake must have tombstones of them,
//! otherwise older bodies reappear.

use std::collections::HashMap;

use claimlake_loader::{KnownResource, ResourceStatus};

use crate::known_resource::{key_of, place};
use crate::landed::{Landed, ResourceKey};
use crate::report::Check;

/// What the lake knows as left out against what landing says: what is wrong, and what is missing.
/// Lakes of earlier versions know of nothing until all of landing is loaded again.
pub(crate) struct LeftOutChecks {
    known: Check,
    unknown: Check,
    /// What is left out by landing, and was not yet found in the lake.
    expected: HashMap<ResourceKey, Option<i64>>,
}

impl LeftOutChecks {
    pub(crate) fn new(landed: &Landed) -> Self {
        Self {
            known: Check::hard(
                "left_out",
                "what the lake knows as left out against the newest bodies",
            ),
            unknown: Check::warning(
                "left_out_unknown",
                "resources that are left out are known to the lake, so that no older body counts",
            ),
            expected: landed.left_out(),
        }
    }

    /// Looks at a resource of the lake's keys.
    pub(crate) fn see(&mut self, found: &KnownResource<'_>, status: ResourceStatus) {
        if status != ResourceStatus::LeftOut {
            return;
        }
        let Some(key) = key_of(found) else {
            self.known.fail(|| place(found, "landing has no such type"));
            return;
        };
        match self.expected.remove(&key) {
            None => self
                .known
                .fail(|| place(found, "landing has no newest body that is left out")),
            Some(time) => {
                self.unknown.pass();
                self.known.expect(time == found.last_updated, || {
                    place(found, "the newest body in landing is of another time")
                });
            }
        }
    }

    /// Both checks, `unreadable` where the keys could not be read to their end.
    pub(crate) fn end(mut self, unreadable: Option<&str>) -> [Check; 2] {
        if let Some(reason) = unreadable {
            self.known.fail(|| reason.to_owned());
            return [self.known, self.unknown];
        }
        let missing = self.expected.len() as u64;
        self.unknown.checked += missing;
        self.unknown.failed += missing;
        if missing > 0 {
            let way_on = "`transform --full`, then `load`, makes them known";
            self.unknown.name_places([way_on.to_owned()]);
        }
        [self.known, self.unknown]
    }
}
