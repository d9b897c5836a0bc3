//! The environment variables that claimlake reads, each named once.
//!
//! Besides these, every single-valued key of a pipeline's `[source]`, `[extract]`, `[transform]`
//! and `[load]` can be set as `CLAIMLAKE_<SECTION>_<KEY>` (`CLAIMLAKE_EXTRACT_MAX_RPS=5`), and a
//! pipeline names the variables that hold the app's credentials.

/// The pipeline file, as `--pipeline`.
pub(crate) const PIPELINE: &str = "CLAIMLAKE_PIPELINE";

/// The data directory, as `--data`.
pub(crate) const DATA: &str = "CLAIMLAKE_DATA";

/// Which log lines to show, in the syntax of `tracing` (`info`, `claimlake_extractor=debug`).
pub(crate) const LOG: &str = "CLAIMLAKE_LOG";

/// What the variables that override keys of the pipeline begin with.
pub(crate) const OVERRIDE_PREFIX: &str = "CLAIMLAKE_";
