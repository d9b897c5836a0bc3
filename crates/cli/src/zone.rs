//! What a command can have the right to write.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::write_lock::WriteLock;

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
