//! `POST /vN/o/token[/]`: codes and refresh tokens become access tokens.
//!
//! The order of the checks is that of the real server: the application and the refresh token are
//! looked up first (errors with `status_code`), the secret is compared only afterwards (errors of
//! the OAuth library, with `Cache-Control: no-store`).

use serde_json::{Value, json};

use crate::clock::to_seconds_text;
use crate::fault::{FaultKind, Occasion, Stage};
use crate::http::{Fields, Reply, Request};
use crate::oauth::app::AccessType;
use crate::oauth::ledger::{AppIndex, Issued};
use crate::oauth::{authorize, pkce, scope};
use crate::service::{Api, Service, State, V3Gate};

const CONSENT_AGAIN: &str =
    "To refresh Medicare data, end user must re-authenticate and consent to share their data.";

/// Answers the token endpoint.
pub(crate) fn answer(service: &Service, api: Api, request: &Request) -> Reply {
    if request.method != hyper::Method::POST {
        return Reply::empty(405).with("allow", "POST, OPTIONS");
    }
    let form = request.form();
    let mut state = service.state();
    let strange_bearer = request
        .bearer()
        .is_some_and(|token| !state.ledger.access.contains_key(token));
    if strange_bearer {
        return server_error();
    }
    let app = match find_app(&state, request, &form) {
        Ok(app) => app,
        Err(refusal) => return refusal,
    };
    if let Some(app) = app
        && !state.ledger.apps[app].active
    {
        let text = state.ledger.apps[app].inactive_text();
        return described(403, "invalid_client", &text);
    }
    if request
        .raw_query
        .as_deref()
        .is_some_and(|query| !query.is_empty())
    {
        let body = json!({
            "error": "invalid_request",
            "error_description": "URL query parameters are not allowed",
        });
        return Reply::text(400, body.to_string());
    }
    match form.get("grant_type") {
        None => unsupported_grant_type(),
        Some("authorization_code") => exchange(service, &mut state, api, app, request, &form),
        Some("refresh_token") => refresh(service, &mut state, api, app, request, &form),
        Some("client_credentials") => client_credentials(&form),
        Some("password") => password(&state, app, request, &form),
        Some(_) => unsupported_grant_type(),
    }
}

fn unsupported_grant_type() -> Reply {
    no_store(Reply::json(
        400,
        &json!({"error": "unsupported_grant_type"}),
    ))
}

/// No app of the sandbox is enabled for it; what is missing is named first.
fn client_credentials(form: &Fields) -> Reply {
    let missing: Vec<&str> = ["scope", "client_assertion_type", "client_assertion"]
        .into_iter()
        .filter(|name| form.filled(name).is_none())
        .collect();
    if missing.is_empty() {
        return denied_v3();
    }
    authorize::refuse(&format!(
        "Missing Required Parameter(s): {}",
        missing.join(", ")
    ))
}

/// The OAuth library knows the grant type, and the server has nobody with a password.
fn password(state: &State, app: Option<AppIndex>, request: &Request, form: &Fields) -> Reply {
    if !app.is_some_and(|app| secret_matches(state, app, request, form)) {
        return wrong_client();
    }
    for name in ["username", "password"] {
        if form.filled(name).is_none() {
            let text = format!("Request is missing {name} parameter.");
            return library_error(400, "invalid_request", &text);
        }
    }
    library_error(400, "invalid_grant", "Invalid credentials given.")
}

/// The application of a request: by body, by Basic, by its refresh token. `None` where only the
/// later comparison of the secret can say.
fn find_app(state: &State, request: &Request, form: &Fields) -> Result<Option<AppIndex>, Reply> {
    let in_body = form.filled("client_id");
    let in_header = request.basic();
    if let (Some(body), Some((header, _))) = (in_body, &in_header)
        && body != header
    {
        return Err(described(
            400,
            "invalid_request",
            "different app in headers than in request data",
        ));
    }
    if let Some(client_id) = in_body {
        return match state.ledger.app_by_id(client_id) {
            Some(app) => Ok(Some(app)),
            None => Err(described(
                400,
                "invalid_client",
                "Application does not exist (client_id)",
            )),
        };
    }
    if let Some((client_id, _)) = in_header {
        return match state.ledger.app_by_id(&client_id) {
            Some(app) => Ok(Some(app)),
            None => Err(described(
                401,
                "invalid_client",
                "Application does not exist",
            )),
        };
    }
    if let Some(token) = form.filled("refresh_token") {
        return Ok(state.ledger.refresh.get(token).map(|held| held.app));
    }
    Err(described(401, "invalid_client", "App id failed"))
}

fn exchange(
    service: &Service,
    state: &mut State,
    api: Api,
    app: Option<AppIndex>,
    request: &Request,
    form: &Fields,
) -> Reply {
    let Some(text) = form.filled("code") else {
        return library_error(400, "invalid_request", "Missing code parameter.");
    };
    let Some(app) = app.filter(|app| secret_matches(state, *app, request, form)) else {
        return wrong_client();
    };
    let now = service.now();
    let Some(code) = state.ledger.code(text, now).filter(|code| code.app == app) else {
        return invalid_grant();
    };
    let Some(verifier) = form.filled("code_verifier") else {
        return library_error(400, "invalid_request", "Code verifier required.");
    };
    if !pkce::matches(&code.challenge, verifier) {
        return invalid_grant();
    }
    if form
        .filled("redirect_uri")
        .is_some_and(|uri| uri != code.redirect_uri)
    {
        return library_error(400, "invalid_request", "Mismatching redirect URI.");
    }
    let code = code.clone();
    state.ledger.codes.remove(text);
    let login = service.records.login(code.person);
    state.account.person(&login).exchanges += 1;
    let issued = state
        .ledger
        .issue(app, code.person, code.scopes, code.include_samhsa, now);
    success(service, state, api, &issued)
}

