//! `authorize` in one step: listens, sends the person to the consent page, receives the redirect,
//! and stores the grant. Also the second of two steps, for a redirect that arrived elsewhere.

use std::time::Duration;

use chrono::{DateTime, Utc};
use claimlake_contract::Secret;
use claimlake_vault::{AccessAction, Grant, GrantChange, Stored, Vault};
use tokio::sync::mpsc;
use url::Url;

use super::authorize::{
    AuthorizeRequest, Callback, CallbackKind, CallbackOutcome, StartedAuthorization, read_callback,
    start,
};
use super::broker::BrokerClient;
use super::callback::{CallbackListener, Visit};
use super::page::Page;
use super::{App, ConsentError};

/// What the browser may show instead of coming back, and what each page means. Most errors of the
/// authorization server never reach the redirect URI (RFC 6749, section 4.1.2.1).
pub const BROWSER_PAGES: &[(&str, &str)] = &[
    (
        "\"Missing Required Parameter(s)\" or \"State parameter\" (400)",
        "the URL was cut off: copy it whole, from https to its end",
    ),
    (
        "a page titled 401 or 400 with no more words",
        "the server does not know the client_id: check the variable that client_id_env names, and \
         base_url (sandbox and production have different ones)",
    ),
    (
        "\"Invalid scopes.\" (400)",
        "the app is not registered for all that [source] resources asks for: take out what it may \
         not have (an app without demographic data: \"Patient\")",
    ),
    (
        "a 400 page after the login",
        "redirect_uri is not registered letter for letter: scheme, host, port, path, slash",
    ),
    (
        "\"temporarily inactive\" (403)",
        "the app is switched off at the server: ask the Blue Button team",
    ),
    (
        "\"Unable to verify permission\" (403)",
        "the app may not use this API version yet: set source.api to v2",
    ),
    (
        "\"Not found\" after a long pause (404)",
        "the consent page lives for ten minutes: begin again",
    ),
    (
        "a page that says your data could not be found (404)",
        "the person can log in but has no data: nothing to be done here",
    ),
    (
        "a 409 or 502 page",
        "the server cannot look the person up now: try again later",
    ),
    (
        "the browser cannot connect to 127.0.0.1",
        "the browser runs on another machine than claimlake: use authorize --start and --finish",
    ),
];

/// How long to wait, and for what.
#[derive(Debug, Clone)]
pub struct OneStep {
    /// What to ask for; its `redirect_uri` must lead to this machine.
    pub request: AuthorizeRequest,
    /// When to report what a browser that has not come back may be showing.
    pub hint_after: Duration,
    /// When to give up.
    pub give_up_after: Duration,
}

impl OneStep {
    /// A hint after 30 seconds. The end comes after 15 minutes: a consent page is valid for ten
    /// minutes, and the login takes time.
    #[must_use]
    pub fn new(request: AuthorizeRequest) -> Self {
        Self {
            request,
            hint_after: Duration::from_secs(30),
            give_up_after: Duration::from_secs(900),
        }
    }
}

/// What happens during a one-step authorization, reported at once so that it can be shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthorizeEvent<'a> {
    /// The person's browser must go to `url`. It will come back to `redirect_uri`, which must be
    /// registered exactly like this, except for a port that was chosen freely.
    Url {
        /// The consent page.
        url: &'a Url,
        /// What must be registered.
        redirect_uri: &'a str,
    },
    /// No browser has come back for a while: time to show [`BROWSER_PAGES`].
    StillWaiting,
    /// The server has no data of the person; the browser shows this as well.
    PersonNotFound,
    /// A callback for another request was received and refused.
    StrayCallback,
    /// A callback without parameters, or with an error only, was received: it belongs to no
    /// request.
    EmptyCallback {
        /// The server's error word, where there is one.
        error: Option<&'a str>,
    },
    /// The time is over, but the person has come back: the exchange that has begun is waited for.
    Finishing,
}

