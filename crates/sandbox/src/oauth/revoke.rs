//! `revoke_token/`, `revoke/` and `expire_authenticated_user/`, quirks included.

use serde_json::json;

use crate::http::{Fields, Reply, Request};
use crate::oauth::ledger::AppIndex;
use crate::oauth::token::{library_error, secret_matches, server_error, wrong_client};
use crate::service::{Api, Service, State};

fn app_of(state: &State, request: &Request, form: &Fields) -> Option<AppIndex> {
    let client_id = match request.basic() {
        Some((name, _)) => name,
        None => form.filled("client_id")?.to_owned(),
    };
    state.ledger.app_by_id(&client_id)
}

/// `POST /vN/o/revoke_token/`: the token only, the grant stays. A refresh token without its hint
/// is answered with success and stays valid.
pub(crate) fn token(service: &Service, request: &Request) -> Reply {
    let form = request.form();
    let mut state = service.state();
    let app = app_of(&state, request, &form);
    if app.is_some_and(|app| !state.ledger.apps[app].active) {
        let text = "Application is not active or does not exist.";
        return Reply::json(403, &json!({"status_code": 403, "description": text}));
    }
    let Some(app) = app.filter(|app| secret_matches(&state, *app, request, &form)) else {
        return wrong_client();
    };
    let Some(token) = form.filled("token") else {
        return library_error(400, "invalid_request", "Missing token parameter.");
    };
    let hinted = form.get("token_type_hint") == Some("refresh_token");
    revoke_one(&mut state, app, token, hinted);
    Reply::empty(200)
}

fn revoke_one(state: &mut State, app: AppIndex, token: &str, hinted_refresh: bool) {
    let own_access = state
        .ledger
        .access
        .get(token)
        .is_some_and(|held| held.app == app);
    if own_access {
        state.ledger.retire_pair_of(token);
        return;
    }
    let own_refresh = state
        .ledger
        .refresh
        .get(token)
        .is_some_and(|held| held.app == app);
    if hinted_refresh && own_refresh {
        state.ledger.retire(token);
    }
}

/// `POST /vN/o/revoke/`: token and grant. An unknown token, and a refresh token without its hint,
/// is a server error; a wrong secret is refused after the deed.
pub(crate) fn grant(service: &Service, request: &Request) -> Reply {
    let form = request.form();
    let mut state = service.state();
    let token = form.filled("token").unwrap_or_default().to_owned();
    let hinted = form.get("token_type_hint") == Some("refresh_token");
    if let Some(access) = state.ledger.access.get(&token).cloned() {
        state.ledger.revoke_grant(access.app, access.person);
        let login = service.records.login(access.person);
        state.account.person(&login).revocations += 1;
        return if secret_matches(&state, access.app, request, &form) {
            Reply::empty(200)
        } else {
            wrong_client()
        };
    }
    let app =
        app_of(&state, request, &form).filter(|app| secret_matches(&state, *app, request, &form));
    let Some(app) = app else {
        return wrong_client();
    };
    let own_refresh = state
        .ledger
        .refresh
        .get(&token)
        .is_some_and(|held| held.app == app && !held.retired);
    if hinted && own_refresh {
        state.ledger.retire(&token);
        return Reply::empty(200);
    }
    server_error()
}

/// `POST /vN/o/expire_authenticated_user/<patient id>/`: ends one person's grant.
pub(crate) fn expire(service: &Service, api: Api, patient: &str, request: &Request) -> Reply {
    let form = request.form();
    let mut state = service.state();
    let app =
        app_of(&state, request, &form).filter(|app| secret_matches(&state, *app, request, &form));
    let Some(app) = app else {
        return Reply::empty(403);
    };
    let Some(person) = service.records.find_patient(patient, api.space()) else {
        return Reply::text(404, "Patient was Not Found. Please check the id.");
    };
    if state.ledger.revoke_grant(app, person) {
        let login = service.records.login(person);
        state.account.person(&login).revocations += 1;
        Reply::text(200, "success")
    } else {
        Reply::text(404, "Data Access Grant was Not Found.")
    }
}
