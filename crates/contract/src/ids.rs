//! Identifiers: API version, resource type, run, grant, patient.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An id that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseIdError(String);

impl ParseIdError {
    pub(crate) fn new(reason: &str) -> Self {
        Self(reason.into())
    }
}

/// `Display`, and what serde reads and writes, of an id that is a checked text.
macro_rules! text_id {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $id {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0
            }
        }
    };
}

text_id!(ResourceType);
text_id!(RunId);

/// A version of the Blue Button API, or claims of another payer; each has an id space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiVersion {
    /// FHIR R4, C4BB.
    V2,
    /// FHIR R4, C4BB 2.x, id space and paging of its own.
    V3,
    /// FHIR R4, CARIN Blue Button (C4BB) claims of any payer: from files, since no server of CMS has them.
    Carin,
}

impl ApiVersion {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V2, Self::V3, Self::Carin];

    /// Whether a server has it, so that there are grants and requests of it.
    #[must_use]
    pub fn has_server(self) -> bool {
        match self {
            ApiVersion::V2 | ApiVersion::V3 => true,
            ApiVersion::Carin => false,
        }
    }

    /// The API version of a server.
    ///
    /// # Errors
    /// When the text names none, or one that comes from files alone.
    pub fn of_server(text: &str) -> Result<Self, ParseIdError> {
        let api: Self = text.parse()?;
        match api.has_server() {
            true => Ok(api),
            false => Err(ParseIdError(format!(
                "'{text}' has no server and no grants: such claims come from files, by `import --api {text}`; \
                 a server has v2 or v3"
            ))),
        }
    }

    /// `v2`, `v3` or `carin`, as in URLs and in `api=` on disk.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ApiVersion::V2 => "v2",
            ApiVersion::V3 => "v3",
            ApiVersion::Carin => "carin",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApiVersion {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v2" => Ok(ApiVersion::V2),
            "v3" => Ok(ApiVersion::V3),
            "carin" => Ok(ApiVersion::Carin),
            _ => Err(ParseIdError(format!(
                "unknown API version '{text}', expected v2, v3 or carin"
            ))),
        }
    }
}

/// A FHIR resource type, as spelled in `resourceType`: letters and digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceType(String);

impl ResourceType {
    /// The name of the type that a patient is, as in `Patient/<id>`.
    pub const PATIENT: &str = "Patient";

    /// `ExplanationOfBenefit`.
    #[must_use]
    pub fn explanation_of_benefit() -> Self {
        Self("ExplanationOfBenefit".into())
    }

    /// `Coverage`.
    #[must_use]
    pub fn coverage() -> Self {
        Self("Coverage".into())
    }

    /// `Patient`.
    #[must_use]
    pub fn patient() -> Self {
        Self(Self::PATIENT.into())
    }

    /// The name as FHIR spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResourceType {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_uppercase());
        if !starts_well || text.len() > 64 || !text.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(ParseIdError("not the name of a FHIR resource type".into()));
        }
        Ok(Self(text.into()))
    }
}

/// One execution of a command that writes, such as `20261123T164012.345Z-7f3a`.
///
/// Ids sort as text in the order in which they were made within one data directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

const RUN_ID_FORMAT: &str = "%Y%m%dT%H%M%S%.3fZ";
const RUN_ID_TIME_LENGTH: usize = "20261123T164012.345Z".len();

impl RunId {
    /// The id after `latest` (the greatest of the data directory, if any): the time `now`, or one
    /// millisecond after `latest` where the clock is behind it, and four hex digits of `noise`.
    #[must_use]
    pub fn after(latest: Option<&RunId>, now: DateTime<Utc>, noise: u16) -> Self {
        let earliest = latest
            .and_then(RunId::started_at)
            .map(|started| started + chrono::TimeDelta::milliseconds(1));
        let instant = earliest.map_or(now, |earliest| earliest.max(now));
        Self(format!("{}-{noise:04x}", instant.format(RUN_ID_FORMAT)))
    }

    /// The instant within the id.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        let time = self.0.get(..RUN_ID_TIME_LENGTH)?;
        let naive = chrono::NaiveDateTime::parse_from_str(time, RUN_ID_FORMAT).ok()?;
        Some(naive.and_utc())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let candidate = Self(text.into());
        let noise = text.get(RUN_ID_TIME_LENGTH..).unwrap_or_default();
        let noise_is_hex = noise.len() == 5
            && noise.starts_with('-')
            && noise[1..].chars().all(|c| c.is_ascii_hexdigit());
        if candidate.started_at().is_none() || !noise_is_hex {
            return Err(ParseIdError(format!(
                "'{text}' is not a run id (they look like 20261123T164012.345Z-7f3a)"
            )));
        }
        Ok(candidate)
    }
}

/// The random name of a grant, used in logs, errors and vault keys; the patient cannot be derived
/// from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantHandle(String);

impl GrantHandle {
    /// A handle made of eight random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(format!("g{:016x}", u64::from_be_bytes(bytes)))
    }

    /// The handle as text, `g` and 16 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GrantHandle {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('g').unwrap_or_default();
        if digits.len() != 16 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(ParseIdError(
                "not a grant handle ('g' and 16 hex digits)".into(),
            ));
        }
        Ok(Self(text.into()))
    }
}

/// A patient's id in the id space of one API version: opaque text, never split, never a number.
///
/// It is PHI: `Debug` does not show it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PatientId(String);

impl PatientId {
    /// Takes the id as the server wrote it.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id itself, for requests, files and tables; never for logs or errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PatientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientId(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone, Utc};

    use super::{PatientId, ResourceType, RunId};

    #[test]
    fn run_ids_sort_after_all_earlier_ones_even_when_the_clock_steps_back() {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 16, 40, 12).unwrap();
        let first = RunId::after(None, now, 0xffff);
        assert_eq!(first.as_str(), "20261123T164012.000Z-ffff");
        let second = RunId::after(Some(&first), now - TimeDelta::hours(1), 0);
        assert!(second > first);
        assert_eq!(second.as_str(), "20261123T164012.001Z-0000");
    }

    #[test]
    fn a_run_id_cannot_name_another_folder() {
        for text in [
            "",
            "..",
            "20261123T164012.345Z",
            "20261123T164012.345Z-../x",
            "x-7f3a",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert!("20261123T164012.345Z-7f3a".parse::<RunId>().is_ok());
    }

    #[test]
    fn a_resource_type_cannot_leave_its_folder() {
        for text in ["", "patient", "../Patient", "Patient/1", "P=1"] {
            assert!(text.parse::<ResourceType>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_patient_id_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", PatientId::new("-20140000008325")).contains("2014"));
    }
}
