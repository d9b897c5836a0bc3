//! The zones of a data directory that a command can lock for writing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::write_lock::WriteLock;

/// A part of the data directory that one command at a time may write. A process that needs both
/// locks them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Zone {
    /// Raw resources.
    Landing,
    /// Staged rows, records of loaded ones, and the lake.
    Staged,
}

/// The write lock of a zone, held until it is dropped. It is shared within one process: a command
/// holds it for all of its stages.
pub(crate) type ZoneLock = Arc<WriteLock>;

/// What this process has locked.
pub(crate) type ZonesHeld = RefCell<BTreeMap<Zone, Weak<WriteLock>>>;
