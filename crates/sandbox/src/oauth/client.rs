//! Client authentication (RFC 6749, section 2.3.1).

use crate::http::{Fields, Request};
use crate::oauth::ledger::AppIndex;
use crate::service::State;

/// The app that a request names, by Basic or in the body.
pub(crate) fn app_of(state: &State, request: &Request, form: &Fields) -> Option<AppIndex> {
    let client_id = match request.basic() {
        Some((name, _)) => name,
        None => form.filled("client_id")?.to_owned(),
    };
    state.ledger.app_by_id(&client_id)
}

/// Whether the request carries the secret of `app`, by Basic or in the body.
pub(crate) fn secret_matches(
    state: &State,
    app: AppIndex,
    request: &Request,
    form: &Fields,
) -> bool {
    let app = &state.ledger.apps[app];
    let (id, secret) = match request.basic() {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => {
            let sent = |name| form.filled(name).map(str::to_owned);
            (sent("client_id"), sent("client_secret"))
        }
    };
    id.as_ref() == Some(&app.client_id) && secret.as_ref() == Some(&app.client_secret)
}

/// The app that a request names and whose secret it carries.
pub(crate) fn authenticated(state: &State, request: &Request, form: &Fields) -> Option<AppIndex> {
    app_of(state, request, form).filter(|app| secret_matches(state, *app, request, form))
}
