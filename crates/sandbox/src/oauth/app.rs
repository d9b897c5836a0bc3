//! Registered apps: credentials, redirect rules, what they may ask for.

use std::collections::BTreeSet;

use url::Url;

use crate::oauth::scope;
use crate::random::Random;

/// How long an app may read a patient's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessType {
    ThirteenMonth,
    OneTime,
    ResearchStudy,
}

impl AccessType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AccessType::ThirteenMonth => "THIRTEEN_MONTH",
            AccessType::OneTime => "ONE_TIME",
            AccessType::ResearchStudy => "RESEARCH_STUDY",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::ThirteenMonth, Self::OneTime, Self::ResearchStudy]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

/// The redirect URIs of an app.
#[derive(Debug, Clone)]
pub(crate) enum RedirectRule {
    /// Plain http to the machine itself, any port and path: what every local client uses.
    AnyLoopback,
    /// Scheme, host, port and path as registered; on a loopback address registered without a
    /// port, any port.
    Exactly(Url),
}

impl RedirectRule {
    fn allows(&self, candidate: &Url) -> bool {
        let registered = match self {
            RedirectRule::AnyLoopback => {
                return candidate.scheme() == "http"
                    && matches!(
                        candidate.host_str(),
                        Some("127.0.0.1" | "[::1]" | "localhost")
                    );
            }
            RedirectRule::Exactly(registered) => registered,
        };
        let relaxed_port = registered.scheme() == "http"
            && matches!(registered.host_str(), Some("127.0.0.1" | "[::1]"))
            && registered.port().is_none();
        let asked: BTreeSet<_> = candidate.query_pairs().collect();
        registered.scheme() == candidate.scheme()
            && registered.host_str() == candidate.host_str()
            && (relaxed_port || registered.port() == candidate.port())
            && registered.path() == candidate.path()
            && registered.query_pairs().all(|pair| asked.contains(&pair))
    }
}

/// One registered app.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redirects: Vec<RedirectRule>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) access: AccessType,
    pub(crate) active: bool,
    /// Part D events only (v3); refuses v2 claims.
    pub(crate) part_d_only: bool,
    pub(crate) credentials_only: bool,
}

impl App {
    /// An app with everything allowed, its credentials taken from `random`.
    pub(crate) fn new(name: &str, access: AccessType, random: &mut Random) -> Self {
        Self {
            name: name.to_owned(),
            client_id: random.alphanumeric(40),
            client_secret: random.alphanumeric(128),
            redirects: vec![RedirectRule::AnyLoopback],
            scopes: scope::every_default(),
            access,
            active: true,
            part_d_only: false,
            credentials_only: false,
        }
    }

    /// Whether the app may be sent back to `uri`.
    pub(crate) fn allows_redirect(&self, uri: &str) -> bool {
        Url::parse(uri).is_ok_and(|candidate| {
            candidate.fragment().is_none()
                && self.redirects.iter().any(|rule| rule.allows(&candidate))
        })
    }

    /// The redirect URI of a request that names none.
    pub(crate) fn default_redirect(&self) -> Option<String> {
        self.redirects.iter().find_map(|rule| match rule {
            RedirectRule::Exactly(uri) => Some(uri.to_string()),
            RedirectRule::AnyLoopback => None,
        })
    }

    /// What the real server says of an app that was switched off.
    pub(crate) fn inactive_text(&self) -> String {
        self.refusal_text("is temporarily inactive")
    }

    /// What the real server says of an app that v3 is not open to yet.
    pub(crate) fn no_v3_text(&self) -> String {
        self.refusal_text("does not yet have access to v3 endpoints")
    }

    fn refusal_text(&self, why: &str) -> String {
        format!(
            "This application, {}, {why}. If you are the app maintainer, please contact the Blue \
             Button API team. If you are a Medicare Beneficiary and need assistance, please contact \
             the support team for the application you are trying to access.",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessType, App, RedirectRule};
    use crate::random::Random;

    fn app(rule: &str) -> App {
        let mut app = App::new("app", AccessType::ThirteenMonth, &mut Random::seeded(1));
        app.redirects = vec![RedirectRule::Exactly(rule.parse().unwrap())];
        app
    }

    #[test]
    fn a_loopback_registered_without_port_matches_any_port_but_localhost_does_not() {
        assert!(app("http://127.0.0.1/cb").allows_redirect("http://127.0.0.1:9999/cb"));
        assert!(!app("http://localhost/cb").allows_redirect("http://localhost:9999/cb"));
        assert!(!app("http://127.0.0.1/cb").allows_redirect("http://127.0.0.1:9999/other"));
    }

    #[test]
    fn a_query_beyond_the_registered_one_is_allowed() {
        let app = app("https://app.example/cb?a=1");
        assert!(app.allows_redirect("https://app.example/cb?a=1&b=2"));
        assert!(!app.allows_redirect("https://app.example/cb?b=2"));
    }

    #[test]
    fn credentials_have_the_lengths_of_the_real_service() {
        let app = app("http://127.0.0.1/cb");
        assert_eq!((app.client_id.len(), app.client_secret.len()), (40, 128));
    }
}
