//! What a snapshot's keys record about resources, read once for all checks.

use claimlake_landing::Gone;
use claimlake_loader::ResourceStatus;
use rayon::prelude::*;

use crate::buckets::{BUCKETS, Buckets, Reader, Record};
use crate::changes::ChangesCheck;
use crate::error::Error;
use crate::gone::GoneCheck;
use crate::known_resource::{Kinds, key_of, place_of};
use crate::lake::Snapshot;
use crate::landed::{Landed, ResourceKey};
use crate::left_out::LeftOutChecks;
use crate::report::Check;

/// The name of the check for resources that the lake has and landing has lost.
pub(crate) const ABSENT: &str = "absent";

/// A resource of the lake's keys that is compared with landing.
struct OfLake {
    key: ResourceKey,
    /// Its API and type, by their number.
    kind: u32,
    is_left_out: bool,
    /// Whether a full read no longer found it.
    is_gone: bool,
    last_updated: Option<i64>,
}

/// The checks of resources that are gone, of those that the pipeline leaves out, of the last
/// change of each, and of those that landing has lost.
///
/// # Errors
///
/// What was noted of landing and lake cannot be read.
pub(crate) fn check(
    snapshot: &Snapshot,
    landed: &Landed,
    gone: &Gone,
) -> Result<[Check; 5], Error> {
    let mut of_gone = GoneCheck::new(gone);
    let mut of_left_out = LeftOutChecks::new();
    let mut of_changes = ChangesCheck::new(snapshot);
    let mut kinds = Kinds::default();
    let resources = Buckets::new(&snapshot.scratch);
    let (folder, manifest) = (&snapshot.folder, &snapshot.manifest);
    let read = claimlake_loader::known_resources(folder, manifest, |found, status| {
        let is_gone = of_gone.see(&found, status);
        let kind = kinds.number(&found);
        of_changes.see(&found, kind, status);
        match (key_of(&found), status) {
            (_, ResourceStatus::Gone) => {}
            (Some(key), status) => {
                let of_lake = OfLake {
                    key,
                    kind,
                    is_left_out: status == ResourceStatus::LeftOut,
                    is_gone,
                    last_updated: found.last_updated,
                };
                resources.push(key.number(), &of_lake.record());
            }
            (None, ResourceStatus::LeftOut) => of_left_out.of_no_type(&found),
            (None, ResourceStatus::InLake) => {}
        }
    });
    let unreadable = read
        .err()
        .map(|error| format!("the keys cannot be read: {error}"));
    let compared: Result<Vec<_>, Error> = (0..BUCKETS)
        .into_par_iter()
        .map(|number| in_bucket(number, &resources, landed, &kinds))
        .collect();
    let mut absent = absent();
    for (gone, left_out, lost) in compared? {
        of_gone.merge(gone);
        of_left_out.merge(left_out);
        absent.merge(lost);
    }
    let gone = of_gone.end(unreadable.as_deref());
    let [known, unknown] = of_left_out.end(unreadable.as_deref());
    let changes = of_changes.end(unreadable.is_none(), &kinds)?;
    if let Some(reason) = unreadable {
        absent.fail(|| reason);
    }
    Ok([gone, known, unknown, changes, absent])
}

fn absent() -> Check {
    Check::hard(ABSENT, "resources of the lake have landed")
}

/// Compares the resources of one bucket with what has landed of them.
fn in_bucket(
    number: usize,
    resources: &Buckets,
    landed: &Landed,
    kinds: &Kinds,
) -> Result<(Check, LeftOutChecks, Check), Error> {
    let landed = landed.bucket(number)?;
    let mut gone = crate::gone::empty();
    let mut absent = absent();
    let mut left_out = LeftOutChecks::of(&landed);
    let bytes = resources.read(number)?;
    let mut reader = Reader::new(&bytes);
    while let Some(found) = OfLake::read(&mut reader) {
        let place = |what: &str| place_of(kinds.of(found.kind), what);
        if found.is_left_out {
            left_out.see(found.key, found.last_updated, place);
        } else if found.is_gone {
            gone.expect(landed.has(found.key), || {
                place("the lake holds it, and the server no longer has it")
            });
        } else {
            absent.expect(landed.has(found.key), || {
                place("the lake holds it, and it is nowhere in landing")
            });
        }
    }
    Ok((gone, left_out, absent))
}

impl OfLake {
    fn record(&self) -> Record {
        let flags = u8::from(self.is_left_out) | u8::from(self.is_gone) << 1;
        let record = Record::default().u128(self.key.number()).u32(self.kind);
        record.byte(flags).time(self.last_updated)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let key = ResourceKey::of_number(reader.u128()?);
        let kind = reader.u32()?;
        let flags = reader.byte()?;
        Some(Self {
            key,
            kind,
            is_left_out: flags & 1 > 0,
            is_gone: flags & 2 > 0,
            last_updated: reader.time()?,
        })
    }
}
