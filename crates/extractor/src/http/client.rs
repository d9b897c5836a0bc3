//! The HTTP client of FHIR requests: redirects off, gzip, TLS by rustls, plain http to loopback.

use std::time::Duration;

use claimlake_contract::Secret;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use tokio::time::Instant;
use url::Url;

use super::body::{Body, BodyLimits, BodyMemory};
use super::transport::{Limits, Transport};
use claimlake_consent::{ServerName, http_client};

/// At most this much is read of an answer that is not a page: more is never looked at.
const LARGEST_ERROR: usize = 1 << 20;

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// How long parts of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct HttpTimeouts {
    /// Until connected.
    pub connect: Duration,
    /// Between two reads: the server itself waits up to 30 seconds for its data.
    pub read: Duration,
    /// From the request to the end of the body.
    pub total: Duration,
    /// The first pause before a request is tried again, at most; later ones double.
    pub first_pause: Duration,
}

impl Default for HttpTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(45),
            total: Duration::from_secs(120),
            first_pause: Duration::from_millis(200),
        }
    }
}

/// An answer with its body.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: AnswerHeaders,
    pub(crate) body: Body,
}

/// The headers that decide anything.
#[derive(Debug, Default, Clone)]
pub(crate) struct AnswerHeaders {
    pub(crate) content_type: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) date: Option<String>,
    /// `X-RateLimit-Limit`, if `X-RateLimit-Remaining` is 0: Blue Button counts the requests of
    /// each access token.
    pub(crate) spent_limit: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: ServerName,
    bodies: BodyMemory,
    limits: Limits,
}

impl Client {
    /// A client for the origin of `base_url`, which was checked before (https, or loopback).
    pub(crate) fn new(
        base_url: &Url,
        timeouts: HttpTimeouts,
        connections: usize,
    ) -> Result<Self, String> {
        Self::with_bodies(base_url, timeouts, connections, BodyLimits::DEFAULT)
    }

    /// The same with other limits of memory.
    pub(crate) fn with_bodies(
        base_url: &Url,
        timeouts: HttpTimeouts,
        connections: usize,
        bodies: BodyLimits,
    ) -> Result<Self, String> {
        let http = http_client(base_url, |builder| {
            builder
                .referer(false)
                .http1_only()
                .gzip(true)
                .connect_timeout(timeouts.connect)
                .read_timeout(timeouts.read)
                .pool_max_idle_per_host(connections)
                .tcp_nodelay(true)
        })?;
        Ok(Self {
            http,
            server: ServerName::of(base_url),
            bodies: BodyMemory::new(bodies),
            limits: Limits {
                read: timeouts.read,
                total: timeouts.total,
            },
        })
    }

    /// One GET of FHIR JSON with the bearer bound to it.
    pub(crate) async fn get(
        &self,
        url: Url,
        bearer: &Secret,
        headers: &[(&'static str, &'static str)],
    ) -> Result<RawAnswer, Transport> {
        let mut request = self.http.get(url).bearer_auth(bearer.expose());
        request = request.header(ACCEPT, "application/fhir+json");
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), *value);
        }
        self.send(request).await
    }

    /// One GET of a public JSON document.
    pub(crate) async fn get_public(&self, url: Url) -> Result<RawAnswer, Transport> {
        let request = self.http.get(url);
        self.send(request.header(ACCEPT, "application/json")).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<RawAnswer, Transport> {
        let mut left = TimeLeft::of(self.limits, &self.server);
        let mut response = left.limit(None, request.send()).await?;
        let status = response.status().as_u16();
        let headers = answer_headers(response.headers());
        let mut body = self.bodies.begin().await?;
        while let Some(piece) = left
            .limit(Some(body.len() as u64), response.chunk())
            .await?
        {
            let room = LARGEST_ERROR.saturating_sub(body.len());
            if status != 200 && piece.len() >= room {
                body.add(&piece[..room]).await?;
                break;
            }
            body.add(&piece).await?;
        }
        Ok(RawAnswer {
            status,
            headers,
            body: body.finish(),
        })
    }
}

/// The rest of a request's time limit. Waiting for memory does not count: the server is not the
/// cause.
struct TimeLeft<'a> {
    left: Duration,
    limits: Limits,
    server: &'a ServerName,
}

impl<'a> TimeLeft<'a> {
    fn of(limits: Limits, server: &'a ServerName) -> Self {
        Self {
            left: limits.total,
            limits,
            server,
        }
    }

    /// Waits for the server, where `received` bytes of the body are here already.
    async fn limit<T>(
        &mut self,
        received: Option<u64>,
        step: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, Transport> {
        let begun = Instant::now();
        let done = tokio::time::timeout(self.left, step).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        match done {
            Ok(done) => {
                done.map_err(|error| Transport::of(&error, received, self.server, self.limits))
            }
            Err(_) => Err(Transport::TimedOut {
                after: self.limits.total,
                received,
            }),
        }
    }
}

fn answer_headers(headers: &HeaderMap) -> AnswerHeaders {
    let text = |name| {
        let value = headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    // On some answers the text is `None`.
    let number = |name| text(name)?.trim().parse().ok();
    AnswerHeaders {
        content_type: text(CONTENT_TYPE),
        retry_after: text(RETRY_AFTER),
        date: text(DATE),
        spent_limit: match number(X_RATELIMIT_REMAINING) {
            Some(0) => number(X_RATELIMIT_LIMIT),
            _ => None,
        },
    }
}
