//! One GET until it is answered: permit, token, request, class, and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claimlake_contract::{Clock, GrantHandle};
use tokio::time::Instant;
use url::Url;

use super::classify::{AnswerClass, Refusal, classify, is_html};
use super::client::{Client, RawAnswer};
use super::failure::{Reason, RequestName, Tries};
use super::pace::{Ended, Pace, Throttled};
use super::retry::{
    Budget, Jitter, LONGEST_WAIT, TRIES, TRIES_AFTER_TIMEOUT, TRIES_TO_CONNECT, back_off,
};
use super::transport::Transport;
use claimlake_consent::{AccessToken, ConsentError, TokenSource, retry_after};

/// Waits that the server asks for do not count as tries, but there is a limit to them as well.
const MOST_WAITS: u32 = 30;
/// Rejected tokens that should have been good. Some may have been replaced by another request's
/// refresh while they were on their way; a grant whose tokens are never good has ended.
const MOST_GOOD_TOKENS_REJECTED: u32 = 4;
/// Rejected tokens in all: those that had expired on the way count here only.
const MOST_TOKENS_REJECTED: u32 = 20;

/// Why nothing more is read of a patient, or of one resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// The consent is over.
    NeedsConsent(String),
    /// The server says to come back later.
    Parked(Reason),
    /// The grant may not read this resource type; the other types are read.
    Refused(Refusal),
    /// A resource of another patient came.
    Foreign,
    /// The server answers "not found": what that says of the patient depends on its other answers.
    NotFound(Reason),
    /// It cannot be read.
    Failed(Reason),
    /// Not requested any more, because another resource type of the patient failed.
    GivenUp,
    /// The run cannot continue.
    Stop(String),
}

/// A request of one grant.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) grant: &'a GrantHandle,
    /// Its name in failures: the URL would name the patient.
    pub(crate) name: RequestName<'a>,
    pub(crate) url: Url,
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// An answer that is to be used.
#[derive(Debug)]
pub(crate) enum Fetched {
    Body(RawAnswer),
    PastEnd(RawAnswer),
}

#[derive(Debug)]
pub(crate) struct Fetcher<'a, T> {
    pub(crate) client: Client,
    pub(crate) pace: Pace,
    pub(crate) budget: Budget,
    pub(crate) jitter: Jitter,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: &'a T,
    pub(crate) throttled: AtomicU64,
    pub(crate) first_pause: Duration,
}

/// The outcome of one attempt.
enum Attempt {
    Answer(Box<Fetched>),
    /// Try again, for this reason, unless it was tried this many times already.
    Retry(String, u32),
    /// Once more, when the pace allows it.
    Wait,
    TokenRejected(AccessToken),
    End(Unanswered),
}

