//! The environment variables that claimlake reads, each named once.
//!
//! Besides these, every single-valued key of a pipeline's `[source]`, `[extract]`, `[transform]`
//! and `[load]` can be set as `CLAIMLAKE_<SECTION>_<KEY>` (`CLAIMLAKE_EXTRACT_MAX_RPS=5`), and a
//! pipeline names the variables that hold the app's credentials.

/// The pipeline file, as `--pipeline`.
pub(crate) const PIPELINE: &str = "CLAIMLAKE_PIPELINE";

/// The point at which a removal is to die, for tests; only debug builds read it.
pub(crate) const CRASH_AT: &str = "CLAIMLAKE_CRASH_AT";

/// The data directory, as `--data`.
pub(crate) const DATA: &str = "CLAIMLAKE_DATA";

/// Which log lines to show: a level, and levels of modules (`info`, `info,claimlake_extractor=debug`).
pub(crate) const LOG: &str = "CLAIMLAKE_LOG";

/// What the variables that override keys of the pipeline begin with.
pub(crate) const OVERRIDE_PREFIX: &str = "CLAIMLAKE_";

/// The vault's key itself, 64 hex digits or base64.
pub(crate) const VAULT_KEY: &str = "CLAIMLAKE_VAULT_KEY";

/// The key that `vault rekey` is to seal with, where it cannot put one in place itself.
pub(crate) const VAULT_NEW_KEY: &str = "CLAIMLAKE_VAULT_NEW_KEY";

/// A shell command that prints the vault's key.
pub(crate) const VAULT_KEY_COMMAND: &str = "CLAIMLAKE_VAULT_KEY_COMMAND";

/// A file that holds the vault's key, outside the data directory.
pub(crate) const VAULT_KEY_FILE: &str = "CLAIMLAKE_VAULT_KEY_FILE";

/// `system`: the desktop's keyring holds the vault's key.
pub(crate) const VAULT_KEYRING: &str = "CLAIMLAKE_VAULT_KEYRING";

/// Every variable above that a user may set, with what it does, as `docs/pipeline.md` shows it.
pub(crate) const ALL: &[(&str, &str)] = &[
    (PIPELINE, "the pipeline file, like `--pipeline`"),
    (DATA, "the data directory, like `--data`"),
    (
        LOG,
        "which log records to print: a level, and levels of modules (`info`, `info,claimlake_extractor=debug`)",
    ),
    (VAULT_KEY, "the vault's key, as 64 hex digits or base64"),
    (
        VAULT_KEY_COMMAND,
        "a shell command that prints the vault's key",
    ),
    (
        VAULT_KEY_FILE,
        "a file with the vault's key, outside the data directory",
    ),
    (
        VAULT_KEYRING,
        "`system`: the vault's key is in the desktop's keyring",
    ),
    (
        VAULT_NEW_KEY,
        "the new key for `vault rekey`, if the current key comes from the environment or a command",
    ),
];

/// Whether it is one of the variables of claimlake's own tests and scripts, which no command reads.
pub(crate) fn is_for_tests(name: &str) -> bool {
    const OF_TESTS: [&str; 7] = [
        "SHARED", "BLESS", "UPDATE", "BINARY", "KILLS", "GRANTS", "CRASH_AT",
    ];
    let rest = name.strip_prefix(OVERRIDE_PREFIX).unwrap_or_default();
    OF_TESTS.contains(&rest) || rest.starts_with("TEST_")
}
