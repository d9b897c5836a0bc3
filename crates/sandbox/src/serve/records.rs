//! Where people and their resources come from: synthetic, or a recording.

use std::fmt::Debug;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use crate::http::{Reply, Request};
use crate::serve::span::Span;

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
    pub(crate) last_updated: Span,
    /// `service-date`.
    pub(crate) service_date: Span,
    /// `_source` (v3): every list must hold the source; within a list any.
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

/// People and their resources.
pub(crate) trait Records: Debug + Send + Sync {
    /// How many people there are.
    fn people(&self) -> usize;
    /// What a person logs in with.
    fn login(&self, person: usize) -> String;
    /// Given and family name.
    fn name(&self, person: usize) -> (String, String);
    /// The patient id in one id space.
    fn patient_id(&self, person: usize, space: ApiVersion) -> String;
    /// The person of a login.
    fn find_login(&self, login: &str) -> Option<usize>;
    /// The person of a patient id.
    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize>;
    /// Whether the person can share personal information at all; in a recording, whether they did.
    fn shares_demographics(&self, _person: usize) -> bool {
        true
    }
    /// The whole answer, where answers are recorded and not made.
    fn recorded(&self, _person: usize, _request: &Request) -> Option<Reply> {
        None
    }
    /// The page of a search.
    fn search(
        &self,
        person: usize,
        space: ApiVersion,
        kind: Kind,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Found;
    /// One resource and the person it is of.
    fn read(
        &self,
        space: ApiVersion,
        kind: Kind,
        id: &str,
        now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)>;
    /// The weekly load arrives: new claims, some cancelled or adjusted.
    fn advance_week(&self);
    /// A claim of the person appears before all others, or one disappears.
    fn drift(&self, person: usize, space: ApiVersion, drift: Drift);
    /// The disturbances of a person's claims are undone.
    fn restore(&self, _person: usize) {}
    /// The person gets another patient id in one id space, in force after their next refresh.
    fn change_id(&self, _person: usize, _space: ApiVersion) {}
    /// A refresh of the person's tokens has been answered.
    fn refreshed(&self, _person: usize) {}
    /// What there is to be found of one person, for tests.
    fn truth(&self, person: usize, space: ApiVersion) -> PersonTruth;
}

/// How a person's claims change between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drift {
    Insert,
    Delete,
}

/// What a complete and correct client ends up with for one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct PersonTruth {
    /// The login.
    pub login: String,
    /// The patient id in this API version.
    pub patient: String,
    /// Claim ids that the default search finds, sorted as text.
    pub eob_ids: Vec<String>,
    /// Those of `eob_ids` that no later version replaced and nobody cancelled, sorted as text.
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
    /// The same over those alone that no later version replaced and nobody cancelled.
    pub final_paid_cents: i64,
}
