//! Errors of the server by which no data is lost: they are counted and reported.

use std::ops::AddAssign;

use serde::Serialize;

/// Counts, without any id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ServerAnomalies {
    /// Resources with a `meta.lastUpdated` more than a day after the request. They land, and no
    /// increment begins there.
    pub later_than_clock: u64,
    /// Resources without an id to know them by: they land, and make no rows.
    pub without_id: u64,
    /// Times that one search, or two of one patient, served an id with two bodies: the newer
    /// counts, the later of one time.
    pub two_bodies: u64,
    /// Patients and resource types read in full, because what an earlier version noted as the
    /// beginning of the next increment lay in the future.
    pub watermarks_dropped: u64,
}

impl AddAssign for ServerAnomalies {
    fn add_assign(&mut self, other: Self) {
        self.later_than_clock += other.later_than_clock;
        self.without_id += other.without_id;
        self.two_bodies += other.two_bodies;
        self.watermarks_dropped += other.watermarks_dropped;
    }
}
