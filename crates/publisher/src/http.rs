//! How stores are reached: which servers claims may be sent to, by which client, and how often again.

use std::time::Duration;

use object_store::client::{HttpClient, HttpConnector};
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

pub(crate) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 8,
        retry_timeout: Duration::from_secs(120),
    }
}

/// TLS by rustls with ring, no redirects; retries are the store's.
#[derive(Debug)]
pub(crate) struct Connector(reqwest::Client);

impl Connector {
    /// A server of this machine is reached without a proxy.
    ///
    /// # Errors
    /// The certificates that this machine trusts cannot be read.
    pub(crate) fn new(is_local: bool) -> Result<Self> {
        http_client(is_local).map(Self)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &object_store::ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

fn http_client(is_local: bool) -> Result<reqwest::Client> {
    // A provider installed earlier in this process is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
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
    use super::is_loopback;

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
