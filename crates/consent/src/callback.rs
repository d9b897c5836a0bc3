//! The loopback listener for the redirect of the consent page (RFC 8252, section 7.3): a small HTTP
//! server on 127.0.0.1 or ::1 that accepts one path and shows one page. It listens on this machine
//! only, and refuses requests with another `Host` header (DNS rebinding).

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use url::{Host, Url};

use super::ConsentError;
use super::authorize::{CallbackKind, read_callback};
use super::listen::accept_all;
use super::page::Page;

/// How long a client may take to send its request headers.
const FIRST_WORDS: Duration = Duration::from_secs(30);

/// Listens at the address of the app's `redirect_uri`.
#[derive(Debug)]
pub(crate) struct CallbackListener {
    /// One per loopback address: `localhost` can mean IPv4 or IPv6, and the browser decides.
    listeners: Vec<TcpListener>,
    redirect_uri: Url,
}

/// A request of a browser to the redirect URI, which waits for its page.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What the query of the URL says, or why it is malformed.
    pub(crate) callback: Result<CallbackKind, ConsentError>,
    /// Receives the page to show. If it is dropped, the browser is shown that the address cannot be
    /// used.
    pub(crate) page: oneshot::Sender<Page>,
}

impl CallbackListener {
    /// Binds the address of `redirect_uri`. An IP literal without a port gets any free port, since
    /// the server accepts every port for it (RFC 8252, section 7.3), but not for `localhost`.
    ///
    /// # Errors
    ///
    /// The URI does not lead to this machine by plain http, or the port is in use.
    pub(crate) async fn bind(redirect_uri: &str) -> Result<Self, ConsentError> {
        let wrong = |reason: &str| ConsentError::Configuration {
            reason: format!(
                "redirect_uri {reason}: a one-step authorize needs http://127.0.0.1:PORT/PATH as \
                 registered; for any other address use authorize --start and --finish"
            ),
        };
        let mut url = Url::parse(redirect_uri).map_err(|_| wrong("is not a URL"))?;
        if url.scheme() != "http" {
            return Err(wrong("is not plain http"));
        }
        let addresses: &[IpAddr] = match url.host() {
            Some(Host::Ipv4(Ipv4Addr::LOCALHOST)) => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
            Some(Host::Ipv6(Ipv6Addr::LOCALHOST)) => &[IpAddr::V6(Ipv6Addr::LOCALHOST)],
            // Browsers take either.
            Some(Host::Domain("localhost")) => &[
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
            _ => return Err(wrong("does not lead to this machine")),
        };
        let is_literal = !matches!(url.host(), Some(Host::Domain(_)));
        let port = match url.port() {
            Some(port) => port,
            None if is_literal => 0,
            None => 80,
        };
        let mut listeners = Vec::new();
        for address in addresses {
            match TcpListener::bind(SocketAddr::new(*address, port)).await {
                Ok(listener) => listeners.push(listener),
                // A machine without IPv6 still has the first.
                Err(_) if !listeners.is_empty() => {}
                Err(error) => return Err(port_in_use(port, &error)),
            }
        }
        if port == 0
            && let Some(bound) = listeners.first().and_then(|first| first.local_addr().ok())
        {
            let _ = url.set_port(Some(bound.port()));
        }
        Ok(Self {
            listeners,
            redirect_uri: url,
        })
    }

    /// The redirect URI with the port that was bound.
    pub(crate) fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Answers browsers for as long as it is polled, and sends each valid request to `visits`.
    pub(crate) async fn serve(&self, visits: mpsc::Sender<Visit>) {
        let expected = Arc::new(Expected {
            path: self.redirect_uri.path().to_owned(),
            authority: self.redirect_uri.authority().to_owned(),
            visits,
        });
        let accepting = self.listeners.iter().map(|listener| {
            let expected = Arc::clone(&expected);
            Box::pin(accept_all(
                || listener.accept(),
                move |(stream, _)| {
                    tokio::spawn(converse(stream, Arc::clone(&expected)));
                },
            ))
        });
        futures_util::future::join_all(accepting).await;
    }
}

/// The error for a port that cannot be bound.
fn port_in_use(port: u16, error: &std::io::Error) -> ConsentError {
    ConsentError::Configuration {
        reason: format!(
            "listening on port {port} for the callback: {error}; end the program that uses the \
             port, register a redirect_uri with another one, or use authorize --start and --finish"
        ),
    }
}

/// What a request must match to be a callback.
struct Expected {
    path: String,
    authority: String,
    visits: mpsc::Sender<Visit>,
}

/// Answers one request and closes the connection.
async fn converse(stream: TcpStream, expected: Arc<Expected>) {
    let service = service_fn(move |request| {
        let expected = Arc::clone(&expected);
        async move { Ok::<_, Infallible>(answer(&request, &expected).await.response()) }
    });
    // A browser that breaks off has no page to be shown.
    let _ = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        // Whoever connects and says nothing does not keep a descriptor for ever.
        .timer(TokioTimer::new())
        .header_read_timeout(FIRST_WORDS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The page for a request. Waits until the authorization has decided what it is.
async fn answer(request: &Request<Incoming>, expected: &Expected) -> Page {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    // A page of another site can make a browser ask here under a name of its own.
    if host.is_none_or(|host| !same_authority(host, &expected.authority)) {
        return Page::Elsewhere;
    }
    if request.uri().path() != expected.path || request.method() != Method::GET {
        return Page::Elsewhere;
    }
    let query = request.uri().query().unwrap_or_default();
    let callback = read_callback(&format!("?{query}"));
    let (page, shown) = oneshot::channel();
    if expected
        .visits
        .send(Visit { callback, page })
        .await
        .is_err()
    {
        return Page::Unusable;
    }
    shown.await.unwrap_or(Page::Unusable)
}

/// Whether a `Host` header names the bound address. Port 80 may be left out (RFC 9110, section
/// 7.2).
fn same_authority(host: &str, expected: &str) -> bool {
    let without_default = |text: &str| text.strip_suffix(":80").unwrap_or(text).to_lowercase();
    without_default(host) == without_default(expected)
}

impl Page {
    /// The page as an HTTP response that is neither cached nor framed, and sends no referrer: its
    /// URL contains a code.
    fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.html())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            ),
        ] {
            headers.insert(name, hyper::header::HeaderValue::from_static(value));
        }
        response
    }
}
