//! `GET|POST /vN/o/introspect/` and `GET /vN/connect/userinfo`: what a token is and whose.

use serde_json::json;

use crate::http::{Reply, Request};
use crate::oauth::token::{secret_matches, server_error};
use crate::service::{Api, Service};

/// Answers an introspection; without client credentials it is refused.
pub(crate) fn answer(service: &Service, request: &Request) -> Reply {
    let posted = request.method == hyper::Method::POST;
    let form = request.form();
    let state = service.state();
    let client_id = request
        .basic()
        .map(|(name, _)| name)
        .or_else(|| form.filled("client_id").map(str::to_owned));
    let app = client_id
        .and_then(|client_id| state.ledger.app_by_id(&client_id))
        .filter(|app| secret_matches(&state, *app, request, &form));
    let Some(app) = app else {
        return Reply::empty(403);
    };
    let fields = if posted { &form } else { &request.query };
    let token = fields.filled("token").unwrap_or_default();
    match state.ledger.access.get(token) {
        Some(access) if service.now() < access.expires => Reply::json(
            200,
            &json!({
                "active": true,
                "scope": access.scopes.iter().cloned().collect::<Vec<_>>().join(" "),
                "exp": access.expires.timestamp(),
                "client_id": state.ledger.apps[app].client_id,
                "username": service.records.login(access.person),
            }),
        ),
        None if posted => server_error(),
        _ => Reply::json(200, &json!({"active": false})),
    }
}

/// Answers userinfo for a person whose token was checked.
pub(crate) fn userinfo(service: &Service, api: Api, person: usize) -> Reply {
    let id = service.records.patient_id(person, api.space());
    let (given, family) = service.records.name(person);
    let login = service.records.login(person);
    Reply::json(
        200,
        &json!({
            "sub": id,
            "name": format!("{given} {family}"),
            "given_name": given,
            "family_name": family,
            "email": format!("{}@example.com", login.to_lowercase()),
            "iat": "2026-01-02T03:04:05.678Z",
            "patient": id,
        }),
    )
}
