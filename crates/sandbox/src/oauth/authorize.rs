//! `GET|POST /vN/o/authorize/`: the rules that are answered directly, then the way to the login.

use serde_json::json;

use crate::http::{Fields, Reply, Request, quote};
use crate::oauth::ledger::AppIndex;
use crate::oauth::{consent, pages, scope};
use crate::service::{Api, Service, V3Gate};

const SHORTEST_STATE: usize = 16;

/// Answers the authorization request of a browser.
pub(crate) fn answer(service: &Service, api: Api, request: &Request) -> Reply {
    let fields = if request.method == hyper::Method::POST {
        let form = request.form();
        if form.filled("state").is_none() {
            let body = json!({"status_code": 401, "message": "State required in POST body."});
            return Reply::json(401, &body);
        }
        form
    } else {
        request.query.clone()
    };
    let app = match check_early(service, api, &fields) {
        Ok(app) => app,
        Err(refusal) => return refusal,
    };
    if service.auto_consent {
        return consent::automatic(service, api, app, &fields);
    }
    let query = match (&request.raw_query, request.method == hyper::Method::POST) {
        (Some(raw), false) => raw.clone(),
        _ => fields.to_query(),
    };
    let next = format!("/v{}/o/authorize/?{query}", api.0);
    Reply::redirect(302, &format!("/mymedicare/login?next={}", quote(&next)))
}

/// What is refused before anybody logs in; the app where nothing is.
fn check_early(service: &Service, api: Api, fields: &Fields) -> Result<AppIndex, Reply> {
    if fields.get("client_secret").is_some() {
        return Err(Reply::text(
            400,
            "Illegal query parameter [client_secret] detected",
        ));
    }
    let state = service.state();
    let Some(client_id) = fields.filled("client_id") else {
        return Err(pages::client_fault(401, "No application was named."));
    };
    let Some(app) = state.ledger.app_by_id(client_id) else {
        return Err(pages::client_fault(400, "The application is not known."));
    };
    let held = &state.ledger.apps[app];
    if !held.active {
        return Err(pages::client_fault(403, &held.inactive_text()));
    }
    if held.credentials_only {
        let body = json!({"status_code": 403, "message": "Unable to verify permission"});
        return Err(Reply::json(403, &body));
    }
    if api.is_v3() && state.v3_gate == V3Gate::EarlyAdopters {
        let body = json!({"status_code": 403, "message": "Unable to verify permission"});
        return Err(Reply::json(403, &body));
    }
    check_parameters(api, fields)?;
    Ok(app)
}

fn check_parameters(api: Api, fields: &Fields) -> Result<(), Reply> {
    let mut required = vec!["state", "code_challenge", "code_challenge_method"];
    if api.is_v3() {
        required.push("scope");
    }
    let missing: Vec<&str> = required
        .into_iter()
        .filter(|name| match *name {
            "scope" => fields.get(name).is_none(),
            _ => fields.filled(name).is_none(),
        })
        .collect();
    if !missing.is_empty() {
        return Err(refuse(&format!(
            "Missing Required Parameter(s): {}",
            missing.join(", ")
        )));
    }
    if fields.get("code_challenge_method") != Some("S256") {
        let body = json!({
            "status_code": 400,
            "error": "invalid_request",
            "error_description": "code_challenge_method must be S256",
        });
        return Err(Reply::json(400, &body));
    }
    if fields.get("state").unwrap_or_default().chars().count() < SHORTEST_STATE {
        return Err(refuse(
            "State parameter should have a minimum of 16 characters",
        ));
    }
    let asked = scope::parse(fields.get("scope").unwrap_or_default());
    if scope::asks_for_audit(&asked) {
        return Err(refuse("Invalid scopes."));
    }
    Ok(())
}

/// `{"status_code":400,"message":…}`.
pub(crate) fn refuse(message: &str) -> Reply {
    Reply::json(400, &json!({"status_code": 400, "message": message}))
}
