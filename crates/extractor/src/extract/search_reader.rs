//! Reads the pages of one search and hands them to the landing thread.

use claimlake_consent::TokenSource;
use claimlake_contract::GrantHandle;
use claimlake_vault::Grant;
use tokio::sync::Semaphore;

use super::failures::Failures;
use super::session::Session;
use crate::fhir::bundle::PageError;
use crate::fhir::page::{MOST_RESOURCES, SeenPage};
use crate::fhir::pages::Pages;
use crate::fhir::search::Search;
use crate::http::body::Body;
use crate::http::client::RawAnswer;
use crate::http::failure::{Reason, Tries};
use crate::http::fetch::{FetchError, Fetched, Request, Unanswered};
use crate::landing_writer::{PageJob, PassId, WritePolicy};
use crate::record::RecordedRequest;

/// Tries of a page whose body is not a Bundle.
const BODY_TRIES: u32 = 3;

/// One pass over one search.
pub(super) struct SearchReader<'a, T> {
    pub(super) session: &'a Session<'a, T>,
    pub(super) grant: &'a Grant,
    pub(super) per_patient: &'a Semaphore,
    /// What failed of the patient.
    pub(super) failures: &'a Failures,
    pub(super) pass: PassId,
    /// The pass over another search of the patient, whose resources do not land again.
    pub(super) beside: Option<PassId>,
    /// Whether everything is requested, not only changes.
    pub(super) full: bool,
    pub(super) search: Search<'a>,
}

impl<T: TokenSource> Pages for SearchReader<'_, T> {
    async fn page(&self, offset: u64) -> Result<SeenPage, FetchError> {
        let session = self.session;
        let grant: &GrantHandle = &self.grant.handle;
        let permit = self.per_patient.acquire().await;
        let Ok(_permit) = permit else {
            return Err(FetchError::Stop("the run is over".into()));
        };
        if self.failures.is_given_up() {
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
                    self.record(&request, &answer).await?;
                    return Ok(SeenPage {
                        is_past_end: true,
                        ..SeenPage::default()
                    });
                }
                Err(Unanswered { end, answer }) => {
                    if let Some(answer) = answer {
                        self.record(&request, &answer).await?;
                    }
                    return Err(end);
                }
            };
            match self.land(answer.body.clone()).await? {
                Ok(info) => {
                    session.note_page(grant, info.ids.len() as u64);
                    self.record(&request, &answer).await?;
                    return Ok(info);
                }
                Err(PageError::Foreign) => {
                    tracing::error!(
                        grant = %grant,
                        resource.r#type = %self.search.resource,
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
                    session.wait_between(tries.count()).await;
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
    async fn land(&self, body: Body) -> Result<Result<SeenPage, PageError>, FetchError> {
        let job = PageJob {
            read: self.pass,
            beside: self.beside,
            grant: self.grant.handle.clone(),
            patient: self.search.patient.clone(),
            resource: self.search.resource.clone(),
            lands: match self.session.options.full {
                true => WritePolicy::Everything,
                false => WritePolicy::Changes,
            },
            full: self.full,
            body,
        };
        let landed = self.session.landing.page(job).await;
        landed.map_err(|error| FetchError::Stop(claimlake_consent::chain(&error)))
    }

    async fn record(&self, request: &Request<'_>, answer: &RawAnswer) -> Result<(), FetchError> {
        let Some(recorder) = &self.session.recorder else {
            return Ok(());
        };
        let recorded = RecordedRequest {
            grant: request.grant,
            api: self.search.api,
            patient: self.search.patient,
            scopes: self.grant.scopes.iter().map(str::to_owned).collect(),
            base_url: self.search.base_url,
            url: &request.url,
            headers: request.headers,
        };
        let written = recorder.write(&recorded, answer).await;
        written.map_err(|error| FetchError::Stop(error.to_string()))
    }
}
