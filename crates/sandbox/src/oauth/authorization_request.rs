//! The parameters of an authorization request (RFC 6749, section 4.1.1, and RFC 7636, section 4.3).

use std::collections::BTreeSet;

use url::form_urlencoded;

use crate::http::{Fields, Reply};
use crate::oauth::app::App;
use crate::oauth::ledger::AppIndex;
use crate::oauth::refusal::{described, message, missing_parameters};
use crate::oauth::{pages, scope};
use crate::service::{Api, Service, State, V3Gate};

const SHORTEST_STATE: usize = 16;

/// An authorization request that passed every rule.
#[derive(Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) app: AppIndex,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) challenge: String,
    pub(crate) scopes: BTreeSet<String>,
}

fn app_of(state: &State, fields: &Fields) -> Result<AppIndex, Reply> {
    let app = state
        .ledger
        .app_by_id(fields.get("client_id").unwrap_or_default());
    app.ok_or_else(|| pages::client_fault(400, "The application is not known."))
}

/// The checks before the patient logs in.
pub(crate) fn check_early(service: &Service, api: Api, fields: &Fields) -> Result<(), Reply> {
    if fields.get("client_secret").is_some() {
        let text = "Illegal query parameter [client_secret] detected";
        return Err(Reply::text(400, text));
    }
    if fields.filled("client_id").is_none() {
        return Err(pages::client_fault(401, "No application was named."));
    }
    let state = service.state();
    let app = &state.ledger.apps[app_of(&state, fields)?];
    if !app.active {
        return Err(pages::client_fault(403, &app.inactive_text()));
    }
    let is_closed = api.is_v3() && state.v3_gate == V3Gate::EarlyAdopters;
    if app.credentials_only || is_closed {
        return Err(message(403, "Unable to verify permission"));
    }
    check_parameters(api, fields)
}

fn check_parameters(api: Api, fields: &Fields) -> Result<(), Reply> {
    let mut missing = vec!["state", "code_challenge", "code_challenge_method"];
    missing.retain(|name| fields.filled(name).is_none());
    if api.is_v3() && fields.get("scope").is_none() {
        missing.push("scope");
    }
    if !missing.is_empty() {
        return Err(missing_parameters(&missing));
    }
    if fields.get("code_challenge_method") != Some("S256") {
        let text = "code_challenge_method must be S256";
        return Err(described(400, "invalid_request", text));
    }
    if fields.get("state").unwrap_or_default().chars().count() < SHORTEST_STATE {
        let text = "State parameter should have a minimum of 16 characters";
        return Err(message(400, text));
    }
    if scope::asks_for_audit(&scope::parse(fields.get("scope").unwrap_or_default())) {
        return Err(message(400, "Invalid scopes."));
    }
    Ok(())
}

/// The rules that are seen only after the login.
pub(crate) fn check_late(
    service: &Service,
    api: Api,
    fields: &Fields,
) -> Result<AuthorizationRequest, Reply> {
    let state = service.state();
    let index = app_of(&state, fields)?;
    let app = &state.ledger.apps[index];
    let redirect_uri = redirect_uri(app, fields).map_err(|text| pages::client_fault(400, text))?;
    let scopes = match fields.get("scope") {
        None if !api.is_v3() => app.scopes.clone(),
        text => scope::parse(text.unwrap_or_default()),
    };
    let has_scopes = !scopes.is_empty() && scope::all_allowed(&scopes, &app.scopes);
    let request = AuthorizationRequest {
        app: index,
        redirect_uri,
        state: fields.get("state").unwrap_or_default().to_owned(),
        challenge: fields.get("code_challenge").unwrap_or_default().to_owned(),
        scopes: scope::joined(scopes),
    };
    match fields.filled("response_type") {
        Some("code") if has_scopes => Ok(request),
        Some("code") => Err(message(400, "Invalid scopes.")),
        Some("token") => Err(request.answer(&[("error", "unauthorized_client")])),
        Some(_) => Err(request.answer(&[("error", "unsupported_response_type")])),
        None => Err(request.answer(&[
            ("error", "invalid_request"),
            ("error_description", "Missing response_type parameter."),
        ])),
    }
}

fn redirect_uri(app: &App, fields: &Fields) -> Result<String, &'static str> {
    match fields.filled("redirect_uri") {
        Some(uri) if app.allows_redirect(uri) => Ok(uri.to_owned()),
        Some(_) => Err("The redirect URI is not one of the application's."),
        None => app
            .default_redirect()
            .ok_or("The request names no redirect URI."),
    }
}

impl AuthorizationRequest {
    /// The redirect to the app with an answer and the request's `state`.
    pub(crate) fn answer(&self, pairs: &[(&str, &str)]) -> Reply {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .append_pair("state", &self.state)
            .finish();
        let uri = &self.redirect_uri;
        let joint = if uri.contains('?') { '&' } else { '?' };
        Reply::redirect(302, &format!("{uri}{joint}{query}"))
    }
}
