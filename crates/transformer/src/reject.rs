//! Makes rejects of refusals and problems, without any value of the input.

use claimlake_contract::hive::{self, Unfit};
use claimlake_contract::{
    ApiVersion, ReferenceRecord, Reject, RejectReason, ResourceType, Unresolved,
};
use claimlake_fhir::NotR4;
use claimlake_landing::DamagedFrame;
use claimlake_viewdef::engine::{LineRefusal, Problem};
use claimlake_viewdef::problem::ProblemKind;

use crate::partition::Replaced;
use crate::plan::PATIENT_COLUMN;

/// Where a line comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinePlace<'p> {
    pub(crate) file: &'p str,
    pub(crate) line: u64,
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'p ResourceType,
}

impl LinePlace<'_> {
    fn reject(&self, reason: RejectReason, detail: String) -> Reject {
        Reject {
            api: Some(self.api),
            resource: Some(self.resource.clone()),
            ..Reject::new(self.file, self.line, reason, detail)
        }
    }

    /// A line that is not UTF-8.
    pub(crate) fn not_utf8(&self) -> Reject {
        self.reject(RejectReason::BadText, "the line is not UTF-8".into())
    }

    /// A resource of another release of FHIR.
    pub(crate) fn not_r4(&self, other: &NotR4) -> Reject {
        self.reject(RejectReason::OtherFhirRelease, other.to_string())
    }

    /// A line that makes no rows.
    pub(crate) fn refused(&self, refusal: LineRefusal) -> Reject {
        let (reason, detail) = match refusal {
            LineRefusal::NotJson => (RejectReason::NotJson, "the line is not JSON".to_owned()),
            LineRefusal::NotTheResource => (
                RejectReason::NotFhir,
                format!("the line is not a {}", self.resource),
            ),
            LineRefusal::LoneSurrogate => (
                RejectReason::BadText,
                "a string holds half of a surrogate pair".to_owned(),
            ),
            LineRefusal::DuplicateKey => (
                RejectReason::DuplicateKey,
                "an object has the same key twice".to_owned(),
            ),
            LineRefusal::TooDeep => (
                RejectReason::TooLarge,
                "the resource is deeper than resources are".to_owned(),
            ),
            LineRefusal::MissingId => {
                (RejectReason::MissingId, "the resource has no id".to_owned())
            }
        };
        self.reject(reason, detail)
    }

    /// A claim or coverage whose patient is not known.
    pub(crate) fn without_patient(&self, references: &[ReferenceRecord]) -> Reject {
        let unresolved = references.iter().find_map(|record| record.unresolved);
        let why = unresolved.map_or(
            "it names no patient, or by a reference that import has not resolved: import it again",
            Unresolved::words,
        );
        Reject {
            column: Some(PATIENT_COLUMN.to_owned()),
            ..self.reject(
                RejectReason::NoPatient,
                format!("it is not known whose it is: {why}"),
            )
        }
    }

    /// A cell that is null, or a table without the resource's rows; nothing for a cell whose number
    /// was rounded.
    pub(crate) fn problem(&self, problem: Problem) -> Option<Reject> {
        let reason = match problem.mismatch.kind {
            ProblemKind::WrongType => RejectReason::WrongType,
            ProblemKind::BadDate => RejectReason::BadDate,
            ProblemKind::TooManyDigits => RejectReason::TooManyDigits,
            ProblemKind::Rounded => return None,
            ProblemKind::NotOneValue => RejectReason::NotOneValue,
            // The resource is in the other tables, so it is not refused.
            ProblemKind::TooLarge => RejectReason::NotOneValue,
        };
        let consequence = match (&problem.table, &problem.column) {
            (Some(_), Some(_)) => "the cell is null",
            (Some(_), None) => "the table has no rows of the resource",
            (None, _) => "the column is null in all tables",
        };
        let detail = format!("{}: {consequence}", problem.mismatch);
        Some(Reject {
            table: problem.table,
            column: problem.column,
            path: Some(problem.path),
            expected: Some(problem.mismatch.expected),
            found: Some(problem.mismatch.found),
            ..self.reject(reason, detail)
        })
    }

    /// A text that names no partition; `table` is `None` if it is in all of them.
    pub(crate) fn no_partition(&self, replaced: Replaced, table: Option<&str>) -> Reject {
        let (expected, found) = match replaced.why {
            Unfit::TooLong { bytes, most } => (
                format!("at most {most} bytes as a folder's name"),
                format!("{bytes} bytes"),
            ),
            Unfit::Empty | Unfit::MeansNull => (
                "a text that names a partition".to_owned(),
                "one that readers take for null".to_owned(),
            ),
        };
        let detail = format!(
            "expected {expected}, found {found}: the column is {} for this resource",
            hive::UNKNOWN
        );
        Reject {
            table: table.map(str::to_owned),
            column: Some(replaced.column),
            expected: Some(expected),
            found: Some(found),
            ..self.reject(RejectReason::NoPartition, detail)
        }
    }
}

/// A frame that could not be read; its lines are lost until the run is landed again.
pub(crate) fn damaged(frame: &DamagedFrame, api: ApiVersion, resource: &ResourceType) -> Reject {
    let place = LinePlace {
        file: &frame.file,
        line: frame.first_line,
        api,
        resource,
    };
    let lines = match frame.lines {
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    };
    let detail = format!(
        "frame {} ({lines}): {}; extract or import it again",
        frame.frame, frame.reason
    );
    place.reject(RejectReason::DamagedPart, detail)
}
