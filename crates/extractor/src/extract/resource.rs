//! Reading one resource type of one patient: rounds until the pages agree, and emptiness doubted.

use std::sync::Mutex;

use claimlake_contract::{ApiVersion, GrantHandle, ResourceType};
use claimlake_vault::{ExtractState, Grant};
use tokio::sync::Semaphore;

use super::failures::Failures;
use super::findings::Findings;
use super::session::{Session, lock};
use crate::fhir::bundle::PageError;
use crate::fhir::completeness::IncompleteReason;
use crate::fhir::page::{MOST_RESOURCES, Paging, SeenPage};
use crate::fhir::pages::{Pages, PassOutcome, read_pass};
use crate::fhir::search::{Search, Selection};
use crate::http::body::Body;
use crate::http::client::RawAnswer;
use crate::http::failure::{Reason, Tries};
use crate::http::fetch::{FetchError, Fetched, Request, Unanswered};
use crate::http::retry::back_off;
use crate::landing_writer::{PageJob, PassId, ResourceCommit, SearchScope, WritePolicy};
use crate::record::RecordedRequest;
use claimlake_consent::TokenSource;

/// Readings of a set that keeps moving.
const MAX_PASSES: u32 = 4;
/// Readings of an answer that is empty where something was, and where nothing ever was.
const READS_WHERE_HELD: u32 = 3;
const READS_WHERE_NONE: u32 = 2;
/// Tries of a page whose body is not a Bundle.
const BODY_TRIES: u32 = 3;

/// One resource type of one patient, being read.
pub(super) struct ResourceReader<'a, T> {
    pub(super) session: &'a Session<'a, T>,
    pub(super) grant: &'a Grant,
    pub(super) patient: &'a claimlake_contract::PatientId,
    pub(super) resource: &'a ResourceType,
    pub(super) known: Option<&'a ExtractState>,
    /// Every reading begun for the patient: those that do not count are forgotten at the end.
    pub(super) reads: &'a Mutex<Vec<PassId>>,
    pub(super) per_patient: &'a Semaphore,
    /// What failed of the patient.
    pub(super) failures: &'a Failures,
}

/// All rounds of one search.
struct CompletedSearch {
    read: PassId,
    outcome: PassOutcome,
}