fn refresh(
    service: &Service,
    state: &mut State,
    api: Api,
    app: Option<AppIndex>,
    request: &Request,
    form: &Fields,
) -> Reply {
    if api.is_v3() && (request.is_multipart() || state.v3_gate == V3Gate::EarlyAdopters) {
        return denied_v3();
    }
    let Some(token) = form.filled("refresh_token") else {
        return if api.is_v3() {
            denied_v3()
        } else {
            described(400, "invalid_request", "Missing refresh token parameter")
        };
    };
    let Some(held) = state.ledger.refresh.get(token).cloned() else {
        return if api.is_v3() {
            denied_v3()
        } else {
            described(400, "invalid_request", "Refresh token not found.")
        };
    };
    let login = service.records.login(held.person);
    state.account.person(&login).refresh_attempts += 1;
    if app.is_some_and(|app| app != held.app) {
        return described(400, "invalid_request", "Token does not match client_id");
    }
    let app = held.app;
    if state.ledger.apps[app].access == AccessType::OneTime {
        let text = format!(
            "Your application is not allowed to refresh tokens. {CONSENT_AGAIN} If your \
             application needs to refresh tokens, contact us at BlueButtonAPI@cms.hhs.gov."
        );
        return described(403, "invalid_client", &text);
    }
    let now = service.now();
    if !state.ledger.grants.contains_key(&(app, held.person)) {
        let text = format!("User access cannot be found. {CONSENT_AGAIN}");
        return described(403, "invalid_grant", &text);
    }
    if state.ledger.grant_is_over(app, held.person, now) {
        let text = format!("User access has timed out. {CONSENT_AGAIN}");
        return described(401, "invalid_grant", &text);
    }
    if !secret_matches(state, app, request, form) {
        return wrong_client();
    }
    if held.retired {
        state.account.person(&login).refresh_tokens_reused += 1;
        return invalid_grant();
    }
    let scopes = match form.filled("scope") {
        None => held.scopes.clone(),
        Some(text) => {
            let asked = scope::parse(text);
            if !asked.is_subset(&held.scopes) {
                return no_store(Reply::json(400, &json!({"error": "invalid_scope"})));
            }
            asked
        }
    };
    state.ledger.retire(token);
    let issued = state
        .ledger
        .issue(app, held.person, scopes, held.include_samhsa, now);
    let occasion = Occasion::of(service, request, Some(held.person));
    match state.faults.strike(Stage::Refresh, &occasion, now) {
        Some(FaultKind::RotateThen502) => {
            state.account.person(&login).refreshes_lost += 1;
            let text = "Failed to retrieve data from data source.";
            Reply::json(502, &json!({"status_code": 502, "message": text}))
        }
        Some(FaultKind::RotateThenDrop) => {
            state.account.person(&login).refreshes_lost += 1;
            let mut reply = Reply::empty(200);
            reply.delivery.drop_connection = true;
            reply
        }
        _ => {
            state.account.person(&login).refreshes += 1;
            let reply = success(service, state, api, &issued);
            // The crosswalk is resolved after the answer was made: a new id shows a refresh later.
            service.records.refreshed(held.person);
            reply
        }
    }
}

fn success(service: &Service, state: &mut State, api: Api, issued: &Issued) -> Reply {
    let turn = state.ledger.noise.next();
    let body = json!({
        "access_token": issued.access_token,
        "expires_in": issued.seconds,
        "token_type": "Bearer",
        "scope": scope::shuffled_text(&issued.scopes, turn),
        "refresh_token": issued.refresh_token,
        "patient": service.records.patient_id(issued.person, api.space()),
        "access_grant_expiration": issued.grant_expires.map_or(String::new(), to_seconds_text),
    });
    no_store(Reply::json(200, &body))
}

/// Whether the request carries the secret of `app`, by Basic or in the body.
pub(crate) fn secret_matches(
    state: &State,
    app: AppIndex,
    request: &Request,
    form: &Fields,
) -> bool {
    let held = &state.ledger.apps[app];
    if let Some((name, password)) = request.basic() {
        return name == held.client_id && password == held.client_secret;
    }
    form.filled("client_id") == Some(held.client_id.as_str())
        && form.filled("client_secret") == Some(held.client_secret.as_str())
}

/// `{"error":"Server Error (500)"}`.
pub(crate) fn server_error() -> Reply {
    Reply::json(500, &json!({"error": "Server Error (500)"}))
}

/// `401 {"error":"invalid_client"}` of the OAuth library.
pub(crate) fn wrong_client() -> Reply {
    no_store(Reply::json(401, &json!({"error": "invalid_client"})))
        .with("www-authenticate", "Bearer error=\"invalid_client\"")
}

/// An error of the OAuth library with a description.
pub(crate) fn library_error(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description});
    no_store(Reply::json(status, &body))
}

fn invalid_grant() -> Reply {
    no_store(Reply::json(400, &json!({"error": "invalid_grant"})))
}

fn denied_v3() -> Reply {
    Reply::json(
        403,
        &json!({"status_code": 403, "message": "Request denied"}),
    )
}

/// An error of Blue Button's own checks.
fn described(status: u16, error: &str, description: &str) -> Reply {
    let body: Value = json!({
        "status_code": status,
        "error": error,
        "error_description": description,
    });
    Reply::json(status, &body)
}

fn no_store(reply: Reply) -> Reply {
    reply
        .with("cache-control", "no-store")
        .with("pragma", "no-cache")
}
