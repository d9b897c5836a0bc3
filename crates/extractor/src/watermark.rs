//! How far a server's clock is trusted: what increments ask from never lies ahead of our own.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_vault::ExtractState;

/// A server's clock may be ahead of ours by this much, zone mistakes included.
const SKEW: TimeDelta = TimeDelta::days(1);

/// The latest `meta.lastUpdated` that is believed, at the time of the request.
pub(crate) fn latest(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(SKEW).unwrap_or(now)
}

/// Where increments begin, if what is on record can be believed: it lies neither ahead of the time
/// it was noted nor ahead of now. Without one the patient is read in full.
pub(crate) fn usable(state: &ExtractState, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let latest = latest(state.as_of.min(now));
    state.watermark.filter(|watermark| *watermark <= latest)
}

/// Whether there is a watermark on record that cannot be believed.
pub(crate) fn is_ahead(state: &ExtractState, now: DateTime<Utc>) -> bool {
    state.watermark.is_some() && usable(state, now).is_none()
}

#[cfg(test)]
mod tests;
