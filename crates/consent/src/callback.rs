//! The loopback listener that the browser comes back to.

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

/// How long a browser may take to say what it wants.
const FIRST_WORDS: Duration = Duration::from_secs(30);

/// Listens where the `redirect_uri` of the app leads to, on this machine only.
#[derive(Debug)]
pub(crate) struct CallbackListener {
    /// One per loopback address that the URI can mean.
    listeners: Vec<TcpListener>,
    redirect_uri: Url,
}

/// A browser that came back, waiting for the page it will show.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What its address says.
    pub(crate) callback: Result<CallbackKind, ConsentError>,
    /// Takes the page to show; dropped, the address is called unusable.
    pub(crate) page: oneshot::Sender<Page>,
}

impl CallbackListener {
    /// Binds the address of `redirect_uri`. A loopback literal without a port takes any free one:
    /// the server lets every port pass for it, though not for `localhost`.
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

    /// The address to send the browser back to: with the port that was taken.
    pub(crate) fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Answers browsers for as long as it is polled; each that comes back is sent to `visits`.
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

fn port_in_use(port: u16, error: &std::io::Error) -> ConsentError {
    ConsentError::Configuration {
        reason: format!(
            "listening on port {port} for the callback: {error}; end the program that uses the \
             port, register a redirect_uri with another one, or use authorize --start and --finish"
        ),
    }
}

/// What a request must name to be a callback.
struct Expected {
    path: String,
    authority: String,
    visits: mpsc::Sender<Visit>,
}

/// Answers one request of a browser and closes the connection.
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

/// The page for a request.
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

/// Whether a `Host` header names the address that was sent to the browser.
fn same_authority(host: &str, expected: &str) -> bool {
    let without_default = |text: &str| text.strip_suffix(":80").unwrap_or(text).to_lowercase();
    without_default(host) == without_default(expected)
}

impl Page {
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
