//! Where the sandbox differs from the recorded server, and why: `differences.json`. The test fails
//! when one of these is no longer there, so the list cannot grow old.

use serde::Deserialize;

use super::compare::Difference;

/// A difference that is meant.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    /// The scenario's name begins with this; empty: any.
    pub(crate) scenario: String,
    /// Exchanges within it; empty: all.
    exchanges: Vec<usize>,
    /// The difference's text begins with this.
    pub(crate) what: String,
    reason: String,
}

impl Listed {
    pub(crate) fn covers(&self, found: &Difference) -> bool {
        found.scenario.starts_with(&self.scenario)
            && (self.exchanges.is_empty() || self.exchanges.contains(&found.exchange))
            && found.text.starts_with(&self.what)
    }
}

/// Every difference that is meant, each with its reason.
pub(crate) fn listed() -> Vec<Listed> {
    let list: Vec<Listed> = serde_json::from_str(include_str!("differences.json")).unwrap();
    assert!(list.iter().all(|listed| !listed.reason.is_empty()));
    list
}
