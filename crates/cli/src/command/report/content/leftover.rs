//! What is not in the tables: rejects by cause, and the JSON paths that no view reads.

use std::collections::BTreeMap;
use std::io::BufRead;

use claimlake_contract::{ApiVersion, Reject, ResourceType};
use serde::Deserialize;

/// Rejects and unread paths, added up.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Rejects by what is wrong with what.
    pub(crate) rejects: BTreeMap<RejectKind, u64>,
    /// Resources with a value at a path that no view reads, by API version, type and path.
    pub(crate) unread: BTreeMap<(String, String, String), u64>,
    /// Lines that are no rejects.
    pub(crate) unreadable_lines: u64,
}

/// Rejects that are counted together; no value and no file name, which may name a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RejectKind {
    /// Why.
    pub(crate) reason: &'static str,
    /// The resource type, where it is known.
    pub(crate) resource: String,
    /// The table and column of the null cell, where the resource itself was used.
    pub(crate) cell: String,
    /// The expected and the found type.
    pub(crate) types: String,
}

#[derive(Deserialize)]
struct UnreadFile {
    paths: Vec<UnreadPath>,
}

#[derive(Deserialize)]
struct UnreadPath {
    api: ApiVersion,
    resource: ResourceType,
    path: String,
    count: u64,
}

impl Leftovers {
    /// Adds a `rejects.ndjson`, or the text of a file of `landing/rejected`.
    ///
    /// # Errors
    ///
    /// It cannot be read to its end.
    pub(crate) fn add_rejects(&mut self, lines: impl BufRead) -> std::io::Result<()> {
        for line in lines.split(b'\n') {
            let line = line?;
            if line.is_empty() {
                continue;
            }
            let Ok(reject) = serde_json::from_slice::<Reject>(&line) else {
                self.unreadable_lines += 1;
                continue;
            };
            let kind = RejectKind {
                reason: reject.reason.as_str(),
                resource: reject.resource.map_or(String::new(), |of| of.to_string()),
                cell: joined(reject.table, reject.column, "."),
                types: joined(reject.expected, reject.found, ", found "),
            };
            *self.rejects.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    /// Adds an `unread.json`.
    ///
    /// # Errors
    ///
    /// It is not what a transform writes.
    pub(crate) fn add_unread(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let unread: UnreadFile = serde_json::from_str(text)?;
        for path in unread.paths {
            // The type of a resource is what its table says.
            if path.path.ends_with("resourceType") {
                continue;
            }
            let key = (path.api.to_string(), path.resource.to_string(), path.path);
            *self.unread.entry(key).or_default() += path.count;
        }
        Ok(())
    }
}

fn joined(one: Option<String>, other: Option<String>, between: &str) -> String {
    let both: Vec<String> = one.into_iter().chain(other).collect();
    both.join(between)
}
