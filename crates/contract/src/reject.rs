//! A resource or value that could not be used: kept, counted, explained.

use serde::{Deserialize, Serialize};

use crate::{ApiVersion, ResourceType};

/// One reject. It names places, paths and types, never a value: values are PHI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file the input lies in, relative to the data directory (landing) or as given (import).
    pub file: String,
    /// The line in the file, from 1 (in the decompressed text of a landed part).
    pub line: u64,
    /// What is wrong.
    pub reason: RejectReason,
    /// The reason as text, with what to do about it; no value from the input.
    pub detail: String,
    /// The API version, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiVersion>,
    /// The resource type, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceType>,
    /// The table whose cell is null because of this, where the resource itself was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The column of that cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The JSON path of the value in the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The type that was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The type that was found; for a number that does not fit, what is too much about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Reject {
    /// A reject of which nothing more than place and reason is known yet.
    #[must_use]
    pub fn new(file: &str, line: u64, reason: RejectReason, detail: String) -> Self {
        Self {
            file: file.to_owned(),
            line,
            reason,
            detail,
            api: None,
            resource: None,
            table: None,
            column: None,
            path: None,
            expected: None,
            found: None,
        }
    }
}

/// Why something was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The text is not JSON (RFC 8259).
    NotJson,
    /// JSON, but not a FHIR resource.
    NotFhir,
    /// A resource of another release of FHIR than R4.
    OtherFhirRelease,
    /// The text is not UTF-8, or has a lone surrogate.
    BadText,
    /// An object has the same key twice.
    DuplicateKey,
    /// The resource has no id.
    MissingId,
    /// The resource is larger or deeper than what is read.
    TooLarge,
    /// A value has another type than its column.
    WrongType,
    /// A date or time that does not exist.
    BadDate,
    /// A number with more digits than fit its column.
    TooManyDigits,
    /// Several values where a column takes one.
    NotOneValue,
    /// The patient of a claim or coverage is unknown; everything else in it is used.
    NoPatient,
    /// A text that no partition can be named for: too long, or what readers take for null.
    NoPartition,
    /// A landed part is damaged from this place on.
    DamagedPart,
}

impl RejectReason {
    /// Whether the whole resource was refused, rather than one cell of it.
    #[must_use]
    pub fn refuses_the_resource(self) -> bool {
        !matches!(
            self,
            RejectReason::WrongType
                | RejectReason::BadDate
                | RejectReason::TooManyDigits
                | RejectReason::NotOneValue
                | RejectReason::NoPatient
                | RejectReason::NoPartition
        )
    }

    /// The name in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RejectReason::NotJson => "not_json",
            RejectReason::NotFhir => "not_fhir",
            RejectReason::OtherFhirRelease => "other_fhir_release",
            RejectReason::BadText => "bad_text",
            RejectReason::DuplicateKey => "duplicate_key",
            RejectReason::MissingId => "missing_id",
            RejectReason::TooLarge => "too_large",
            RejectReason::WrongType => "wrong_type",
            RejectReason::BadDate => "bad_date",
            RejectReason::TooManyDigits => "too_many_digits",
            RejectReason::NotOneValue => "not_one_value",
            RejectReason::NoPatient => "no_patient",
            RejectReason::NoPartition => "no_partition",
            RejectReason::DamagedPart => "damaged_part",
        }
    }
}
