//! Sends one request to an OAuth endpoint and reports what is known about its outcome. The
//! distinction between "not sent" and "no answer" decides whether a refresh token may have been
//! used up, so it is made here, where the connection is known. Nothing is retried here, and
//! redirects are not followed.

use std::time::Duration;

use claimlake_contract::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::process_time_limit::ProcessTimeLimit;
use super::{App, ConsentError};
use crate::http_client::http_client;
use crate::transport_error::{ServerName, Unreachable};

/// How long to wait for an answer. It is long, because the server asks a slow data source and
/// giving up can cost a consent; and it counts only while this process runs.
const ANSWER_LIMIT: ProcessTimeLimit = ProcessTimeLimit {
    tick: Duration::from_secs(1),
    ticks: 90,
};
/// The limit for a TCP and TLS connection; nothing has been sent at that point.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of a body; real ones have a few hundred.
const LARGEST_BODY: usize = 1 << 20;

/// Sends OAuth requests of one app.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    http: reqwest::Client,
    app: App,
    server: ServerName,
}

/// What happened to a request.
#[derive(Debug)]
pub(crate) enum Posted {
    /// The server answered.
    Answer(Answer),
    /// There was no connection, so the server has not seen the request.
    NotSent(Unreachable),
    /// The request may have been carried out, but no complete answer was received.
    Lost(&'static str),
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The media type if it is one of a few known ones; other values are not kept, as they could be
    /// anything.
    pub(crate) content_type: Option<&'static str>,
    /// As the server sent it.
    pub(crate) retry_after: Option<String>,
    /// The target of a redirect, which is not followed.
    pub(crate) location: Option<String>,
    /// The body. It may contain tokens, so it is overwritten in memory when it is dropped, and
    /// never shown.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Status and media type, the only parts of an answer that may be shown.
    pub(crate) fn head(&self) -> String {
        match self.content_type {
            Some(media_type) => format!("HTTP {}, {media_type}", self.status),
            None => format!("HTTP {}, no content type", self.status),
        }
    }
}

impl Endpoint {
    /// A client for the endpoints of an app's server.
    pub(crate) fn new(app: App) -> Result<Self, ConsentError> {
        let http = http_client(app.base_url(), |builder| {
            // Each POST has its own connection: the server may close a kept one just when a token
            // is sent on it.
            let builder = builder.pool_max_idle_per_host(0);
            builder.connect_timeout(CONNECT_TIMEOUT)
        })
        .map_err(|reason| ConsentError::Configuration { reason })?;
        let server = ServerName::of(app.base_url());
        Ok(Self { http, app, server })
    }

    /// The app whose id and secret are sent.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// A request for error messages: method, path and host; no query.
    pub(crate) fn request_name(&self, method: &str, url: &Url) -> String {
        format!("{method} {} at {}", url.path(), self.server.host())
    }

    /// Posts a form that includes the client's id and secret (RFC 6749, section 2.3.1: credentials
    /// in the body, which every version of the server accepts).
    pub(crate) async fn post(&self, url: Url, form: &[(&str, &str)]) -> Posted {
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(self.urlencoded(form));
        self.send(request).await
    }

    /// The form with the client's credentials.
    fn urlencoded(&self, form: &[(&str, &str)]) -> String {
        Serializer::new(String::new())
            .extend_pairs(form)
            .append_pair("client_id", &self.app.client_id)
            .append_pair("client_secret", self.app.client_secret.expose())
            .finish()
    }

    /// Sends a GET request, with a bearer token (RFC 6750, section 2.1) if one is given.
    pub(crate) async fn get(&self, url: Url, bearer: Option<&Secret>) -> Posted {
        let mut request = self.http.get(url).header(ACCEPT, "application/json");
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer.expose());
        }
        self.send(request).await
    }

    /// Sends a request within the time limit.
    async fn send(&self, request: reqwest::RequestBuilder) -> Posted {
        let answered = ANSWER_LIMIT.limit(self.answer(request)).await;
        answered.unwrap_or(Posted::Lost("no answer in time"))
    }

    /// Sends a request and reads the complete answer.
    async fn answer(&self, request: reqwest::RequestBuilder) -> Posted {
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return match self.server.unreachable(&error) {
                    Some(unreachable) => Posted::NotSent(unreachable),
                    None if error.is_timeout() => Posted::Lost("no answer in time"),
                    None => Posted::Lost("the connection broke before the answer"),
                };
            }
        };
        let status = response.status().as_u16();
        let header = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let retry_after = header(RETRY_AFTER);
        let content_type = header(CONTENT_TYPE).as_deref().and_then(media_type);
        let location = header(reqwest::header::LOCATION);
        let mut body = Zeroizing::new(Vec::new());
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_BODY => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Posted::Lost("the answer was far too long"),
                Ok(None) => break,
                Err(_) => return Posted::Lost("the answer was cut short"),
            }
        }
        Posted::Answer(Answer {
            status,
            content_type,
            retry_after,
            location,
            body,
        })
    }
}

/// A known media type; all others become one phrase.
fn media_type(header: &str) -> Option<&'static str> {
    const KNOWN: [&str; 8] = [
        "application/json",
        "application/fhir+json",
        "application/problem+json",
        "application/xml",
        "application/octet-stream",
        "text/html",
        "text/plain",
        "text/xml",
    ];
    let media_type = header.split(';').next().unwrap_or_default().trim();
    KNOWN
        .into_iter()
        .find(|known| media_type.eq_ignore_ascii_case(known))
        .or((!media_type.is_empty()).then_some("another content type"))
}