impl<T: TokenSource> Fetcher<'_, T> {
    /// Sends the request until it is answered for good.
    ///
    /// # Errors
    /// How it ended for the patient; a 403 is kept with its answer for the recording.
    pub(crate) async fn get(&self, request: &Request<'_>) -> Result<Fetched, Unanswered> {
        let begun = Instant::now();
        let (mut tries, mut waits) = (Tries::default(), 0u32);
        let (mut rejections, mut good_rejected) = (0u32, 0u32);
        loop {
            match self.attempt(request).await {
                Attempt::Answer(fetched) => return Ok(*fetched),
                Attempt::End(end) => return Err(end),
                Attempt::Retry(cause, most) => {
                    self.failed(request, &mut tries, cause, most, begun).await?;
                }
                Attempt::Wait => {
                    waits += 1;
                    if waits > MOST_WAITS {
                        let cause = format!("HTTP 429 (too many requests) {MOST_WAITS} times");
                        return Err(FetchError::Parked(Reason::of(request.name, cause)).into());
                    }
                    // All requests wait for the same instant; a small random delay keeps them from
                    // being sent at once.
                    let apart = Duration::from_millis(250).mul_f64(self.jitter.share());
                    tokio::time::sleep(apart).await;
                }
                Attempt::TokenRejected(rejected) => {
                    rejections += 1;
                    good_rejected += u32::from(rejected.expires_at > self.clock.now());
                    if good_rejected > MOST_GOOD_TOKENS_REJECTED
                        || rejections > MOST_TOKENS_REJECTED
                    {
                        let reason = "the server rejects access tokens that are new";
                        self.note_ended(request.grant, &rejected, reason).await;
                        return Err(FetchError::NeedsConsent(reason.into()).into());
                    }
                    let renewed = self.tokens.after_rejection(request.grant, &rejected).await;
                    // Whoever refreshes has tried again already, as often as is safe.
                    renewed.map_err(|error| token_end(&error))?;
                }
            }
        }
    }

    /// Notes a try that failed and waits before the next, if there is one.
    async fn failed(
        &self,
        request: &Request<'_>,
        tries: &mut Tries,
        cause: String,
        most: u32,
        begun: Instant,
    ) -> Result<(), Unanswered> {
        tries.failed(cause);
        let give_up = |more: &str| {
            let reason = tries.reason(request.name, begun.elapsed(), more);
            Err(Unanswered::from(FetchError::Failed(reason)))
        };
        if tries.count() >= most {
            return give_up("");
        }
        if !self.budget.retry() {
            return give_up(", and too many requests of this run failed to try on");
        }
        let pause = back_off(self.first_pause, tries.count() - 1, self.jitter.share());
        tokio::time::sleep(pause).await;
        Ok(())
    }

    async fn attempt(&self, request: &Request<'_>) -> Attempt {
        let Some(permit) = self.pace.admit(request.grant).await else {
            return Attempt::end(FetchError::Stop("the run is over".into()));
        };
        // The token is taken once the request may go: while it waited, the token may have ended.
        let token = match self.tokens.access_token(request.grant).await {
            Ok(token) => token,
            Err(error) => return Attempt::end(token_end(&error)),
        };
        self.budget.request();
        let url = request.url.clone();
        let answered = self.client.get(url, &token.secret, request.headers).await;
        let answer = match answered {
            Ok(answer) => answer,
            Err(transport) => {
                permit.ended(request.grant, Ended::Badly);
                return self.after_transport(request.name, transport);
            }
        };
        let class = classify(answer.status, &answer.headers, &answer.body);
        let wait = match class {
            AnswerClass::Throttled => answer.headers.retry_after.as_deref(),
            _ => None,
        };
        let wait = wait.and_then(|text| retry_after(text, self.clock.now()));
        let ended = match class {
            AnswerClass::Throttled => Ended::Throttled(Throttled {
                wait: wait.filter(|wait| *wait <= LONGEST_WAIT),
                spent_limit: answer.headers.spent_limit,
            }),
            AnswerClass::ServerError => Ended::Badly,
            _ => Ended::Well,
        };
        permit.ended(request.grant, ended);
        let (name, status) = (request.name, answer.status);
        match class {
            AnswerClass::Body => Attempt::Answer(Box::new(Fetched::Body(answer))),
            AnswerClass::PastEnd => Attempt::Answer(Box::new(Fetched::PastEnd(answer))),
            AnswerClass::Throttled => {
                self.throttled.fetch_add(1, Ordering::Relaxed);
                throttled(name, wait)
            }
            AnswerClass::TokenRejected => Attempt::TokenRejected(token),
            AnswerClass::ServerError => Attempt::Retry(server_error(&answer), TRIES),
            AnswerClass::ConsentEnded(reason) => {
                self.note_ended(request.grant, &token, reason).await;
                Attempt::end(FetchError::NeedsConsent(reason.into()))
            }
            AnswerClass::Refused(refusal) => {
                Attempt::end_with(FetchError::Refused(refusal), answer)
            }
            AnswerClass::NotFound => {
                let reason = Reason::of(name, format!("HTTP {status} (not found)"));
                Attempt::end_with(FetchError::NotFound(reason), answer)
            }
            AnswerClass::Failed(reason) => {
                let reason = Reason::of(name, format!("HTTP {status}, {reason}"));
                Attempt::end_with(FetchError::Failed(reason), answer)
            }
            AnswerClass::Stop(reason) => {
                Attempt::end(FetchError::Stop(format!("{name}: HTTP {status}, {reason}")))
            }
        }
    }

    /// The grant's state follows what a resource's answer has shown. Where it cannot be written,
    /// the next run hears the same answer again.
    pub(crate) async fn note_ended(&self, grant: &GrantHandle, token: &AccessToken, reason: &str) {
        let noted = self.tokens.consent_ended(grant, token, reason).await;
        if let Err(error) = noted {
            tracing::warn!(grant = %grant, error = %error, "the end of a consent could not be noted");
        }
    }

    fn after_transport(&self, name: RequestName<'_>, transport: Transport) -> Attempt {
        let cause = transport.to_string();
        match transport {
            Transport::Over => Attempt::end(FetchError::Stop(cause)),
            Transport::TooLarge { .. } => Attempt::end(FetchError::Failed(Reason::of(name, cause))),
            Transport::TimedOut { .. } => Attempt::Retry(cause, TRIES_AFTER_TIMEOUT),
            // Every other request would end the same way.
            Transport::NotConnected(why) if why.is_lasting() => {
                Attempt::end(FetchError::Stop(cause))
            }
            Transport::NotConnected(_) if self.budget.requests() < 100 => {
                Attempt::Retry(cause, TRIES_TO_CONNECT)
            }
            Transport::NotConnected(_) | Transport::Broken(_) | Transport::Cut { .. } => {
                Attempt::Retry(cause, TRIES)
            }
        }
    }
}

