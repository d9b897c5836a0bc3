//! The settings that all HTTP clients of this project share, for OAuth and for FHIR.

use reqwest::ClientBuilder;
use url::Url;

use crate::app::is_loopback;
use crate::transport_error::no_client;

/// A client for the server at `base_url`, with `further` settings: TLS by rustls with ring, no
/// redirects, no automatic retries (the caller decides), plain http to loopback only, and no proxy
/// there.
///
/// # Errors
///
/// The configured certificates cannot be read; the text names the variable to check.
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
