//! `/vN/o/authorize/<uuid>/`: the consent page, its answer, and the answer nobody had to click.

use std::collections::BTreeSet;

use serde_json::json;
use url::form_urlencoded;

use crate::http::{Fields, Reply, Request, quote};
use crate::oauth::authorize::refuse;
use crate::oauth::ledger::{AppIndex, PersonIndex};
use crate::oauth::{pages, scope};
use crate::service::{Api, Service};

/// An authorization request that passed every rule.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) app: AppIndex,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) challenge: String,
    pub(crate) scopes: BTreeSet<String>,
}

/// What the person ticked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) share_demographics: bool,
    pub(crate) share_samhsa: bool,
}

/// Answers the consent page of an approval.
pub(crate) fn answer(service: &Service, api: Api, approval: &str, request: &Request) -> Reply {
    let now = service.now();
    let person = {
        let state = service.state();
        match state.ledger.approval(approval, now) {
            Some(person) => person,
            None => {
                let known = state.ledger.knows_approval(approval);
                let lives = session_of(request)
                    .is_some_and(|session| state.ledger.session_lives(session, now));
                drop(state);
                return if lives && !known {
                    Reply::json(404, &json!({"status_code": 404, "message": "Not found."}))
                } else {
                    back_to_login(request)
                };
            }
        }
    };
    let asked = match check_late(service, api, &request.query) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    if request.method != hyper::Method::POST {
        return pages::consent(service, api, &asked, person, approval, request);
    }
    let form = request.form();
    service.state().ledger.close_approval(approval);
    if form.filled("allow").is_none() {
        return denied(&asked);
    }
    let choice = Choice {
        share_demographics: form.get("share_demographic_scopes") != Some("False"),
        share_samhsa: !api.is_v3() || form.get("share_samhsa_data") == Some("True"),
    };
    grant(service, person, asked, choice)
}

/// The answer without pages: somebody consented at once.
pub(crate) fn automatic(service: &Service, api: Api, app: AppIndex, fields: &Fields) -> Reply {
    let asked = match check_late(service, api, fields) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    debug_assert_eq!(asked.app, app);
    let person = match fields.filled("login") {
        Some(login) => service.records.find_login(login),
        None => {
            let mut state = service.state();
            let person = state.next_person;
            state.next_person = (person + 1) % service.records.people().max(1);
            (service.records.people() > 0).then_some(person)
        }
    };
    let Some(person) = person else {
        return pages::beneficiary_not_found(Some(&asked.redirect_uri));
    };
    let choice = Choice {
        share_demographics: fields.get("share_demographics") != Some("false"),
        share_samhsa: fields.get("share_samhsa") != Some("false"),
    };
    if fields.get("deny").is_some() {
        return denied(&asked);
    }
    grant(service, person, asked, choice)
}

/// The rules that are seen only after the login.
fn check_late(service: &Service, api: Api, fields: &Fields) -> Result<Asked, Reply> {
    let state = service.state();
    let client_id = fields.get("client_id").unwrap_or_default();
    let Some(app) = state.ledger.app_by_id(client_id) else {
        return Err(pages::client_fault(400, "The application is not known."));
    };
    let held = &state.ledger.apps[app];
    let redirect_uri = match fields.filled("redirect_uri") {
        Some(uri) if held.allows_redirect(uri) => uri.to_owned(),
        Some(_) => {
            return Err(pages::client_fault(
                400,
                "The redirect URI is not one of the application's.",
            ));
        }
        None => held
            .default_redirect()
            .ok_or_else(|| pages::client_fault(400, "The request names no redirect URI."))?,
    };
    let state_text = fields.get("state").unwrap_or_default().to_owned();
    let to_app = |error: &[(&str, &str)]| {
        let mut pairs = error.to_vec();
        pairs.push(("state", state_text.as_str()));
        Reply::redirect(302, &append_query(&redirect_uri, &pairs))
    };
    match fields.filled("response_type") {
        Some("code") => {}
        Some("token") => return Err(to_app(&[("error", "unauthorized_client")])),
        Some(_) => return Err(to_app(&[("error", "unsupported_response_type")])),
        None => {
            return Err(to_app(&[
                ("error", "invalid_request"),
                ("error_description", "Missing response_type parameter."),
            ]));
        }
    }
    let scopes = match fields.get("scope") {
        None if !api.is_v3() => held.scopes.clone(),
        text => scope::parse(text.unwrap_or_default()),
    };
    if scopes.is_empty() || !scope::all_held(&scopes, &held.scopes) {
        return Err(refuse("Invalid scopes."));
    }
    Ok(Asked {
        app,
        challenge: fields.get("code_challenge").unwrap_or_default().to_owned(),
        scopes: scope::joined(scopes),
        state: state_text,
        redirect_uri,
    })
}

fn grant(service: &Service, person: PersonIndex, asked: Asked, choice: Choice) -> Reply {
    let now = service.now();
    let shared = choice.share_demographics && service.records.shares_demographics(person);
    let scopes = if shared {
        asked.scopes.clone()
    } else {
        scope::without_demographics(asked.scopes.clone())
    };
    let login = service.records.login(person);
    let mut state = service.state();
    if scopes.is_empty() {
        state.ledger.delete_grant(asked.app, person);
        return denied(&asked);
    }
    state.account.person(&login).consents += 1;
    let include_samhsa = choice.share_samhsa || state.ledger.apps[asked.app].part_d_only;
    let code = state.ledger.consent(
        asked.app,
        person,
        scopes,
        asked.redirect_uri.clone(),
        asked.challenge,
        include_samhsa,
        now,
    );
    let pairs = [("code", code.as_str()), ("state", asked.state.as_str())];
    Reply::redirect(302, &append_query(&asked.redirect_uri, &pairs))
        .with("access-control-allow-origin", "*")
}

fn denied(asked: &Asked) -> Reply {
    let pairs = [("error", "access_denied"), ("state", asked.state.as_str())];
    Reply::redirect(302, &append_query(&asked.redirect_uri, &pairs))
        .with("access-control-allow-origin", "*")
}

fn back_to_login(request: &Request) -> Reply {
    let query = request.raw_query.as_deref().unwrap_or_default();
    let next = format!("{}?{query}", request.path);
    Reply::redirect(302, &format!("/mymedicare/login?next={}", quote(&next)))
}

fn session_of(request: &Request) -> Option<&str> {
    request
        .header("cookie")?
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix("sessionid="))
}

/// Adds pairs to a URI's query, whether it has one or not.
fn append_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let added = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{added}")
}
