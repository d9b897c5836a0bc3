//! Where the sandbox differs from the recorded server, and why. The test fails when one of these
//! is no longer there, so the list cannot grow old.

use super::compare::Difference;

/// A difference that is meant.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The scenario's name begins with this; empty: any.
    pub(crate) scenario: &'static str,
    /// Exchanges within it; empty: all.
    pub(crate) exchanges: &'static [usize],
    /// The difference's text begins with this.
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
}

impl Listed {
    pub(crate) fn covers(&self, found: &Difference) -> bool {
        found.scenario.starts_with(self.scenario)
            && (self.exchanges.is_empty() || self.exchanges.contains(&found.exchange))
            && found.text.starts_with(self.what)
    }
}

/// The reason of a difference that is listed.
pub(crate) fn reason(found: &Difference) -> Option<&'static str> {
    LIST.iter()
        .find(|listed| listed.covers(found))
        .map(|listed| listed.reason)
}

const OTHER_PEOPLE: &str = "our people have another number of claims than the recorded ones";

/// Every difference that is meant.
pub(crate) const LIST: &[Listed] = &[
    Listed {
        scenario: "v2_02_refresh",
        exchanges: &[23],
        what: "",
        reason: "the loser of two simultaneous refreshes got the winner's pair; the sandbox, and \
                 the real server at other times, answers invalid_grant: the harder case for a client",
    },
    Listed {
        scenario: "v3_02_refresh",
        exchanges: &[23],
        what: "",
        reason: "as in v2",
    },
    Listed {
        scenario: "",
        exchanges: &[],
        what: "total is there: recorded \"true\", ours \"false\"",
        reason: "the recorded backend was a stub that always sent a total; the v3 backend tells \
                 none while there is a next page, nor for an empty result",
    },
    Listed {
        scenario: "v3_08_search_params",
        exchanges: &[43],
        what: "",
        reason: "the stub took a _tag without a system; the v3 backend refuses it",
    },
    Listed {
        scenario: "v3_08_search_params",
        exchanges: &[52],
        what: "body",
        reason: "the recorded backend was a stub that hands out anybody's Patient, which the proxy \
                 then hides; the v3 backend itself does not know a Patient of another token",
    },
    Listed {
        scenario: "v3_01_happy",
        exchanges: &[17],
        what: "",
        reason: "the digital insurance card is not served",
    },
    Listed {
        scenario: "v2_01_happy",
        exchanges: &[29],
        what: "links: recorded",
        reason: OTHER_PEOPLE,
    },
    Listed {
        scenario: "v2_08_search_params",
        exchanges: &[25, 31, 58],
        what: "links: recorded",
        reason: OTHER_PEOPLE,
    },
    Listed {
        scenario: "v3_08_search_params",
        exchanges: &[14, 15, 25, 31, 58],
        what: "links: recorded",
        reason: OTHER_PEOPLE,
    },
    Listed {
        scenario: "v3_13_reauthorize",
        exchanges: &[13],
        what: "links: recorded",
        reason: OTHER_PEOPLE,
    },
];
