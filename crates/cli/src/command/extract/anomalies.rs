//! What the server sent that cannot be right, in words.

use claimlake_extractor::ServerAnomalies;

use crate::plural::counted;
use crate::summary::StageSummary;

pub(super) fn tell(summary: &mut StageSummary, anomalies: &ServerAnomalies) {
    if anomalies.later_than_clock > 0 {
        summary.line(
            "warning",
            format!(
                "{} with a lastUpdated in the future: they landed, no increment begins there",
                counted(anomalies.later_than_clock, "resource")
            ),
        );
    }
    if anomalies.watermarks_dropped > 0 {
        summary.line(
            "warning",
            format!(
                "{} read in full: the next increment on record began in the future",
                counted(anomalies.watermarks_dropped, "patient")
            ),
        );
    }
    if anomalies.two_bodies > 0 {
        summary.line(
            "warning",
            format!(
                "{} served with two contents: the newer one counts",
                counted(anomalies.two_bodies, "resource")
            ),
        );
    }
}
