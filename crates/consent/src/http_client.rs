//! What every HTTP client of this project has in common.

use reqwest::ClientBuilder;
use url::Url;

use crate::app::is_loopback;
use crate::transport_error::no_client;

/// A client for the server at `base_url`, with `further` settings: TLS by ring, no redirects, no
/// retries that its user does not decide about, plain http to loopback only, and no proxy there.
///
/// # Errors
///
/// Certificates that cannot be read, in words that name the variable to look at.
pub fn http_client(
    base_url: &Url,
    further: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<reqwest::Client, String> {
    // A provider installed earlier in this process is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let loopback = is_loopback(base_url);
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .https_only(!loopback)
        .user_agent(concat!("claimlake/", env!("CARGO_PKG_VERSION")));
    if base_url.scheme() == "http" {
        // Reading the system's certificates takes longer than a request, and none is used.
        builder = builder.tls_certs_only([]);
    }
    if loopback {
        builder = builder.no_proxy();
    }
    further(builder).build().map_err(no_client)
}
