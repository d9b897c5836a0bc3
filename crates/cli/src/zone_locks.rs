//! The zones that a command writes: locked for as long as it does, and only once no removal of a
//! patient is open.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::command::forget::interrupted;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::write_lock::WriteLock;

/// How often a zone is locked again after a removal was ended; another process may begin one between.
const TRIES: usize = 3;

/// What one command at a time writes. A process that needs both locks them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Zone {
    /// Raw resources.
    Landing,
    /// Staged rows, records of loaded ones, and the lake.
    Staged,
}

/// The right to write a zone, until it is dropped. Within one process it is shared: a command holds it
/// for all of its stages.
pub(crate) type ZoneLock = Arc<WriteLock>;

/// What this process has locked.
pub(crate) type ZonesHeld = RefCell<BTreeMap<Zone, Weak<WriteLock>>>;

impl Invocation {
    /// Keeps others from writing a zone. A removal that was interrupted is ended first: what it has
    /// not removed yet must not be read, published or added to.
    ///
    /// # Errors
    /// Another process writes the zone; a removal is open and cannot be ended.
    pub(crate) fn lock_zone(&self, zone: Zone) -> Outcome<ZoneLock> {
        for _ in 0..TRIES {
            let lock = self.lock_zone_as_it_is(zone)?;
            // Whoever begins a removal holds both locks: while this one is held, there is no new one.
            if interrupted::open_in(self)?.is_empty() {
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

    /// The same, whatever removals are open: for those who end them.
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
