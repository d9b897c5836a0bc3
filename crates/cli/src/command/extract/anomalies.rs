//! Texts about what the server sent that cannot be right.

use claimlake_extractor::ServerAnomalies;

use crate::summary::StageSummary;

pub(super) fn tell(summary: &mut StageSummary, anomalies: &ServerAnomalies) {
    for (count, one, what) in [
        (
            anomalies.later_than_clock,
            "resource",
            "with a lastUpdated in the future: they landed, no increment begins there",
        ),
        (
            anomalies.watermarks_dropped,
            "patient",
            "read in full: the next increment on record began in the future",
        ),
        (
            anomalies.without_id,
            "resource",
            "without an id: they landed, and no table has them (the transform rejects them)",
        ),
        (
            anomalies.two_bodies,
            "resource",
            "served with two contents: the newer one counts",
        ),
    ] {
        summary.some("warning", count, one, what);
    }
}
