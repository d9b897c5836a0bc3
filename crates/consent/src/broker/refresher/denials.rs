//! Distinguishes refused grants from a refused app.
//!
//! v3 answers "Request denied" both to a refresh token that it does not know and to an app that may
//! not use v3 at all. One grant alone cannot tell which it is. Other grants can: if one of them is
//! accepted, the app is fine. Time can too: see [`AGAIN_AFTER`].

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::GrantHandle;
use claimlake_vault::{Grant, GrantState, REFUSED_IN_DOUBT};

/// This many refused grants in a row, with none accepted, are the app's problem.
const DENIALS_THAT_STOP: usize = 3;
/// A grant that is refused again after this time has ended: a problem of the app would have been
/// fixed by then, or would show with other grants.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(2);

/// What the answers to all grants of this broker have shown so far.
#[derive(Debug, Default)]
pub(super) struct Denials {
    /// Why no token may be posted any more.
    halted: Option<String>,
    /// Whether refused grants are the reason; an accepted one then lifts the halt.
    halted_by_denials: bool,
    /// Whether any grant was accepted.
    accepted: bool,
    /// Refused grants in order, since the last accepted one.
    denied: Vec<Denied>,
    /// When each of them was refused; it is not tried again meanwhile.
    doubted: HashMap<GrantHandle, DateTime<Utc>>,
}

/// A refused grant, and since when it has been in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) handle: GrantHandle,
    pub(super) since: DateTime<Utc>,
}

/// What a refusal means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The grant has ended.
    Ended,
    /// It has ended, or the app may not use v3: the next run tries again.
    Doubtful,
    /// It is the app. None of these grants has ended; they stay in doubt since the given times.
    Stop(Vec<Denied>),
}

impl Denials {
    /// Forbids all further posts.
    pub(super) fn halted(&self) -> Option<String> {
        self.halted.clone()
    }

    /// Stops all further posts.
    pub(super) fn halt(&mut self, reason: &str) {
        self.halted = Some(reason.to_owned());
    }

    /// A grant was accepted, so the app is fine: returns the grants that were refused before, which
    /// have therefore ended.
    pub(super) fn accepted(&mut self) -> Vec<GrantHandle> {
        self.accepted = true;
        self.doubted.clear();
        if std::mem::take(&mut self.halted_by_denials) {
            self.halted = None;
        }
        let denied = std::mem::take(&mut self.denied);
        denied.into_iter().map(|denied| denied.handle).collect()
    }

    /// Why all denials are about the app, and since when a grant among them has been in doubt.
    pub(super) fn at_fault(&self, handle: &GrantHandle) -> Option<(String, DateTime<Utc>)> {
        let denied = self.denied.iter().find(|denied| denied.handle == *handle);
        match (&self.halted, denied) {
            (Some(reason), Some(denied)) if self.halted_by_denials => {
                Some((reason.clone(), denied.since))
            }
            _ => None,
        }
    }

    /// Whether any grant was accepted.
    pub(super) fn has_accepted(&self) -> bool {
        self.accepted
    }

    /// Whether a grant was refused so recently that another attempt would show nothing new.
    pub(super) fn is_doubted(&self, handle: &GrantHandle, now: DateTime<Utc>) -> bool {
        let at = self.doubted.get(handle);
        at.is_some_and(|at| now - *at < AGAIN_AFTER)
    }

    /// A refresh of `grant` was denied without a reason.
    pub(super) fn denied(&mut self, grant: &Grant, now: DateTime<Utc>) -> Denial {
        if self.accepted {
            return Denial::Ended;
        }
        self.doubted.insert(grant.handle.clone(), now);
        let is_denied_before = grant.state == GrantState::Doubtful
            && grant.reason.as_deref() != Some(REFUSED_IN_DOUBT);
        let since = match is_denied_before {
            true => grant.state_since,
            false => now,
        };
        if !self
            .denied
            .iter()
            .any(|denied| denied.handle == grant.handle)
        {
            self.denied.push(Denied {
                handle: grant.handle.clone(),
                since,
            });
        }
        if self.denied.len() >= DENIALS_THAT_STOP {
            self.halt(
                "the server denies every refresh (three in a row, none accepted): the app may not \
                 use v3 (set source.api to v2, or ask CMS for access), or client_id_env and \
                 client_secret_env name another app's; where these consents have really ended, \
                 authorize one person again, and the others end once that one is refreshed",
            );
            self.halted_by_denials = true;
            // Refreshes that were under way come back denied after it: they are given back, too.
            return Denial::Stop(self.denied.clone());
        }
        match now - since >= AGAIN_AFTER {
            true => Denial::Ended,
            false => Denial::Doubtful,
        }
    }
}

#[cfg(test)]
mod tests;
