//! The registered app, and the URLs of the endpoints. The only place where URLs of the server are
//! built: each consists of the configured base URL and a fixed path, so a token cannot be sent
//! anywhere else.

use claimlake_contract::{ApiVersion, Secret};
use url::{Host, Url};

use super::ConsentError;

/// An app as registered at the server, and where the server is.
#[derive(Debug, Clone)]
pub struct App {
    base_url: Url,
    /// The client identifier (RFC 6749, section 2.2); not secret.
    pub client_id: String,
    /// The client secret (RFC 6749, section 2.3.1).
    pub client_secret: Secret,
}

impl App {
    /// An app at the server of `base_url`, such as `https://sandbox.bluebutton.cms.gov`.
    ///
    /// # Errors
    /// Where the URL is none, carries user information, or is plain http to anything but loopback.
    pub fn new(
        base_url: &str,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Result<Self, ConsentError> {
        let wrong = |reason: &str| ConsentError::Configuration {
            reason: format!("base_url {reason}"),
        };
        let base_url = Url::parse(base_url).map_err(|_| wrong("is not a URL"))?;
        if !base_url.username().is_empty() || base_url.password().is_some() {
            return Err(wrong("carries a user name or password"));
        }
        match base_url.scheme() {
            "https" => {}
            "http" if is_loopback(&base_url) => {}
            "http" => return Err(wrong("is plain http: that is allowed to loopback only")),
            _ => return Err(wrong("is neither https nor http")),
        }
        Ok(Self {
            base_url,
            client_id: client_id.into(),
            client_secret,
        })
    }

    /// The server's origin.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// A URL of the server; `path` begins with a slash.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!(
            "{}{path}",
            self.base_url.path().trim_end_matches('/')
        ));
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    // POSTs go to the slashed forms: without the slash some are answered by a redirect, which
    // turns a POST into a GET that does nothing.

    /// The authorization endpoint (RFC 6749, section 3.1).
    pub(crate) fn authorize_url(&self, api: ApiVersion) -> Url {
        self.url(&format!("/{api}/o/authorize/"))
    }

    /// The token endpoint (RFC 6749, section 3.2).
    pub(crate) fn token_url(&self, api: ApiVersion) -> Url {
        self.url(&format!("/{api}/o/token/"))
    }

    /// The endpoint that ends a grant and all of its tokens; an extension of Blue Button.
    pub(crate) fn revoke_url(&self, api: ApiVersion) -> Url {
        self.url(&format!("/{api}/o/revoke/"))
    }

    /// Revokes one token (RFC 7009).
    pub(crate) fn revoke_token_url(&self, api: ApiVersion) -> Url {
        self.url(&format!("/{api}/o/revoke_token/"))
    }

    /// The userinfo endpoint (OpenID Connect Core, section 5.3): which patient a token belongs to.
    pub(crate) fn userinfo_url(&self, api: ApiVersion) -> Url {
        self.url(&format!("/{api}/connect/userinfo"))
    }

    /// The first page of a FHIR search for all resources of this type that the token may read.
    pub(crate) fn search_url(&self, api: ApiVersion, resource: &str) -> Url {
        self.url(&format!("/{api}/fhir/{resource}"))
    }
}

/// Whether a URL can only lead to this machine. `localhost` counts by name; other names that
/// resolve to 127.0.0.1 do not.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, Secret};

    use super::App;

    #[test]
    fn plain_http_is_taken_to_loopback_only() {
        for good in [
            "https://api.bluebutton.cms.gov",
            "http://127.0.0.1:8380",
            "http://[::1]:8380/",
            "http://localhost:8380",
        ] {
            assert!(App::new(good, "id", Secret::new("x")).is_ok(), "{good}");
        }
        for bad in [
            "http://api.bluebutton.cms.gov",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "https://user:word@api.bluebutton.cms.gov",
            "ftp://127.0.0.1",
            "api.bluebutton.cms.gov",
        ] {
            assert!(App::new(bad, "id", Secret::new("x")).is_err(), "{bad}");
        }
    }

    #[test]
    fn posts_go_to_slashed_urls() {
        let app = App::new("http://127.0.0.1:8380/", "id", Secret::new("x")).unwrap();
        for url in [
            app.token_url(ApiVersion::V3),
            app.revoke_url(ApiVersion::V2),
            app.revoke_token_url(ApiVersion::V2),
        ] {
            assert!(url.as_str().ends_with('/'), "{url}");
        }
    }
}
