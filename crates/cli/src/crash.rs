//! Dying at a named place, for tests of what a killed command leaves behind.

/// Ends the process at once where the environment names this place; in debug builds only.
pub(crate) fn point(name: &str) {
    if cfg!(debug_assertions)
        && std::env::var(crate::env::CRASH_AT).is_ok_and(|wanted| wanted == name)
    {
        std::process::abort();
    }
}
