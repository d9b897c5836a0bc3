//! The zones that this process has locked.

use std::sync::{Arc, Weak};

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::zone::{Zone, ZoneLock};

impl Invocation {
    /// Keeps other processes from writing a zone, without finishing open removals first: for the code
    /// that finishes them.
    ///
    /// # Errors
    /// Another process writes the zone.
    pub(crate) fn lock_zone_as_it_is(&self, zone: Zone) -> Outcome<ZoneLock> {
        if let Some(held) = self.zones_held.borrow().get(&zone).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let (data, process) = (self.data()?, self.process());
        let lock = Arc::new(match zone {
            Zone::Landing => data.lock("landing", &process)?,
            Zone::Staged => data.lock_staged(&self.lake()?, &process)?,
        });
        let mut held = self.zones_held.borrow_mut();
        held.insert(zone, Arc::downgrade(&lock));
        Ok(lock)
    }
}
