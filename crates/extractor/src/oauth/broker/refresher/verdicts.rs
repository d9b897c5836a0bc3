//! What the answers to all grants together say about the app.

use claimlake_contract::GrantHandle;

/// So many denials in a row, with no refresh accepted, are about the app and not about the grants.
const DENIALS_THAT_STOP: usize = 3;

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    halted: Option<String>,
    accepted: bool,
    denied: Vec<GrantHandle>,
}

impl Verdicts {
    /// Why no further token is posted.
    pub(super) fn halted(&self) -> Option<String> {
        self.halted.clone()
    }

    /// Stops all further posts.
    pub(super) fn halt(&mut self, reason: &str) {
        self.halted = Some(reason.to_owned());
    }

    /// A refresh was accepted: the app is as it should be.
    pub(super) fn accepted(&mut self) {
        self.accepted = true;
        self.denied.clear();
    }

    /// A refresh was denied without a reason. Where that is all that was ever heard, this is the
    /// last: the grants that were denied are given back, for none of them has ended.
    pub(super) fn denied(&mut self, handle: &GrantHandle) -> Option<Vec<GrantHandle>> {
        if self.accepted {
            return None;
        }
        self.denied.push(handle.clone());
        if self.denied.len() < DENIALS_THAT_STOP {
            return None;
        }
        self.halt(
            "the server denies every refresh (three in a row, none accepted): check client_id_env, \
             client_secret_env and source.api",
        );
        Some(std::mem::take(&mut self.denied))
    }
}
