//! Resources that the pipeline leaves out of all tables: the lake must have tombstones of them,
//! otherwise older bodies reappear.

use claimlake_loader::KnownResource;

use crate::key_hash::KeyMap;
use crate::known_resource::place;
use crate::landed::ResourceKey;
use crate::landed_bucket::LandedBucket;
use crate::report::Check;

/// What the lake knows as left out against what landing says: what is wrong, and what is missing.
/// Lakes of earlier versions know of nothing until all of landing is loaded again.
pub(crate) struct LeftOutChecks {
    known: Check,
    unknown: Check,
    /// What is left out by landing, and was not yet found in the lake.
    expected: KeyMap<ResourceKey, Option<i64>>,
    /// How many more were not found.
    missing: u64,
}

impl LeftOutChecks {
    pub(crate) fn new() -> Self {
        Self {
            known: Check::hard(
                "left_out",
                "what the lake knows as left out against the newest bodies",
            ),
            unknown: Check::warning(
                "left_out_unknown",
                "resources that are left out are known to the lake, so that no older body counts",
            ),
            expected: KeyMap::default(),
            missing: 0,
        }
    }

    /// The checks of the resources in one bucket.
    pub(crate) fn of(landed: &LandedBucket) -> Self {
        Self {
            expected: landed.left_out(),
            ..Self::new()
        }
    }

    /// Looks at a resource that the lake knows as left out.
    pub(crate) fn see(
        &mut self,
        key: ResourceKey,
        last_updated: Option<i64>,
        place: impl Fn(&str) -> String,
    ) {
        match self.expected.remove(&key) {
            None => self
                .known
                .fail(|| place("landing has no newest body that is left out")),
            Some(time) => {
                self.unknown.pass();
                self.known.expect(time == last_updated, || {
                    place("the newest body in landing is of another time")
                });
            }
        }
    }

    /// Names a resource that the lake knows as left out, of a type that landing cannot have.
    pub(crate) fn of_no_type(&mut self, found: &KnownResource<'_>) {
        self.known.fail(|| place(found, "landing has no such type"));
    }

    /// Adds what was found in a bucket.
    pub(crate) fn merge(&mut self, of_bucket: Self) {
        self.known.merge(of_bucket.known);
        self.unknown.merge(of_bucket.unknown);
        self.missing += of_bucket.expected.len() as u64;
    }

    /// Both checks, `unreadable` where the keys could not be read to their end.
    pub(crate) fn end(mut self, unreadable: Option<&str>) -> [Check; 2] {
        if let Some(reason) = unreadable {
            self.known.fail(|| reason.to_owned());
            return [self.known, self.unknown];
        }
        self.unknown.checked += self.missing;
        self.unknown.failed += self.missing;
        if self.missing > 0 {
            let way_on = "`transform --full`, then `load`, makes them known";
            self.unknown.name_places([way_on.to_owned()]);
        }
        [self.known, self.unknown]
    }
}
