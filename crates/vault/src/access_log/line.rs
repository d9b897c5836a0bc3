//! One line of the access log.

use serde::{Deserialize, Serialize};

/// What was done to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessAction {
    /// A consent was stored.
    Authorized,
    /// It came from a file.
    Imported,
    /// It went to a file, tokens included.
    Exported,
    /// The patient's data were fetched.
    Pulled,
    /// Their rows were published as tables at another place.
    Published,
    /// Their rows went into a de-identified copy.
    Deidentified,
    /// An access token was handed to another program.
    Lent,
    /// It was moved to another API version.
    Moved,
    /// It was revoked.
    Revoked,
    /// The person was removed from here.
    Forgotten,
    /// Nothing: lines before this one are missing.
    Gap,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLine {
    /// Its number, from 1.
    pub line: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who, as the operating system says: the number of the user.
    pub who: String,
    /// The user's name at that time, where the system's list of users had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Which command.
    pub command: String,
    /// What it did.
    pub action: AccessAction,
    /// Which grant, by keyed hash; empty where it is about none.
    pub grant: String,
    /// Which lines are missing before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingLines>,
    /// The hash of the line before.
    pub before: String,
    /// The keyed hash of this line and the one before.
    pub hash: String,
}

/// Lines that were in the log and are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingLines {
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

impl std::fmt::Display for MissingLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, last } = self;
        match first == last {
            true => write!(f, "line {first} is missing"),
            false => write!(f, "lines {first} to {last} are missing"),
        }
    }
}
