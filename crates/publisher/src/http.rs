//! How stores are reached: which servers claims may be sent to, by which client, and how often again.

use std::time::Duration;

use futures_util::future::BoxFuture;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::{BackoffConfig, RetryConfig};
use url::{Host, Url};

use crate::error::{PublishError, Result};

/// Whether an endpoint, which a variable names, is on this machine.
///
/// # Errors
/// It is not a URL of a server, or is reached without TLS and is not on this machine.
pub(crate) fn is_loopback(variable: &str, endpoint: &str) -> Result<bool> {
    let wrong = |words: &str| Err(PublishError::Setting(format!("{variable}: {words}")));
    let Ok(url) = Url::parse(endpoint) else {
        return wrong("it is not a URL");
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return wrong("it may only name a server");
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return wrong("it has no server"),
    };
    match url.scheme() {
        "https" => Ok(is_loopback),
        "http" if is_loopback => Ok(true),
        "http" => {
            wrong("claims are not sent without TLS: https://, or http:// to this machine only")
        }
        _ => wrong("it begins with https://"),
    }
}

/// How long a store may take to answer, or be silent within its answer.
const ANSWER: Duration = Duration::from_secs(60);

/// The same for a request with much in it. The client's time runs while it is sent: four parts of
/// 8 MiB at once take this long at 0.9 Mbit/s.
const ANSWER_TO_PART: Duration = Duration::from_secs(300);

/// A request with more bytes than this has much in it.
const MUCH: usize = 256 << 10;

pub(crate) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 8,
        // A part that was too slow is tried once more.
        retry_timeout: ANSWER_TO_PART + Duration::from_secs(20),
    }
}

/// TLS by rustls with ring, no redirects; retries are the store's.
#[derive(Debug)]
pub(crate) struct Connector(HttpClient);

impl Connector {
    /// A server of this machine is reached without a proxy.
    ///
    /// # Errors
    /// The certificates that this machine trusts cannot be read.
    pub(crate) fn new(is_local: bool) -> Result<Self> {
        let service = BySize::new(is_local, ANSWER, ANSWER_TO_PART)?;
        Ok(Self(HttpClient::new(service)))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &object_store::ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// Waits longer for the answer to a large request than for that to a small one.
#[derive(Debug)]
struct BySize {
    small: HttpClient,
    large: HttpClient,
}

impl BySize {
    fn new(is_local: bool, small: Duration, large: Duration) -> Result<Self> {
        Ok(Self {
            small: HttpClient::new(http_client(is_local, small)?),
            large: HttpClient::new(http_client(is_local, large)?),
        })
    }
}

impl HttpService for BySize {
    fn call<'s, 'f>(
        &'s self,
        request: HttpRequest,
    ) -> BoxFuture<'f, std::result::Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        let client = match request.body().content_length() > MUCH {
            true => &self.large,
            false => &self.small,
        };
        Box::pin(client.execute(request))
    }
}

fn http_client(is_local: bool, silence: Duration) -> Result<reqwest::Client> {
    // A provider installed earlier in this process is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(silence)
        .user_agent(concat!("claimlake/", env!("CARGO_PKG_VERSION")));
    if is_local {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| {
        PublishError::Setting(
            "the certificates that this machine trusts cannot be read: check SSL_CERT_FILE and \
             SSL_CERT_DIR"
                .to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use object_store::client::{HttpErrorKind, HttpRequest, HttpService as _};

    use super::{BySize, MUCH, is_loopback};

    fn request(port: u16, bytes: usize) -> HttpRequest {
        let mut request = HttpRequest::new(vec![0; bytes].into());
        *request.method_mut() = "PUT".parse().unwrap();
        *request.uri_mut() = format!("http://127.0.0.1:{port}/").parse().unwrap();
        request
    }

    fn wait_for<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(future)
    }

    /// The server takes in the large request and answers it once the small one, which it never
    /// answers, was given up.
    #[test]
    fn a_large_request_may_be_on_its_way_for_longer_than_a_small_one() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let service = BySize::new(true, Duration::from_millis(50), Duration::from_secs(300));
        let service = std::sync::Arc::new(service.unwrap());
        let large = std::sync::Arc::clone(&service);
        let large = std::thread::spawn(move || {
            wait_for(large.call(request(port, MUCH + 1))).map(|answer| answer.status().as_u16())
        });
        let (mut connection, _) = server.accept().unwrap();
        let first = connection.read(&mut [0; 16]).unwrap();
        assert!(first > 0);
        let small = wait_for(service.call(request(port, MUCH)));
        assert_eq!(small.map(drop).unwrap_err().kind(), HttpErrorKind::Timeout);
        let (begun, begins) = channel();
        let mut answering: TcpStream = connection.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut sent = first;
            let mut buffer = vec![0; 64 << 10];
            while sent <= MUCH + 1 {
                match connection.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(more) => sent += more,
                }
            }
            begun.send(()).unwrap();
        });
        begins.recv().unwrap();
        let written = answering.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(large.join().unwrap().map_err(|error| error.kind()), Ok(200));
        written.unwrap();
    }

    #[test]
    fn claims_are_sent_without_tls_to_this_machine_only() {
        for local in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "http://localhost:9000",
        ] {
            assert!(is_loopback("X", local).unwrap(), "{local}");
        }
        assert!(!is_loopback("X", "https://minio.example").unwrap());
        for refused in [
            "http://minio.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "minio:9000",
            "https://key:secret@minio.example",
        ] {
            let words = is_loopback("X", refused).unwrap_err().to_string();
            assert!(words.starts_with("X: "), "{words}");
            assert!(!words.contains("secret"), "{words}");
        }
    }
}
