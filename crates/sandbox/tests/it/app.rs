//! An app that reads from a sandbox: requests, and its side of OAuth step by step.

use claimlake_sandbox::{Sandbox, SandboxConfig, start};
use serde_json::{Value, json};

use crate::client::{Answer, encode, parameter, send};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:9999/callback";
pub(crate) const STATE: &str = "a-state-of-some-length";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const SCOPES: &str =
    "openid profile patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs";

/// Names and values; a later one replaces an earlier one of the same name, `None` removes it.
pub(crate) type Changes<'a> = [(&'a str, Option<&'a str>)];

/// A running sandbox and its default app.
pub(crate) fn started(config: SandboxConfig) -> (Sandbox, App) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let sandbox = runtime.block_on(start(config)).unwrap();
    let app = App {
        base: sandbox.url().to_owned(),
        id: sandbox.client_id().to_owned(),
        secret: sandbox.client_secret().expose().to_owned(),
    };
    (sandbox, app)
}

/// The settings of a sandbox of three patients.
pub(crate) fn small() -> SandboxConfig {
    SandboxConfig {
        patients: 3,
        ..SandboxConfig::default()
    }
}

/// An app's credentials.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// A pair of tokens.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) body: Value,
}

impl App {
    pub(crate) fn get(&self, target: &str) -> Answer {
        send(&self.base, "GET", target, &[], b"").expect("an answer")
    }

    pub(crate) fn get_as(&self, token: &str, target: &str) -> Answer {
        self.try_get_as(token, target).expect("an answer")
    }

    pub(crate) fn try_get_as(&self, token: &str, target: &str) -> Option<Answer> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("accept", "application/json")];
        send(&self.base, "GET", target, &headers, b"")
    }

    pub(crate) fn status(&self, token: &str, target: &str) -> u16 {
        self.get_as(token, target).status
    }

    pub(crate) fn post(&self, target: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(target, form).expect("an answer")
    }

    fn try_post(&self, target: &str, form: &[(&str, &str)]) -> Option<Answer> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        send(
            &self.base,
            "POST",
            target,
            &headers,
            encode(form).as_bytes(),
        )
    }

    /// A form with the app's credentials.
    pub(crate) fn post_own(&self, target: &str, form: &[(&str, &str)]) -> Answer {
        self.post(target, &self.with_credentials(form))
    }

    fn with_credentials<'a>(&'a self, form: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut form = form.to_vec();
        form.extend([("client_id", &*self.id), ("client_secret", &*self.secret)]);
        form
    }

    pub(crate) fn post_json(&self, target: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        send(&self.base, "POST", target, &headers, body.as_bytes()).expect("an answer")
    }

    /// Posts to an admin route, which accepts it.
    pub(crate) fn admin(&self, route: &str, body: Value) -> Answer {
        let answer = self.post_json(&format!("/_sandbox/{route}"), &body);
        assert_eq!(answer.status, 200, "{route}: {}", answer.text());
        answer
    }

    /// Another app, registered while the sandbox runs.
    pub(crate) fn registered(&self, settings: Value) -> Self {
        let app = self.admin("apps", settings);
        let text = |pointer| app.at(pointer).as_str().unwrap().to_owned();
        Self {
            base: self.base.clone(),
            id: text("/client_id"),
            secret: text("/client_secret"),
        }
    }

    /// The query of an authorization request.
    pub(crate) fn authorize_query(&self, changes: &Changes<'_>) -> String {
        let query = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", REDIRECT),
            ("state", STATE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", SCOPES),
        ];
        encode(&changed(&query, changes))
    }

    /// Walks from authorize to the consent page as a browser does; its URL.
    pub(crate) fn consent_page(&self, version: u8, login: &str, changes: &Changes<'_>) -> String {
        let query = self.authorize_query(changes);
        self.consent_page_of(&format!("/v{version}/o/authorize/?{query}"), login)
    }

    pub(crate) fn consent_page_of(&self, authorize: &str, login: &str) -> String {
        let first = self.get(authorize);
        assert_eq!(first.status, 302, "{}", first.text());
        let second = self.get(first.location());
        assert_eq!(second.status, 302, "{}", second.text());
        let page = second.location().strip_prefix(&self.base).unwrap();
        assert_eq!(self.get(page).status, 200);
        let relay = parameter(page, "relay").unwrap();
        let form = [("relay", &*relay), ("username", login), ("password", "x")];
        let third = self.post("/sso/login", &form);
        assert_eq!(third.status, 302);
        let fourth = self.get(third.location());
        assert_eq!(fourth.status, 302, "{}", fourth.text());
        fourth.location().to_owned()
    }

    /// A code, by clicking through the pages.
    pub(crate) fn code(&self, version: u8, login: &str, ticks: &[(&str, &str)]) -> String {
        self.allow(&self.consent_page(version, login, &[]), ticks)
    }

    /// The code of a consent page that is answered with yes.
    pub(crate) fn allow(&self, page: &str, ticks: &[(&str, &str)]) -> String {
        let answer = self.post(page, &[ticks, &[("allow", "Connect")]].concat());
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.sent("code").expect("a code")
    }

    pub(crate) fn exchange(&self, version: u8, code: &str, changes: &Changes<'_>) -> Answer {
        let form = self.with_credentials(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        self.post(&format!("/v{version}/o/token/"), &changed(&form, changes))
    }

    pub(crate) fn refresh(&self, version: u8, token: &str) -> Answer {
        self.try_refresh(version, token).expect("an answer")
    }

    pub(crate) fn try_refresh(&self, version: u8, token: &str) -> Option<Answer> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let target = format!("/v{version}/o/token/");
        self.try_post(&target, &self.with_credentials(&form))
    }

    pub(crate) fn refreshed(&self, version: u8, token: &str) -> Pair {
        pair(&self.refresh(version, token))
    }

    /// A grant, from the first page to the tokens.
    pub(crate) fn grant(&self, version: u8, login: &str) -> Pair {
        let ticks: &[_] = match version {
            3 => &[("share_samhsa_data", "True")],
            _ => &[],
        };
        self.granted(version, login, ticks)
    }

    pub(crate) fn granted(&self, version: u8, login: &str, ticks: &[(&str, &str)]) -> Pair {
        let code = self.code(version, login, ticks);
        pair(&self.exchange(version, &code, &[]))
    }

    /// Moves the sandbox's clock.
    pub(crate) fn wait_months(&self, months: u32) {
        self.admin("clock", json!({"advance_months": months}));
    }
}

fn changed<'a>(pairs: &[(&'a str, &'a str)], changes: &Changes<'a>) -> Vec<(&'a str, &'a str)> {
    let mut pairs = pairs.to_vec();
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (*name, value)));
    }
    pairs
}

pub(crate) fn pair(answer: &Answer) -> Pair {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Pair {
        access: text("access_token"),
        refresh: text("refresh_token"),
        body,
    }
}
