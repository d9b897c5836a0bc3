//! The result of an import.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claimlake_contract::{ApiVersion, Reject, RejectReason, ResourceType, RunId, Unresolved};

/// How many rejects are listed; all are in the rejected file.
const MAX_LISTED: usize = 10;

/// A claim or coverage whose patient is unknown. It landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutPatient {
    /// The input, as given.
    pub file: String,
    /// The line of the input that it, or the document around it, begins on.
    pub line: u64,
    /// Its type.
    pub resource: ResourceType,
    /// Why.
    pub why: Unresolved,
}

/// The result of an import.
#[derive(Debug, Clone)]
pub struct ImportOutcome {
    /// The run that landed.
    pub run: RunId,
    /// Inputs read.
    pub files: u64,
    /// Bytes read, decompressed.
    pub bytes: u64,
    /// Resources landed.
    pub resources: u64,
    /// The same by API version and type.
    pub by_type: BTreeMap<(ApiVersion, ResourceType), u64>,
    /// Resources of people who were forgotten here: they did not land, and are kept nowhere.
    pub forgotten: u64,
    /// Resources of which a reference was resolved by `fullUrl` or identifier.
    pub resolved: u64,
    /// Claims and coverages whose patients are unknown, by the reason.
    pub without_patient: BTreeMap<Unresolved, u64>,
    /// The first of them.
    pub first_without_patient: Vec<WithoutPatient>,
    /// Inputs that could not be read at all: another encoding, an archive, a web page. Each is one
    /// reject, whatever its size.
    pub unreadable_files: u64,
    /// Lines, values and entries that did not land.
    pub rejected: u64,
    /// The same by reason.
    pub rejected_by_reason: BTreeMap<RejectReason, u64>,
    /// The first of them.
    pub first_rejects: Vec<Reject>,
    /// Where they are kept, if there are any.
    pub rejected_file: Option<PathBuf>,
}

impl ImportOutcome {
    pub(super) fn new(run: RunId) -> Self {
        Self {
            run,
            files: 0,
            bytes: 0,
            resources: 0,
            by_type: BTreeMap::new(),
            forgotten: 0,
            resolved: 0,
            without_patient: BTreeMap::new(),
            first_without_patient: Vec::new(),
            unreadable_files: 0,
            rejected: 0,
            rejected_by_reason: BTreeMap::new(),
            first_rejects: Vec::new(),
            rejected_file: None,
        }
    }

    pub(super) fn count_without_patient(&mut self, found: WithoutPatient) {
        *self.without_patient.entry(found.why).or_default() += 1;
        if self.first_without_patient.len() < MAX_LISTED {
            self.first_without_patient.push(found);
        }
    }

    pub(super) fn count_reject(&mut self, reject: Reject) {
        self.rejected += 1;
        *self.rejected_by_reason.entry(reject.reason).or_default() += 1;
        if self.first_rejects.len() < MAX_LISTED {
            self.first_rejects.push(reject);
        }
    }
}
