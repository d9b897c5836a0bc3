//! `POST /vN/o/token[/]`: codes and refresh tokens become access tokens.
//!
//! The order of the checks is that of the real server: the application and the refresh token are
//! looked up first (errors with `status_code`), the secret is compared only afterwards (errors of
//! the OAuth library, with `Cache-Control: no-store`).

use serde_json::json;

use crate::clock::to_seconds_text;
use crate::fault::{FaultContext, FaultKind, Stage};
use crate::http::{Fields, Reply, Request};
use crate::oauth::app::AccessType;
use crate::oauth::client::secret_matches;
use crate::oauth::ledger::{AppIndex, Issued};
use crate::oauth::refusal::{
    described, invalid_grant, library_code, library_error, message, missing_parameters, no_store,
    server_error, wrong_client,
};
use crate::oauth::{pkce, scope};
use crate::service::{Api, Service, State, V3Gate};

const CONSENT_AGAIN: &str =
    "To refresh Medicare data, end user must re-authenticate and consent to share their data.";

/// A reply, or the refusal that is sent in its place.
type Answer = Result<Reply, Reply>;

/// A request of the token endpoint with what was found out about it.
struct TokenRequest<'a> {
    service: &'a Service,
    api: Api,
    /// `None` where only the later comparison of the secret can say.
    app: Option<AppIndex>,
    request: &'a Request,
    form: &'a Fields,
}

/// Answers the token endpoint.
pub(crate) fn answer(service: &Service, api: Api, request: &Request) -> Reply {
    if request.method != hyper::Method::POST {
        return Reply::empty(405).with("allow", "POST, OPTIONS");
    }
    let mut state = service.state();
    let form = request.form();
    let answer = find_app(&state, request, &form).and_then(|app| {
        let asked = TokenRequest {
            service,
            api,
            app,
            request,
            form: &form,
        };
        asked.answer(&mut state)
    });
    answer.unwrap_or_else(|refusal| refusal)
}

/// The application of a request: by body, by Basic, by its refresh token.
fn find_app(state: &State, request: &Request, form: &Fields) -> Result<Option<AppIndex>, Reply> {
    let bearer = request.bearer();
    if bearer.is_some_and(|token| !state.ledger.access.contains_key(token)) {
        return Err(server_error());
    }
    let in_body = form.filled("client_id");
    let in_header = request.basic().map(|(client_id, _)| client_id);
    let (client_id, status, text) = match (in_body, &in_header) {
        (Some(body), Some(header)) if body != header => {
            let text = "different app in headers than in request data";
            return Err(described(400, "invalid_request", text));
        }
        (Some(body), _) => (body, 400, "Application does not exist (client_id)"),
        (None, Some(header)) => (header.as_str(), 401, "Application does not exist"),
        (None, None) => {
            let Some(token) = form.filled("refresh_token") else {
                return Err(described(401, "invalid_client", "App id failed"));
            };
            let refresh = state.ledger.refresh.get(token);
            return Ok(refresh.map(|refresh| refresh.permission.app));
        }
    };
    let app = state.ledger.app_by_id(client_id);
    app.map(Some)
        .ok_or_else(|| described(status, "invalid_client", text))
}

