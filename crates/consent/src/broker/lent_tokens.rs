//! Access tokens that a client has: asking the broker for each request would cost a round trip and
//! three reads of the vault a page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use claimlake_contract::{Clock, GrantHandle};

use crate::token::AccessToken;

/// A token with less life than this is asked for again: the broker may renew it.
pub(super) const MIN_LIFE: TimeDelta = TimeDelta::minutes(5);

/// The tokens of one client by grant: kept until five minutes before their end, or until the server
/// rejects them. What another process does to a grant shows as such a rejection.
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

    /// Keeps a token that the broker has lent.
    pub(super) fn keep(&self, grant: &GrantHandle, token: &AccessToken) {
        self.lock().insert(grant.clone(), token.clone());
    }

    /// The next request asks the broker.
    pub(super) fn drop_token(&self, grant: &GrantHandle) {
        self.lock().remove(grant);
    }

    /// The token of a grant, if it lives for five more minutes.
    pub(super) fn usable(&self, grant: &GrantHandle) -> Option<AccessToken> {
        let tokens = self.lock();
        let token = tokens.get(grant)?;
        (token.expires_at - self.clock.now() >= MIN_LIFE).then(|| token.clone())
    }

    /// A usable token that is newer than the `rejected` one: another request has brought it since. One
    /// that is not newer is forgotten.
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
