//! How times and bytes are written in the vault.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::VaultError;

/// `2026-11-23T16:40:12.345Z`: sorts as text.
pub(crate) fn instant_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads what [`instant_text`] wrote.
pub(crate) fn parse_instant(text: &str, column: &str) -> Result<DateTime<Utc>, VaultError> {
    DateTime::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .map_err(|_| VaultError::damaged(format!("{column} is not an instant")))
}
