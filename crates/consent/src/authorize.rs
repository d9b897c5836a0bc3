//! The authorization request (RFC 6749, section 4.1.1) with PKCE (RFC 7636, method S256), and
//! reading the redirect that answers it (section 4.1.2).
//!
//! The state and the code verifier are stored encrypted in the vault, so that another process, also
//! after a restart, can finish what one has started.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, ResourceType, Secret};
use claimlake_vault::{PendingAuthorization, Vault};
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use url::Url;

use super::ConsentError;
use super::app::App;
use super::scopes::scopes_for;

/// What a consent is requested for.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// The version whose id space the grant will be in.
    pub api: ApiVersion,
    /// The registered redirect URI. The server compares it character by character (RFC 6749,
    /// section 3.1.2.3).
    pub redirect_uri: String,
    /// The resource types to read. The scopes are derived from them, since the server refuses any
    /// scope that an app is not registered for.
    pub resources: Vec<ResourceType>,
    /// The language of the consent page, `en` or `es`.
    pub lang: Option<String>,
    /// The app's own identifier of the person, stored with the grant.
    pub external_id: Option<String>,
    /// Whether a patient who was forgotten here may be stored again with this consent.
    pub again: bool,
}

impl AuthorizeRequest {
    /// All that claimlake can read, for one version and redirect address.
    #[must_use]
    pub fn new(api: ApiVersion, redirect_uri: impl Into<String>) -> Self {
        Self {
            api,
            redirect_uri: redirect_uri.into(),
            resources: vec![
                ResourceType::patient(),
                ResourceType::coverage(),
                ResourceType::explanation_of_benefit(),
            ],
            lang: None,
            external_id: None,
            again: false,
        }
    }
}

/// An authorization that has begun.
#[derive(Debug, Clone)]
pub struct StartedAuthorization {
    /// The consent page to open in the person's browser.
    pub url: Url,
    /// The value that binds the redirect to this request (RFC 6749, section 10.12).
    pub state: Secret,
}

/// Starts an authorization: creates state and code verifier, stores them in the vault, and returns
/// the URL of the consent page. Nothing is sent.
///
/// # Errors
///
/// `redirect_uri` is not a URL, a resource type has no scope, or the vault cannot be
/// written.
pub fn start(
    app: &App,
    vault: &Vault,
    request: &AuthorizeRequest,
    now: DateTime<Utc>,
) -> Result<StartedAuthorization, ConsentError> {
    let wrong = |what: &str| ConsentError::Configuration {
        reason: format!("{what} is not a URL"),
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = BasicClient::new(ClientId::new(app.client_id.clone()))
        .set_auth_uri(
            AuthUrl::new(app.authorize_url(request.api).into()).map_err(|_| wrong("base_url"))?,
        )
        .set_redirect_uri(
            RedirectUrl::new(request.redirect_uri.clone()).map_err(|_| wrong("redirect_uri"))?,
        );
    let scopes = scopes_for(&request.resources)?.into_iter().map(Scope::new);
    // 32 bytes: the server asks for 16 characters or more.
    let mut url_request = client
        .authorize_url(|| CsrfToken::new_random_len(32))
        .add_scopes(scopes)
        .set_pkce_challenge(challenge);
    if let Some(lang) = &request.lang {
        url_request = url_request.add_extra_param("lang", lang.clone());
    }
    let (url, state) = url_request.url();
    let state = Secret::new(state.into_secret());
    vault.begin_authorization(
        &state,
        &PendingAuthorization {
            api: request.api,
            redirect_uri: request.redirect_uri.clone(),
            code_verifier: Secret::new(verifier.into_secret()),
            external_id: request.external_id.clone(),
            again: request.again,
            created_at: now,
        },
    )?;
    Ok(StartedAuthorization { url, state })
}

/// What the browser brought back.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The state of the request that this answers.
    pub state: Secret,
    /// The code, or what the server said instead.
    pub outcome: CallbackOutcome,
}

/// The code, or what the server said instead.
#[derive(Debug, Clone)]
pub enum CallbackOutcome {
    /// The person agreed. The code can be exchanged once, within 60 seconds.
    Code(Secret),
    /// The person chose not to share (`access_denied`).
    Denied,
    /// The server refuses the request itself, for example a scope that the app is not registered
    /// for.
    Refused(ServerError),
}

/// An error code of the server, reduced to letters, digits and underscores: it is shown on a
/// terminal, and anybody can call the redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError(pub(crate) String);

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The meaning of a callback URL.
#[derive(Debug, Clone)]
pub enum CallbackKind {
    /// The answer to an authorization request.
    Answer(Callback),
    /// The background call `?error=not_found` of the server's "person not found" page.
    PersonNotFound,
    /// It has no parameters: opened by hand, or copied incompletely.
    Empty,
    /// It has an error but no state, so it cannot be matched with a request.
    OnlyError(ServerError),
}

/// Reads a callback URL, or the part that begins with `?`. It does not check whether the state
/// belongs to a request.
///
/// # Errors
///
/// [`ConsentError::Callback`] if the URL is malformed: a code without a state, a code and
/// an error, or a parameter that occurs twice (RFC 6749, section 3.1).
pub fn read_callback(text: &str) -> Result<CallbackKind, ConsentError> {
    let wrong = |reason: &str| ConsentError::Callback {
        reason: reason.into(),
    };
    let text = text.trim().trim_matches(['"', '\'']);
    let query = text
        .split_once('?')
        .map(|(_, query)| query)
        .ok_or_else(|| {
            wrong("the callback URL has no query: copy it whole, from http to its end")
        })?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let one = |name: &str| -> Result<Option<String>, ConsentError> {
        let mut values = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        let first = values.next().filter(|value| !value.is_empty());
        match values.next() {
            None => Ok(first),
            Some(_) => Err(wrong("the callback URL names a parameter twice")),
        }
    };
    let (code, error) = (one("code")?, one("error")?);
    let Some(state) = one("state")?.map(Secret::new) else {
        return match (code, error.as_deref()) {
            (Some(_), _) => Err(wrong(
                "the callback URL has a code but no state: it answers no request made here",
            )),
            (None, None) => Ok(CallbackKind::Empty),
            (None, Some("not_found")) => Ok(CallbackKind::PersonNotFound),
            (None, Some(error)) => Ok(CallbackKind::OnlyError(ServerError(clean(error)))),
        };
    };
    let outcome = match (code, error.as_deref()) {
        (Some(code), None) => CallbackOutcome::Code(Secret::new(code)),
        (None, Some("access_denied")) => CallbackOutcome::Denied,
        (None, Some(error)) => CallbackOutcome::Refused(ServerError(clean(error))),
        (Some(_), Some(_)) => return Err(wrong("the callback URL has both a code and an error")),
        (None, None) => return Err(wrong("the callback URL has neither a code nor an error")),
    };
    Ok(CallbackKind::Answer(Callback { state, outcome }))
}

/// Reduces an error code to what can safely be shown.
fn clean(word: &str) -> String {
    let cleaned: String = word
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(40)
        .collect();
    if cleaned.is_empty() {
        "unnamed_error".into()
    } else {
        cleaned
    }
}

#[cfg(test)]
mod tests;
