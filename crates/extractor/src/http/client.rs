//! The HTTP client of FHIR requests: redirects off, gzip, TLS by rustls, plain http to loopback.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use claimlake_contract::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::transport_error::{ServerName, Unreachable};

/// Bodies received and not yet landed: what bounds memory, however many requests wait for their
/// answers and however many people there are.
const BODIES_AT_ONCE: usize = 16;

/// No page is larger.
const LARGEST_BODY: usize = 256 << 20;

/// How long parts of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct HttpTimeouts {
    /// Until connected.
    pub connect: Duration,
    /// Between two reads: the server itself waits up to 30 seconds for its data.
    pub read: Duration,
    /// The whole request.
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

/// A whole answer.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: AnswerHeaders,
    pub(crate) body: Bytes,
    /// The place that the body takes: free for the next one once this answer is dropped.
    pub(crate) _place: OwnedSemaphorePermit,
}

/// The headers that decide anything.
#[derive(Debug, Default, Clone)]
pub(crate) struct AnswerHeaders {
    pub(crate) content_type: Option<String>,
    pub(crate) retry_after: Option<String>,
}

/// No whole answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transport {
    /// No connection: the request never left.
    NotConnected(Unreachable),
    /// Nothing came in time.
    TimedOut,
    /// The connection broke, or the body was cut or damaged.
    Broken,
    /// The body is larger than any page.
    TooLarge,
}

impl Transport {
    pub(crate) fn words(&self) -> &str {
        match self {
            Transport::NotConnected(unreachable) => unreachable.words(),
            Transport::TimedOut => "the server did not answer in time",
            Transport::Broken => "the answer was cut or damaged on the way",
            Transport::TooLarge => "the answer was far too large",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: ServerName,
    bodies: Arc<Semaphore>,
}

impl Client {
    /// A client for the origin of `base_url`, which was checked before (https, or loopback).
    pub(crate) fn new(
        base_url: &Url,
        timeouts: HttpTimeouts,
        connections: usize,
    ) -> Result<Self, String> {
        // A provider installed earlier in this process is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = crate::oauth::is_loopback(base_url);
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .https_only(!loopback)
            .http1_only()
            .gzip(true)
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.read)
            .timeout(timeouts.total)
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true)
            .user_agent(concat!("claimlake/", env!("CARGO_PKG_VERSION")));
        if base_url.scheme() == "http" {
            // Reading the system's certificates takes longer than a request, and none is used.
            builder = builder.tls_certs_only([]);
        }
        if loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(crate::transport_error::no_client)?;
        Ok(Self {
            http,
            server: ServerName::of(base_url),
            bodies: Arc::new(Semaphore::new(BODIES_AT_ONCE)),
        })
    }

    /// One GET with the bearer bound to it.
    pub(crate) async fn get(
        &self,
        url: Url,
        bearer: &Secret,
        headers: &[(&'static str, &'static str)],
    ) -> Result<RawAnswer, Transport> {
        let mut request = self
            .http
            .get(url)
            .bearer_auth(bearer.expose())
            .header(ACCEPT, "application/fhir+json");
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), *value);
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| self.transport(&error))?;
        let status = response.status().as_u16();
        let headers = answer_headers(response.headers());
        // The kernel holds back what is not read yet.
        let bodies = Arc::clone(&self.bodies);
        let place = bodies
            .acquire_owned()
            .await
            .map_err(|_| Transport::Broken)?;
        let expected = response
            .content_length()
            .unwrap_or(0)
            .min(LARGEST_BODY as u64);
        let mut body = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.transport(&error))?
        {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(Transport::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(RawAnswer {
            status,
            headers,
            body: Bytes::from(body),
            _place: place,
        })
    }

    fn transport(&self, error: &reqwest::Error) -> Transport {
        if let Some(unreachable) = self.server.unreachable(error) {
            Transport::NotConnected(unreachable)
        } else if error.is_timeout() {
            Transport::TimedOut
        } else {
            Transport::Broken
        }
    }
}

fn answer_headers(headers: &HeaderMap) -> AnswerHeaders {
    let text = |name| {
        let value = headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    AnswerHeaders {
        content_type: text(CONTENT_TYPE),
        retry_after: text(RETRY_AFTER),
    }
}