impl Attempt {
    fn end(end: FetchError) -> Self {
        Self::End(end.into())
    }

    /// The end of the request, with the answer that caused it.
    fn end_with(end: FetchError, answer: RawAnswer) -> Self {
        Self::End(Unanswered {
            end,
            answer: Some(Box::new(answer)),
        })
    }
}

/// The pace holds the grant or all requests back for short waits; long ones park the patient.
fn throttled(name: RequestName<'_>, wait: Option<Duration>) -> Attempt {
    match wait {
        Some(wait) if wait > LONGEST_WAIT => {
            let cause = format!("HTTP 429, {}", retry_words(wait));
            Attempt::end(FetchError::Parked(Reason::of(name, cause)))
        }
        _ => Attempt::Wait,
    }
}

/// `retry after 24 hours`.
fn retry_words(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        minutes @ 0..120 => format!("retry after {minutes} minutes"),
        minutes => format!("retry after {} hours", minutes.div_ceil(60)),
    }
}

fn server_error(answer: &RawAnswer) -> String {
    let status = answer.status;
    match status {
        _ if is_html(&answer.headers, &answer.body) => format!("HTTP {status} (an HTML page)"),
        400 | 401 => format!("HTTP {status} (a failure of the server behind the endpoint)"),
        _ => format!("HTTP {status}"),
    }
}

/// A request that has no answer to be used.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) end: FetchError,
    /// The answer that said so, where it is about the patient: it is recorded.
    pub(crate) answer: Option<Box<RawAnswer>>,
}

impl From<FetchError> for Unanswered {
    fn from(end: FetchError) -> Self {
        Self { end, answer: None }
    }
}

fn token_end(error: &ConsentError) -> FetchError {
    match error {
        ConsentError::NeedsConsent { reason } => FetchError::NeedsConsent(reason.clone()),
        ConsentError::Doubtful { reason } | ConsentError::Parked { reason } => {
            FetchError::Parked(reason.as_str().into())
        }
        ConsentError::NoToken { reason } => {
            FetchError::Failed(format!("no access token: {reason}").into())
        }
        error => FetchError::Stop(error.to_string()),
    }
}