impl TokenRequest<'_> {
    fn answer(&self, state: &mut State) -> Answer {
        let app = self.app.map(|app| &state.ledger.apps[app]);
        if let Some(app) = app.filter(|app| !app.active) {
            return Err(described(403, "invalid_client", &app.inactive_text()));
        }
        let query = self.request.raw_query.as_deref();
        if query.is_some_and(|query| !query.is_empty()) {
            let text = "URL query parameters are not allowed";
            let body = json!({"error": "invalid_request", "error_description": text});
            return Err(Reply::text(400, body.to_string()));
        }
        match self.form.get("grant_type") {
            Some("authorization_code") => self.exchange(state),
            Some("refresh_token") => self.refresh(state),
            Some("client_credentials") => Err(self.client_credentials()),
            Some("password") => Err(self.password(state)),
            _ => Err(library_code(400, "unsupported_grant_type")),
        }
    }

    /// A parameter that the OAuth library or Blue Button requires.
    fn required(&self, name: &str, missing: impl Fn() -> Reply) -> Result<&str, Reply> {
        self.form.filled(name).ok_or_else(missing)
    }

    /// The app, where the request carries its secret.
    fn authenticated(&self, state: &State) -> Result<AppIndex, Reply> {
        let has_secret = |app: &AppIndex| secret_matches(state, *app, self.request, self.form);
        self.app.filter(has_secret).ok_or_else(wrong_client)
    }

    /// No app of the sandbox is enabled for it; what is missing is named first.
    fn client_credentials(&self) -> Reply {
        let mut missing = vec!["scope", "client_assertion_type", "client_assertion"];
        missing.retain(|name| self.form.filled(name).is_none());
        if missing.is_empty() {
            return denied_v3();
        }
        missing_parameters(&missing)
    }

    /// The OAuth library has this grant type, but no user of the server has a password.
    fn password(&self, state: &State) -> Reply {
        if let Err(refusal) = self.authenticated(state) {
            return refusal;
        }
        for name in ["username", "password"] {
            if self.form.filled(name).is_none() {
                let text = format!("Request is missing {name} parameter.");
                return library_error(400, "invalid_request", &text);
            }
        }
        library_error(400, "invalid_grant", "Invalid credentials given.")
    }

    fn exchange(&self, state: &mut State) -> Answer {
        let invalid = |text| library_error(400, "invalid_request", text);
        let text = self.required("code", || invalid("Missing code parameter."))?;
        let app = self.authenticated(state)?;
        let now = self.service.now();
        let code = state.ledger.code(text, now);
        let code = code.filter(|code| code.permission.app == app);
        let code = code.ok_or_else(invalid_grant)?;
        let verifier = self.required("code_verifier", || invalid("Code verifier required."))?;
        if !pkce::matches(&code.challenge, verifier) {
            return Err(invalid_grant());
        }
        let redirect_uri = self.form.filled("redirect_uri");
        if redirect_uri.is_some_and(|uri| uri != code.redirect_uri) {
            return Err(invalid("Mismatching redirect URI."));
        }
        let permission = code.permission.clone();
        state.ledger.codes.remove(text);
        let login = self.service.records.login(permission.patient);
        state.account.patient(&login).exchanges += 1;
        let issued = state.ledger.issue(permission, now);
        Ok(self.success(state, &issued))
    }

    fn refresh(&self, state: &mut State) -> Answer {
        let is_v3 = self.api.is_v3();
        if is_v3 && (self.request.is_multipart() || state.v3_gate == V3Gate::EarlyAdopters) {
            return Err(denied_v3());
        }
        let invalid = |text| {
            if is_v3 {
                denied_v3()
            } else {
                described(400, "invalid_request", text)
            }
        };
        let token = self.required("refresh_token", || {
            invalid("Missing refresh token parameter")
        })?;
        let refresh = state.ledger.refresh.get(token).cloned();
        let refresh = refresh.ok_or_else(|| invalid("Refresh token not found."))?;
        let mut permission = refresh.permission;
        let login = self.service.records.login(permission.patient);
        state.account.patient(&login).refresh_attempts += 1;
        if self.app.is_some_and(|app| app != permission.app) {
            let text = "Token does not match client_id";
            return Err(described(400, "invalid_request", text));
        }
        if state.ledger.apps[permission.app].access == AccessType::OneTime {
            let text = format!(
                "Your application is not allowed to refresh tokens. {CONSENT_AGAIN} If your \
                 application needs to refresh tokens, contact us at BlueButtonAPI@cms.hhs.gov."
            );
            return Err(described(403, "invalid_client", &text));
        }
        let now = self.service.now();
        if !state.ledger.grants.contains_key(&permission.key()) {
            let text = format!("User access cannot be found. {CONSENT_AGAIN}");
            return Err(described(403, "invalid_grant", &text));
        }
        if state.ledger.grant_is_over(permission.key(), now) {
            let text = format!("User access has timed out. {CONSENT_AGAIN}");
            return Err(described(401, "invalid_grant", &text));
        }
        if !secret_matches(state, permission.app, self.request, self.form) {
            return Err(wrong_client());
        }
        if refresh.retired {
            state.account.patient(&login).refresh_tokens_reused += 1;
            return Err(invalid_grant());
        }
        if let Some(text) = self.form.filled("scope") {
            let asked = scope::parse(text);
            if !asked.is_subset(&permission.scopes) {
                return Err(library_code(400, "invalid_scope"));
            }
            permission.scopes = asked;
        }
        let patient = permission.patient;
        let context = FaultContext::of(self.service, self.request, Some(patient));
        if is_v3
            && state
                .faults
                .inject(Stage::BeforeRefresh, &context, now)
                .is_some()
        {
            return Err(denied_v3());
        }
        state.ledger.retire(token);
        let issued = state.ledger.issue(permission, now);
        match state.faults.inject(Stage::Refresh, &context, now) {
            Some(FaultKind::RotateThenDeny) => {
                state.account.patient(&login).refreshes_lost += 1;
                Ok(denied_v3())
            }
            Some(FaultKind::RotateThen502) => {
                state.account.patient(&login).refreshes_lost += 1;
                Ok(message(502, "Failed to retrieve data from data source."))
            }
            Some(FaultKind::RotateThenDrop) => {
                state.account.patient(&login).refreshes_lost += 1;
                Ok(Reply::dropped())
            }
            _ => {
                state.account.patient(&login).refreshes += 1;
                let reply = self.success(state, &issued);
                // The crosswalk is resolved after the answer was made: a new id shows a refresh
                // later.
                self.service.records.refreshed(patient);
                Ok(reply)
            }
        }
    }

    fn success(&self, state: &mut State, issued: &Issued) -> Reply {
        let turn = state.ledger.random.next();
        let patient = issued.permission.patient;
        let body = json!({
            "access_token": issued.access_token,
            "expires_in": issued.seconds,
            "token_type": "Bearer",
            "scope": scope::shuffled_text(&issued.permission.scopes, turn),
            "refresh_token": issued.refresh_token,
            "patient": self.service.records.patient_id(patient, self.api.space()),
            "access_grant_expiration": issued.grant_expires.map_or(String::new(), to_seconds_text),
        });
        no_store(Reply::json(200, &body))
    }
}

fn denied_v3() -> Reply {
    message(403, "Request denied")
}
