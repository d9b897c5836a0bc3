//! How the pipeline wants the lake to be written.

use claimlake_contract::Clock;
use claimlake_loader::LoadOptions;

use crate::pipeline::Pipeline;

/// The options of a load without flags.
pub(crate) fn options_of(pipeline: &Pipeline) -> LoadOptions {
    let load = &pipeline.load;
    LoadOptions {
        target_file_mb: load.target_file_mb,
        keep_snapshots: load.keep_snapshots,
        keep_hours: load.keep_hours,
        group: load.group.clone(),
        current: pipeline.current.clone(),
        main_tables: load.main_tables.clone(),
        ..LoadOptions::default()
    }
}

/// The time that a snapshot is said to be of (RFC 3339, milliseconds, UTC).
pub(crate) fn published_at(clock: &dyn Clock) -> String {
    clock
        .now()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