/// A grant that was stored.
#[derive(Debug, Clone)]
pub struct Authorized {
    /// The grant as it is now.
    pub grant: Grant,
    /// Whether it is new, or renews another one.
    pub change: GrantChange,
}

/// Runs an authorization from the URL to the stored grant. `tell` shows the URL, or opens it.
///
/// # Errors
/// [`ConsentError::Configuration`] where the port is in use or the server refuses the request,
/// [`ConsentError::Declined`] where the person says no, [`ConsentError::TimedOut`].
pub async fn authorize(
    app: &App,
    vault: &Vault,
    broker: &BrokerClient,
    one_step: &OneStep,
    now: DateTime<Utc>,
    tell: impl Fn(AuthorizeEvent<'_>),
) -> Result<Authorized, ConsentError> {
    // The port first: without it there is nothing to begin.
    let listener = CallbackListener::bind(&one_step.request.redirect_uri).await?;
    let mut request = one_step.request.clone();
    if listener.redirect_uri().port() != port_of(&request.redirect_uri) {
        request.redirect_uri = listener.redirect_uri().to_string();
    }
    let started = start(app, vault, &request, now)?;
    tell(AuthorizeEvent::Url {
        url: &started.url,
        redirect_uri: &one_step.request.redirect_uri,
    });
    let (visits, mut visitors) = mpsc::channel(8);
    let waiting = async {
        let hint = tokio::time::sleep(one_step.hint_after);
        let give_up = tokio::time::sleep(one_step.give_up_after);
        tokio::pin!(hint, give_up);
        let mut hinted = false;
        loop {
            let visit = tokio::select! {
                () = &mut hint, if !hinted => {
                    hinted = true;
                    tell(AuthorizeEvent::StillWaiting);
                    continue;
                }
                () = &mut give_up => return Err(timed_out()),
                Some(visit) = visitors.recv() => visit,
            };
            let received = receive(visit, &started, broker, &tell);
            tokio::pin!(received);
            // The time is for the person to come back. Once the code is with the broker, its answer
            // is waited for: a consent that is stored is not to be called a failure.
            let outcome = tokio::select! {
                biased;
                outcome = &mut received => outcome,
                () = &mut give_up => {
                    tell(AuthorizeEvent::Finishing);
                    match received.await {
                        None => return Err(timed_out()),
                        outcome => outcome,
                    }
                }
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    };
    let outcome = tokio::select! {
        // What has come is dealt with before the time is up, however late this is looked at.
        biased;
        outcome = waiting => outcome,
        () = listener.serve(visits) => Err(timed_out()),
    };
    // The page that says how it went is still on its way to the browser.
    tokio::time::sleep(PAGE_GRACE).await;
    authorized(vault, &or_stored_meanwhile(vault, &started.state, outcome)?)
}

/// After an error that says nothing about the outcome, looks into the vault: the broker, or another
/// process, may have stored the consent nevertheless.
fn or_stored_meanwhile(
    vault: &Vault,
    state: &Secret,
    outcome: Result<Stored, ConsentError>,
) -> Result<Stored, ConsentError> {
    let error = match outcome {
        Err(error) if is_silence(&error) => error,
        outcome => return outcome,
    };
    if let Some((stored, _)) = vault.finished(state)? {
        return Ok(stored);
    }
    if let ConsentError::TimedOut { .. } = error {
        return Err(error);
    }
    Err(ConsentError::Broker {
        reason: match vault.is_pending(state)? {
            true => format!("{error}; no consent was stored: begin again with authorize"),
            false => format!(
                "{error}; the consent is not stored yet and may still be, where the broker goes \
                 on: `claimlake grants list` shows it then"
            ),
        },
    })
}

/// Whether the error says nothing about the outcome.
fn is_silence(error: &ConsentError) -> bool {
    matches!(
        error,
        ConsentError::Broker { .. }
            | ConsentError::Unavailable { .. }
            | ConsentError::Stopped
            | ConsentError::TimedOut { .. }
    )
}

/// Records the access and returns the grant.
fn authorized(vault: &Vault, stored: &Stored) -> Result<Authorized, ConsentError> {
    let grant = vault.grant(&stored.handle)?;
    vault
        .access_log()
        .append("authorize", AccessAction::Authorized, &[&grant])?;
    Ok(Authorized {
        grant,
        change: stored.change,
    })
}

/// Time for the last page to reach the browser before the process ends.
const PAGE_GRACE: Duration = Duration::from_millis(150);

/// Nobody came back.
fn timed_out() -> ConsentError {
    ConsentError::TimedOut {
        reason: "nobody came back from the consent page in time: begin again with authorize; \
                 where the browser is on another machine, use authorize --start and --finish"
            .into(),
    }
}

fn port_of(redirect_uri: &str) -> Option<u16> {
    Url::parse(redirect_uri).ok()?.port()
}

/// Handles a visit of the browser; `None` if the wait continues.
async fn receive(
    visit: Visit,
    started: &StartedAuthorization,
    broker: &BrokerClient,
    tell: &impl Fn(AuthorizeEvent<'_>),
) -> Option<Result<Stored, ConsentError>> {
    let show = |page| {
        // If the browser has disconnected, the page is not needed.
        let _ = visit.page.send(page);
    };
    let callback = match visit.callback {
        Ok(CallbackKind::Answer(callback)) if callback.state == started.state => callback,
        Ok(CallbackKind::Answer(_)) => {
            tell(AuthorizeEvent::StrayCallback);
            show(Page::OtherRequest);
            return None;
        }
        Ok(CallbackKind::PersonNotFound) => {
            tell(AuthorizeEvent::PersonNotFound);
            show(Page::NotFound);
            return None;
        }
        Ok(CallbackKind::Empty) => {
            tell(AuthorizeEvent::EmptyCallback { error: None });
            show(Page::Unusable);
            return None;
        }
        Ok(CallbackKind::OnlyError(error)) => {
            tell(AuthorizeEvent::EmptyCallback {
                error: Some(&error.0),
            });
            show(Page::Unusable);
            return None;
        }
        Err(_) => {
            tell(AuthorizeEvent::StrayCallback);
            show(Page::Unusable);
            return None;
        }
    };
    let page_of_failure = match callback.outcome {
        CallbackOutcome::Code(_) => Page::Failed,
        CallbackOutcome::Denied => Page::Declined,
        CallbackOutcome::Refused(_) => Page::Refused,
    };
    let outcome = broker.finish_authorization(callback).await;
    show(if outcome.is_ok() {
        Page::Connected
    } else {
        page_of_failure
    });
    Some(outcome)
}

/// The second of two steps: takes the address that the browser was sent to, from any process.
///
/// # Errors
/// [`ConsentError::Callback`] where it is none, or answers no authorization begun here;
/// [`ConsentError::Declined`] where the person said no.
pub async fn finish(
    vault: &Vault,
    broker: &BrokerClient,
    callback_url: &str,
) -> Result<Authorized, ConsentError> {
    let callback: Callback = match read_callback(callback_url)? {
        CallbackKind::Answer(callback) => callback,
        kind => {
            return Err(ConsentError::Callback {
                reason: answers_nothing(&kind),
            });
        }
    };
    let state = callback.state.clone();
    let outcome = broker.finish_authorization(callback).await;
    authorized(vault, &or_stored_meanwhile(vault, &state, outcome)?)
}

/// Why a callback URL belongs to no request.
fn answers_nothing(kind: &CallbackKind) -> String {
    match kind {
        CallbackKind::PersonNotFound => {
            "the server says that it has no data of the person who logged in (error=not_found): \
             nothing was stored"
                .into()
        }
        CallbackKind::OnlyError(error) => format!(
            "the callback URL names an error ({error}) and no request (no state): nothing was \
             stored, begin again with authorize"
        ),
        CallbackKind::Answer(_) | CallbackKind::Empty => {
            "the callback URL has no parameters (no code, no state): copy the address that the \
             browser was sent to after the consent whole, from http to its end"
                .into()
        }
    }
}

#[cfg(test)]
mod tests;
