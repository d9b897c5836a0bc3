//! Access tokens that a client keeps. To request one from the broker for every page would cost a
//! round trip and three reads of the vault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use claimlake_contract::{Clock, GrantHandle};

use crate::token::AccessToken;

/// A token that expires sooner than this is requested again, so that the broker can refresh it.
pub(super) const MIN_LIFE: TimeDelta = TimeDelta::minutes(5);

/// The tokens of one client, by grant. A token is kept until five minutes before it expires, or
/// until the server rejects it. If another process revokes or refreshes the grant, this shows as
/// such a rejection.
#[derive(Debug)]
pub(super) struct LentTokens {
    tokens: Mutex<HashMap<GrantHandle, AccessToken>>,
    clock: Arc<dyn Clock>,
}

impl LentTokens {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            tokens: Mutex::default(),
            clock,
        }
    }

    /// Keeps a token that the broker returned.
    pub(super) fn keep(&self, grant: &GrantHandle, token: &AccessToken) {
        self.lock().insert(grant.clone(), token.clone());
    }

    /// Discards the token of a grant, so that the next request goes to the broker.
    pub(super) fn drop_token(&self, grant: &GrantHandle) {
        self.lock().remove(grant);
    }

    /// The token of a grant, if it does not expire within five minutes.
    pub(super) fn usable(&self, grant: &GrantHandle) -> Option<AccessToken> {
        let tokens = self.lock();
        let token = tokens.get(grant)?;
        (token.expires_at - self.clock.now() >= MIN_LIFE).then(|| token.clone())
    }

    /// A usable token of a later generation than the rejected one, which another request has
    /// brought meanwhile. If there is none, the kept token is dropped.
    pub(super) fn newer_than(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> Option<AccessToken> {
        let newer = self
            .usable(grant)
            .filter(|token| token.generation > rejected.generation);
        if newer.is_none() {
            self.drop_token(grant);
        }
        newer
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GrantHandle, AccessToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta, Utc};
    use claimlake_contract::{FixedClock, GrantHandle, Secret};

    use super::LentTokens;
    use crate::token::AccessToken;

    #[test]
    fn a_token_is_kept_until_five_minutes_before_its_end() {
        let now: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
        let lent = LentTokens::new(Arc::new(FixedClock::at(now)));
        let grant: GrantHandle = "g0123456789abcdef".parse().unwrap();
        for (seconds_left, is_usable) in [(3_600, true), (300, true), (299, false), (-1, false)] {
            let token = AccessToken {
                secret: Secret::new("t"),
                expires_at: now + TimeDelta::seconds(seconds_left),
                generation: 1,
            };
            lent.keep(&grant, &token);
            assert_eq!(lent.usable(&grant).is_some(), is_usable, "{seconds_left}");
        }
    }
}
