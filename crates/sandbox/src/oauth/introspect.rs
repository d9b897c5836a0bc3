//! `GET|POST /vN/o/introspect/` and `GET /vN/connect/userinfo`: what a token is and whose
//! (RFC 7662).

use serde_json::json;

use crate::http::{Reply, Request};
use crate::oauth::client::authenticated;
use crate::oauth::refusal::server_error;
use crate::service::{Api, Service};

/// Answers an introspection; without client credentials it is refused.
pub(crate) fn answer(service: &Service, request: &Request) -> Reply {
    let is_post = request.method == hyper::Method::POST;
    let form = request.form();
    let state = service.state();
    let Some(app) = authenticated(&state, request, &form) else {
        return Reply::empty(403);
    };
    let fields = if is_post { &form } else { &request.query };
    let token = fields.filled("token").unwrap_or_default();
    let body = match state.ledger.access.get(token) {
        Some(access) if service.now() < access.expires => json!({
            "active": true,
            "scope": access.permission.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
            "exp": access.expires.timestamp(),
            "client_id": state.ledger.apps[app].client_id,
            "username": service.records.login(access.permission.patient),
        }),
        None if is_post => return server_error(),
        _ => json!({"active": false}),
    };
    Reply::json(200, &body)
}

/// Answers userinfo for the patient of a token that was checked.
pub(crate) fn userinfo(service: &Service, api: Api, patient: usize) -> Reply {
    let id = service.records.patient_id(patient, api.space());
    let (given, family) = service.records.name(patient);
    let login = service.records.login(patient);
    let body = json!({
        "sub": id,
        "name": format!("{given} {family}"),
        "given_name": given,
        "family_name": family,
        "email": format!("{}@example.com", login.to_lowercase()),
        "iat": "2026-01-02T03:04:05.678Z",
        "patient": id,
    });
    Reply::json(200, &body)
}
