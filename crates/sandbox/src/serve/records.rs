//! Where patients and their resources come from: synthetic, or a recording.

use std::fmt::Debug;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use crate::http::{Reply, Request};
use crate::serve::date_range::DateRange;

/// The three resource types served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Patient,
    Coverage,
    ExplanationOfBenefit,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Patient, Kind::Coverage, Kind::ExplanationOfBenefit];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Patient => "Patient",
            Kind::Coverage => "Coverage",
            Kind::ExplanationOfBenefit => "ExplanationOfBenefit",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A search, its parameters checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Search {
    /// Page size.
    pub(crate) count: usize,
    /// Matches to leave out before the page.
    pub(crate) offset: usize,
    /// `type`: any of these claim types, in lower case.
    pub(crate) types: Option<Vec<String>>,
    /// `_lastUpdated`.
    pub(crate) last_updated: DateRange,
    /// `service-date`.
    pub(crate) service_date: DateRange,
    /// `_source` (v3): every list must name the source; within a list any.
    pub(crate) sources: Vec<Vec<String>>,
    /// `_tag` (v3): every list must be met; within a list any `(system, code)`.
    pub(crate) tags: Vec<Vec<(String, String)>>,
    /// `_security:not=42CFRPart2` (v3).
    pub(crate) without_samhsa: bool,
}

/// A page of matches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// The resources of the page, each as it is in an entry.
    pub(crate) resources: Vec<Bytes>,
    /// How many matches there are in all.
    pub(crate) total: usize,
    /// `meta.lastUpdated` of the bundle.
    pub(crate) last_updated: String,
}

/// Patients and their resources. What a recording cannot do has a default that finds nothing.
pub(crate) trait Records: Debug + Send + Sync {
    /// How many patients there are.
    fn patients(&self) -> usize;
    /// What a patient logs in with.
    fn login(&self, patient: usize) -> String;
    /// Given and family name.
    fn name(&self, patient: usize) -> (String, String);
    /// The patient id in one id space.
    fn patient_id(&self, patient: usize, space: ApiVersion) -> String;
    /// The patient of a login.
    fn find_login(&self, login: &str) -> Option<usize>;
    /// The patient of a patient id.
    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize>;
    /// Whether personal information can be shared at all; in a recording, whether it was.
    fn shares_demographics(&self, _patient: usize) -> bool {
        true
    }
    /// The whole answer, where answers are recorded and not made.
    fn recorded(&self, _patient: usize, _request: &Request) -> Option<Reply> {
        None
    }
    /// Whether patient ids can change.
    fn has_fixed_ids(&self) -> bool {
        false
    }
    /// The page of a search.
    fn search(
        &self,
        _patient: usize,
        _space: ApiVersion,
        _kind: Kind,
        _search: &Search,
        _now: DateTime<Utc>,
    ) -> Found {
        Found::default()
    }
    /// One resource, and the patient it belongs to.
    fn read(
        &self,
        _space: ApiVersion,
        _kind: Kind,
        _id: &str,
        _now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        None
    }
    /// The weekly load arrives: new claims, some cancelled or adjusted.
    fn advance_week(&self) {}
    /// A claim of the patient appears before all others, or one disappears.
    fn drift(&self, _patient: usize, _space: ApiVersion, _drift: Drift) {}
    /// The changes of a patient's claims are undone.
    fn restore(&self, _patient: usize) {}
    /// What there is to be found of one patient, for tests.
    fn truth(&self, patient: usize, space: ApiVersion) -> PatientTruth {
        PatientTruth {
            login: self.login(patient),
            patient: self.patient_id(patient, space),
            ..PatientTruth::default()
        }
    }
}

/// How a patient's claims change between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drift {
    Insert,
    Delete,
}

/// What a complete and correct client ends up with for one patient.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct PatientTruth {
    /// The login.
    pub login: String,
    /// The patient id in this API version.
    pub patient: String,
    /// Claim ids that the default search finds, sorted as text.
    pub eob_ids: Vec<String>,
    /// Those of `eob_ids` that were neither replaced by a later version nor cancelled, sorted as
    /// text.
    pub final_ids: Vec<String>,
    /// Ids of claims of shared systems (v3), found only by asking for their source.
    pub shared_system_ids: Vec<String>,
    /// Ids of prior authorizations (v3), found only by asking for their source.
    pub prior_authorization_ids: Vec<String>,
    /// Coverage ids, sorted as text.
    pub coverage_ids: Vec<String>,
    /// How many of `eob_ids` there are of each EOB type, such as `CARRIER`.
    pub claims_by_type: std::collections::BTreeMap<String, usize>,
    /// The sum of `payment.amount` over `eob_ids`, in cents.
    pub paid_cents: i64,
    /// The same for only those that were neither replaced by a later version nor cancelled.
    pub final_paid_cents: i64,
}
