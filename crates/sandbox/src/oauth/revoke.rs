//! `revoke_token/`, `revoke/` and `expire_authenticated_user/`, quirks included.

use serde_json::json;

use crate::http::{Reply, Request};
use crate::oauth::client::{app_of, authenticated, secret_matches};
use crate::oauth::ledger::PatientIndex;
use crate::oauth::refusal::{library_error, server_error, wrong_client};
use crate::service::{Api, Service, State};

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
    let Some(app) = authenticated(&state, request, &form) else {
        return wrong_client();
    };
    let Some(token) = form.filled("token") else {
        return library_error(400, "invalid_request", "Missing token parameter.");
    };
    let is_refresh = form.get("token_type_hint") == Some("refresh_token");
    let ledger = &mut state.ledger;
    let access = ledger.access.get(token);
    let refresh = ledger.refresh.get(token);
    if access.is_some_and(|access| access.permission.app == app) {
        ledger.retire_pair_of(token);
    } else if is_refresh && refresh.is_some_and(|refresh| refresh.permission.app == app) {
        ledger.retire(token);
    }
    Reply::empty(200)
}

/// `POST /vN/o/revoke/`: token and grant. An unknown token, and a refresh token without its hint,
/// is a server error; a wrong secret is refused after the deed.
pub(crate) fn grant(service: &Service, request: &Request) -> Reply {
    let form = request.form();
    let mut state = service.state();
    let token = form.filled("token").unwrap_or_default();
    if let Some(access) = state.ledger.access.get(token) {
        let key = access.permission.key();
        state.ledger.revoke_grant(key);
        count(service, &mut state, key.1);
        return if secret_matches(&state, key.0, request, &form) {
            Reply::empty(200)
        } else {
            wrong_client()
        };
    }
    let Some(app) = authenticated(&state, request, &form) else {
        return wrong_client();
    };
    let is_refresh = form.get("token_type_hint") == Some("refresh_token");
    let refresh = state.ledger.refresh.get(token);
    let is_own = refresh.is_some_and(|refresh| refresh.permission.app == app && !refresh.retired);
    if is_refresh && is_own {
        state.ledger.retire(token);
        return Reply::empty(200);
    }
    server_error()
}

/// `POST /vN/o/expire_authenticated_user/<patient id>/`: ends one patient's grant.
pub(crate) fn expire(service: &Service, api: Api, patient_id: &str, request: &Request) -> Reply {
    let form = request.form();
    let mut state = service.state();
    let Some(app) = authenticated(&state, request, &form) else {
        return Reply::empty(403);
    };
    let Some(patient) = service.records.find_patient(patient_id, api.space()) else {
        return Reply::text(404, "Patient was Not Found. Please check the id.");
    };
    if state.ledger.revoke_grant((app, patient)) {
        count(service, &mut state, patient);
        Reply::text(200, "success")
    } else {
        Reply::text(404, "Data Access Grant was Not Found.")
    }
}

fn count(service: &Service, state: &mut State, patient: PatientIndex) {
    let login = service.records.login(patient);
    state.account.patient(&login).revocations += 1;
}