impl<T: TokenSource> ResourceReader<'_, T> {
    pub(super) async fn read(&self) -> Result<ResourceCommit, FetchError> {
        let full = self.reads_everything();
        let since = match full {
            true => None,
            false => self.watermark(),
        };
        let held = self.known.map_or(0, |known| known.held_count);
        let reads_if_empty = match (full, held) {
            (false, _) => 1,
            (true, 0) if self.is_claims() || self.is_patient() => READS_WHERE_NONE,
            (true, 0) => 1,
            (true, _) => READS_WHERE_HELD,
        };
        let mut tried = 0;
        loop {
            tried += 1;
            let found = self.read_selections(since).await?;
            let findings = Findings {
                doubt: found.iter().find_map(CompletedSearch::doubt),
                main: found.first().map_or(0, CompletedSearch::distinct),
                beside: found.iter().skip(1).map(CompletedSearch::distinct).sum(),
                full,
                held,
                is_patient: self.is_patient(),
                is_suspicious: found.iter().any(CompletedSearch::is_suspicious),
            };
            if findings.doubt.is_none() && findings.main == 0 && tried < reads_if_empty {
                self.forget(&found).await;
                self.wait_between(tried).await;
                continue;
            }
            let (state, reason) = findings.state();
            return Ok(ResourceCommit {
                resource: self.resource.clone(),
                reads: found.iter().map(|rounds| rounds.read).collect(),
                state,
                reason,
                full,
                total: found.first().and_then(CompletedSearch::total),
                previous: self.known.cloned(),
                asked: Some(self.asked()),
                is_suspicious: found.iter().any(CompletedSearch::is_suspicious),
            });
        }
    }

    /// Claims are asked for by what is new once they were complete; the rest is one page anyway.
    fn reads_everything(&self) -> bool {
        let known = self
            .known
            .filter(|known| known.api == self.session.options.api);
        let was_complete = known.is_some_and(|known| known.complete_at.is_some());
        let has_watermark = was_complete && self.watermark().is_some();
        let is_due = known.is_some_and(|known| self.session.turns.is_due(known));
        self.session.options.full || !self.is_claims() || !has_watermark || is_due
    }

    fn asked(&self) -> SearchScope {
        let sources =
            match crate::landing_writer::has_claim_kinds(self.session.options.api, self.resource) {
                true => Search::all_sources(),
                false => String::new(),
            };
        SearchScope {
            scopes: SearchScope::scopes_of(self.grant.scopes.iter(), self.resource),
            sources,
            known: self
                .session
                .turns
                .known(&self.grant.handle, self.resource)
                .cloned(),
        }
    }

    /// Where an increment begins, if what is on record can be believed.
    fn watermark(&self) -> Option<chrono::DateTime<chrono::Utc>> {
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
        since: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<Vec<CompletedSearch>, FetchError> {
        let main = self.read_search(Selection::Main, since, None).await?;
        if self.session.options.api == ApiVersion::V3 && self.is_claims() {
            // One after the other: the server may force both to one source (an app with Part D
            // only), and what the first search found must not land again.
            let beside = Some(main.read);
            let prior = self.read_search(Selection::PriorAuthorizations, None, beside);
            let prior = prior.await?;
            return Ok(vec![main, prior]);
        }
        Ok(vec![main])
    }

    async fn read_search(
        &self,
        selection: Selection,
        since: Option<chrono::DateTime<chrono::Utc>>,
        beside: Option<PassId>,
    ) -> Result<CompletedSearch, FetchError> {
        let options = self.session.options;
        let paging = Paging {
            api: options.api,
            page_size: options.page_size.into(),
            is_paged: options.api == ApiVersion::V2 || self.is_claims(),
        };
        let (mut round, mut before) = (0, None);
        loop {
            round += 1;
            let read = self.session.next_read();
            lock(self.reads).push(read);
            let one = SearchReader {
                reading: self,
                read,
                beside,
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
            if !matches!(outcome, PassOutcome::Inconsistent { .. }) || round == MAX_PASSES {
                return Ok(CompletedSearch { read, outcome });
            }
            before = Some(found);
            tracing::debug!(
                grant = %self.grant.handle,
                resource.r#type = %self.resource,
                round.number = round,
                "what the pages say does not agree, reading again"
            );
            self.session.landing.forget(vec![read]).await;
            self.wait_between(round).await;
        }
    }

    async fn forget(&self, found: &[CompletedSearch]) {
        let reads = found.iter().map(|rounds| rounds.read).collect();
        self.session.landing.forget(reads).await;
    }

    async fn wait_between(&self, round: u32) {
        let share = self.session.fetcher.jitter.share();
        let first = self.session.options.timeouts.first_pause;
        tokio::time::sleep(back_off(first, round, share)).await;
    }

    async fn land(
        &self,
        (read, beside): (PassId, Option<PassId>),
        body: Body,
    ) -> Result<Result<SeenPage, PageError>, FetchError> {
        let lands = match self.session.options.full {
            true => WritePolicy::Everything,
            false => WritePolicy::Changes,
        };
        let job = PageJob {
            read,
            beside,
            grant: self.grant.handle.clone(),
            patient: self.patient.clone(),
            resource: self.resource.clone(),
            lands,
            full: self.reads_everything(),
            body,
        };
        let landed = self.session.landing.page(job).await;
        landed.map_err(|error| FetchError::Stop(claimlake_consent::chain(&error)))
    }
}

impl CompletedSearch {
    fn distinct(&self) -> u64 {
        match self.outcome {
            PassOutcome::Consistent { distinct, .. } => distinct,
            PassOutcome::Inconsistent { .. } | PassOutcome::Unsettled(_) => 0,
        }
    }

    fn total(&self) -> Option<u64> {
        match self.outcome {
            PassOutcome::Consistent { total, .. } => total,
            PassOutcome::Inconsistent { .. } | PassOutcome::Unsettled(_) => None,
        }
    }

    fn is_suspicious(&self) -> bool {
        matches!(
            self.outcome,
            PassOutcome::Consistent {
                is_suspicious: true,
                ..
            }
        )
    }

    fn doubt(&self) -> Option<IncompleteReason> {
        match self.outcome {
            PassOutcome::Consistent { .. } => None,
            PassOutcome::Inconsistent { doubt, .. } | PassOutcome::Unsettled(doubt) => Some(doubt),
        }
    }
}

/// One reading of one search: where its pages come from.
struct SearchReader<'a, T> {
    reading: &'a ResourceReader<'a, T>,
    read: PassId,
    beside: Option<PassId>,
    search: Search<'a>,
}

