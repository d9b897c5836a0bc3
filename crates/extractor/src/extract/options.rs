//! What to extract, and how many requests to send.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use claimlake_contract::{ApiVersion, PatientId, ResourceType, RunId};
use url::Url;

use crate::error::ExtractError;
use crate::http::HttpTimeouts;
use crate::record::RecordOptions;

/// The source that a data directory belongs to: all that is extracted into it comes from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceIdentity {
    /// A Blue Button server, by its origin.
    BlueButton {
        /// `https://sandbox.bluebutton.cms.gov`
        origin: String,
    },
    /// The embedded sandbox, by its seed; its port changes.
    Sandbox {
        /// The seed of its patients.
        seed: u64,
    },
}

impl SourceIdentity {
    /// The server at `base_url`.
    #[must_use]
    pub fn blue_button(base_url: &Url) -> Self {
        Self::BlueButton {
            origin: base_url.origin().ascii_serialization(),
        }
    }

    /// Whether its patients are synthetic for sure.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        matches!(self, Self::Sandbox { .. })
    }
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlueButton { origin } => f.write_str(origin),
            Self::Sandbox { seed } => write!(f, "the embedded sandbox with seed {seed}"),
        }
    }
}

/// What to extract, and how.
#[derive(Debug, Clone)]
pub struct ExtractOptions {
    /// The run.
    pub run: RunId,
    /// Scheme, host, port and, where there is one, the path before `/v2`.
    pub base_url: Url,
    /// The source that the data directory belongs to.
    pub source: SourceIdentity,
    /// The version of the API.
    pub api: ApiVersion,
    /// The resource types, of `Patient`, `Coverage` and `ExplanationOfBenefit`.
    pub resources: Vec<ResourceType>,
    /// Resources a page, 1 to 50.
    pub page_size: u32,
    /// Requests at once, at most.
    pub concurrency: usize,
    /// Requests at once for one patient.
    pub per_patient: usize,
    /// Requests a second, at most.
    pub max_rps: Option<f64>,
    /// Whether to read and land everything again rather than what is new.
    pub full: bool,
    /// Every patient's claims are read in full once in this many days; 0: only with `full`.
    pub full_every: u32,
    /// Only these patients, by patient id or grant handle; empty: all.
    pub only: Vec<PatientId>,
    /// Whether to record the exchanges.
    pub record: Option<RecordOptions>,
    /// How long requests may take.
    pub timeouts: HttpTimeouts,
    /// The seed of jitter.
    pub seed: u64,
    /// Raised by Ctrl-C: patients under way get a moment, no new ones are begun.
    pub stop: Arc<AtomicBool>,
}

impl ExtractOptions {
    /// Options with the recommended defaults.
    #[must_use]
    pub fn new(run: RunId, base_url: Url, source: SourceIdentity, api: ApiVersion) -> Self {
        Self {
            run,
            base_url,
            source,
            api,
            resources: vec![
                ResourceType::patient(),
                ResourceType::coverage(),
                ResourceType::explanation_of_benefit(),
            ],
            page_size: 50,
            concurrency: 128,
            per_patient: 6,
            max_rps: None,
            full: false,
            full_every: 30,
            only: Vec::new(),
            record: None,
            timeouts: HttpTimeouts::default(),
            seed: 0,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    pub(super) fn check(&self) -> Result<(), ExtractError> {
        let wrong = |text: &str| Err(ExtractError::Settings(text.to_owned()));
        if !(1..=50).contains(&self.page_size) {
            return wrong("page_size must be from 1 to 50: the server serves no larger pages");
        }
        if self.concurrency == 0 || self.per_patient == 0 {
            return wrong("concurrency and per_patient must be at least 1");
        }
        if self
            .max_rps
            .is_some_and(|rate| rate.is_nan() || rate <= 0.0)
        {
            return wrong("max_rps must be greater than 0");
        }
        let https = self.base_url.scheme() == "https";
        if !https && !claimlake_consent::is_loopback(&self.base_url) {
            return wrong("base_url must be https; plain http is allowed to loopback only");
        }
        let known = ["Patient", "Coverage", "ExplanationOfBenefit"];
        if let Some(other) = self
            .resources
            .iter()
            .find(|found| !known.contains(&found.as_str()))
        {
            return Err(ExtractError::Settings(format!(
                "resources names {other}, but the API serves Patient, Coverage and \
                 ExplanationOfBenefit"
            )));
        }
        Ok(())
    }
}
