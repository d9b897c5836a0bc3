//! The right to write a zone, which is granted only if no removal of a patient is open.

use crate::command::forget::interrupted;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::open_removals::open_in;
use crate::zone::{Zone, ZoneLock};

/// How often a zone is locked again after a removal was finished: another process may begin one in
/// between.
const TRIES: usize = 3;

impl Invocation {
    /// Keeps others from writing a zone. A removal that was interrupted is ended first: what it has
    /// not removed yet must not be read, published or added to.
    ///
    /// # Errors
    /// Another process writes the zone; a removal is open and cannot be ended.
    pub(crate) fn lock_zone(&self, zone: Zone) -> Outcome<ZoneLock> {
        for _ in 0..TRIES {
            let lock = self.lock_zone_as_it_is(zone)?;
            // A removal takes both locks before it begins: while this one is held, no new one can
            // begin.
            if open_in(self)?.is_empty() {
                return Ok(lock);
            }
            drop(lock);
            interrupted::end_first(self)?;
        }
        Err(interrupted::still_open(self))
    }

    /// The same for what makes a damaged lake whole again: a removal that the damage keeps from its
    /// end does not keep the repair from the lake.
    ///
    /// # Errors
    /// As [`Invocation::lock_zone`].
    pub(crate) fn lock_zone_to_repair(&self, zone: Zone) -> Outcome<ZoneLock> {
        let lock = self.lock_zone_as_it_is(zone)?;
        interrupted::end_first_unless_lake_is_damaged(self)?;
        Ok(lock)
    }
}