impl<T: TokenSource> Pages for SearchReader<'_, T> {
    async fn page(&self, offset: u64) -> Result<SeenPage, FetchError> {
        let session = self.reading.session;
        let grant: &GrantHandle = &self.reading.grant.handle;
        let permit = self.reading.per_patient.acquire().await;
        let Ok(_permit) = permit else {
            return Err(FetchError::Stop("the run is over".into()));
        };
        if self.reading.failures.is_given_up() {
            return Err(FetchError::GivenUp);
        }
        let request = Request {
            grant,
            name: self.search.name(offset),
            url: self.search.url(offset),
            headers: self.search.headers(),
        };
        let (mut tries, begun) = (Tries::default(), tokio::time::Instant::now());
        loop {
            let answer = match session.fetcher.get(&request).await {
                Ok(Fetched::Body(answer)) => answer,
                Ok(Fetched::PastEnd(answer)) => {
                    self.record(&request, &answer)?;
                    return Ok(SeenPage {
                        is_past_end: true,
                        ..SeenPage::default()
                    });
                }
                Err(Unanswered { end, answer }) => {
                    if let Some(answer) = answer {
                        self.record(&request, &answer)?;
                    }
                    return Err(end);
                }
            };
            let reads = (self.read, self.beside);
            match self.reading.land(reads, answer.body.clone()).await? {
                Ok(info) => {
                    session.log_page(grant, info.ids.len() as u64);
                    self.record(&request, &answer)?;
                    return Ok(info);
                }
                Err(PageError::Foreign) => {
                    tracing::error!(
                        grant = %grant,
                        resource.r#type = %self.reading.resource,
                        "the server sent a resource of another patient; nothing of this one lands"
                    );
                    return Err(FetchError::Foreign);
                }
                Err(PageError::OtherRelease(release)) => {
                    let cause = format!(
                        "the server sent FHIR {release}, and claimlake reads R4: set source.base_url \
                         and source.api to a server of R4 (Blue Button's v2 and v3 are, v1 is not)"
                    );
                    return Err(FetchError::Failed(Reason::of(request.name, cause)));
                }
                Err(PageError::TooMany) => {
                    let cause = format!(
                        "a page with more than {MOST_RESOURCES} entries, more than any patient has"
                    );
                    return Err(FetchError::Failed(Reason::of(request.name, cause)));
                }
                Err(PageError::NotABundle(reason)) => {
                    tries.failed(not_a_bundle(&answer, reason));
                    if tries.count() == BODY_TRIES {
                        let reason = tries.reason(request.name, begun.elapsed(), "");
                        return Err(FetchError::Failed(reason));
                    }
                    drop(answer);
                    self.reading.wait_between(tries.count()).await;
                }
            }
        }
    }
}

/// What came in place of a page; of the body only its size and type.
fn not_a_bundle(answer: &RawAnswer, reason: &str) -> String {
    let what = match crate::http::classify::is_html(&answer.headers, &answer.body) {
        true => "an HTML page where a FHIR Bundle is due",
        false => reason,
    };
    let content_type = answer.headers.content_type.as_deref();
    // `application/fhir+json; charset=utf-8` without what follows the type.
    let content_type = content_type.and_then(|text| text.split(';').next());
    let content_type = match content_type.map(str::trim) {
        Some(text) if text.len() <= 60 && text.bytes().all(|byte| byte.is_ascii_graphic()) => text,
        Some(_) => "an unreadable content type",
        None => "no content type",
    };
    format!("HTTP 200 without a usable Bundle: {what} ({content_type})")
}

impl<T: TokenSource> SearchReader<'_, T> {
    fn record(&self, request: &Request<'_>, answer: &RawAnswer) -> Result<(), FetchError> {
        let Some(recorder) = &self.reading.session.recorder else {
            return Ok(());
        };
        let recorded = RecordedRequest {
            grant: request.grant,
            api: self.search.api,
            patient: self.search.patient,
            scopes: self
                .reading
                .grant
                .scopes
                .iter()
                .map(str::to_owned)
                .collect(),
            base_url: self.search.base_url,
            url: &request.url,
            headers: request.headers,
        };
        let written = recorder.write(&recorded, answer);
        written.map_err(|error| FetchError::Stop(error.to_string()))
    }
}
