//! Reads one resource type of one patient: passes until the pages agree, and again where the
//! answer is empty.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use claimlake_consent::TokenSource;
use claimlake_contract::{ApiVersion, PatientId, ResourceType};
use claimlake_vault::{ExtractState, Grant};
use tokio::sync::Semaphore;

use super::failures::Failures;
use super::findings::Findings;
use super::search_reader::SearchReader;
use super::session::Session;
use crate::fhir::page::Paging;
use crate::fhir::pages::{Agreement, PassOutcome, read_pass};
use crate::fhir::search::{Search, Selection};
use crate::http::fetch::FetchError;
use crate::landing_writer::{PassId, ResourceCommit, SearchScope, has_claim_kinds};
use crate::lock::lock;

/// Passes over a set that keeps moving.
const MAX_PASSES: u32 = 4;
/// Readings of an answer that is empty, where resources are known and where none ever were.
const READS_WHERE_KNOWN: u32 = 3;
const READS_WHERE_NONE: u32 = 2;

/// One resource type of one patient, being read.
pub(super) struct ResourceReader<'a, T> {
    pub(super) session: &'a Session<'a, T>,
    pub(super) grant: &'a Grant,
    pub(super) patient: &'a PatientId,
    pub(super) resource: &'a ResourceType,
    pub(super) known: Option<&'a ExtractState>,
    /// Every reading begun for the patient: those that do not count are forgotten at the end.
    pub(super) reads: &'a Mutex<Vec<PassId>>,
    pub(super) per_patient: &'a Semaphore,
    /// What failed of the patient.
    pub(super) failures: &'a Failures,
}

/// The last pass over one search, and what it came to.
type CompletedSearch = (PassId, PassOutcome);

impl<T: TokenSource> ResourceReader<'_, T> {
    pub(super) async fn read(&self) -> Result<ResourceCommit, FetchError> {
        let full = self.reads_everything();
        let since = match full {
            true => None,
            false => self.watermark(),
        };
        let known = self.known.map_or(0, |known| known.known_count);
        let reads_if_empty = match (full, known) {
            (false, _) => 1,
            (true, 0) if self.is_claims() || self.is_patient() => READS_WHERE_NONE,
            (true, 0) => 1,
            (true, _) => READS_WHERE_KNOWN,
        };
        let mut tried = 0;
        loop {
            tried += 1;
            let found = self.read_selections(since).await?;
            let outcomes: Vec<PassOutcome> = found.iter().map(|(_, outcome)| *outcome).collect();
            let findings = Findings {
                incomplete: outcomes.iter().find_map(PassOutcome::incomplete),
                main: outcomes.first().map_or(0, |main| main.distinct),
                beside: outcomes.iter().skip(1).map(|other| other.distinct).sum(),
                full,
                known,
                is_patient: self.is_patient(),
                is_suspicious: outcomes.iter().any(|outcome| outcome.is_suspicious),
            };
            if findings.incomplete.is_none() && findings.main == 0 && tried < reads_if_empty {
                self.forget(&found).await;
                self.session.wait_between(tried).await;
                continue;
            }
            let (state, reason) = findings.state();
            return Ok(ResourceCommit {
                resource: self.resource.clone(),
                reads: found.iter().map(|(read, _)| *read).collect(),
                state,
                reason,
                full,
                total: outcomes.first().and_then(|main| main.total),
                previous: self.known.cloned(),
                asked: Some(self.asked()),
                is_suspicious: findings.is_suspicious,
            });
        }
    }

    /// Once claims were complete, only changes are requested; other resource types fit one page
    /// anyway.
    fn reads_everything(&self) -> bool {
        let options = self.session.options;
        let known = self.known.filter(|known| known.api == options.api);
        let was_complete = known.is_some_and(|known| known.complete_at.is_some());
        let has_watermark = was_complete && self.watermark().is_some();
        let is_due = known.is_some_and(|known| self.session.turns.is_due(known));
        options.full || !self.is_claims() || !has_watermark || is_due
    }

    fn asked(&self) -> SearchScope {
        let sources = match has_claim_kinds(self.session.options.api, self.resource) {
            true => Search::all_sources(),
            false => String::new(),
        };
        let known = self.session.turns.known(&self.grant.handle, self.resource);
        SearchScope {
            scopes: SearchScope::scopes_of(self.grant.scopes.iter(), self.resource),
            sources,
            known,
        }
    }

    /// Where an increment begins, if what is on record can be believed.
    fn watermark(&self) -> Option<DateTime<Utc>> {
        let now = self.session.fetcher.clock.now();
        crate::watermark::usable(self.known?, now)
    }

    fn is_claims(&self) -> bool {
        *self.resource == ResourceType::explanation_of_benefit()
    }

    fn is_patient(&self) -> bool {
        *self.resource == ResourceType::patient()
    }

    async fn read_selections(
        &self,
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<CompletedSearch>, FetchError> {
        let main = self.read_search(Selection::Main, since, None).await?;
        if self.session.options.api == ApiVersion::V3 && self.is_claims() {
            // One after the other: the server may force both to one source (an app with Part D
            // only), and what the first search found must not land again.
            let beside = Some(main.0);
            let prior = self.read_search(Selection::PriorAuthorizations, None, beside);
            let prior = prior.await?;
            return Ok(vec![main, prior]);
        }
        Ok(vec![main])
    }

    async fn read_search(
        &self,
        selection: Selection,
        since: Option<DateTime<Utc>>,
        beside: Option<PassId>,
    ) -> Result<CompletedSearch, FetchError> {
        let options = self.session.options;
        let full = self.reads_everything();
        let paging = Paging {
            api: options.api,
            page_size: options.page_size.into(),
            is_paged: options.api == ApiVersion::V2 || self.is_claims(),
        };
        let (mut passes, mut before) = (0, None);
        loop {
            passes += 1;
            let read = self.session.next_read();
            lock(self.reads).push(read);
            let one = SearchReader {
                session: self.session,
                grant: self.grant,
                per_patient: self.per_patient,
                failures: self.failures,
                pass: read,
                beside,
                full,
                search: Search {
                    base_url: &options.base_url,
                    api: options.api,
                    resource: self.resource,
                    patient: self.patient,
                    selection,
                    page_size: options.page_size,
                    since,
                },
            };
            let found = read_pass(&one, paging).await?;
            let outcome = found.after(before);
            let is_unsettled = matches!(outcome.agreement, Agreement::Inconsistent(_));
            if !is_unsettled || passes == MAX_PASSES {
                return Ok((read, outcome));
            }
            before = Some(found);
            tracing::debug!(
                grant = %self.grant.handle,
                resource.r#type = %self.resource,
                pass.number = passes,
                "what the pages say does not agree, reading again"
            );
            self.session.landing.forget(vec![read]).await;
            self.session.wait_between(passes).await;
        }
    }

    async fn forget(&self, found: &[CompletedSearch]) {
        let reads = found.iter().map(|(read, _)| *read).collect();
        self.session.landing.forget(reads).await;
    }
}
