//! A client's side of OAuth, step by step.

use claimlake_sandbox::Sandbox;
use serde_json::Value;

use crate::client::{Answer, encode, get, parameter, post_form, try_post_form};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:9999/callback";
pub(crate) const STATE: &str = "a-state-of-some-length";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const SCOPES: &str =
    "openid profile patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs";

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
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        Self {
            base: sandbox.url().to_owned(),
            id: sandbox.client_id().to_owned(),
            secret: sandbox.client_secret().expose().to_owned(),
        }
    }

    pub(crate) fn authorize_query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("response_type", "code".into()),
            ("client_id", self.id.clone()),
            ("redirect_uri", REDIRECT.into()),
            ("state", STATE.into()),
            ("code_challenge", CHALLENGE.into()),
            ("code_challenge_method", "S256".into()),
            ("scope", SCOPES.into()),
        ]
    }

    /// Walks from authorize to the consent page as a browser does; its URL.
    pub(crate) fn consent_page(&self, version: u8, login: &str) -> String {
        let query = self.authorize_query();
        let pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.consent_page_of(
            &format!("/v{version}/o/authorize/?{}", encode(&pairs)),
            login,
        )
    }

    pub(crate) fn consent_page_of(&self, authorize: &str, login: &str) -> String {
        let first = get(&self.base, authorize);
        assert_eq!(first.status, 302, "{}", first.text());
        let second = get(&self.base, first.location());
        assert_eq!(second.status, 302, "{}", second.text());
        let page = second
            .location()
            .strip_prefix(&self.base)
            .unwrap()
            .to_owned();
        assert_eq!(get(&self.base, &page).status, 200);
        let relay = parameter(&page, "relay").unwrap();
        let third = post_form(
            &self.base,
            "/sso/login",
            &[("relay", &relay), ("username", login), ("password", "x")],
        );
        assert_eq!(third.status, 302);
        let fourth = get(&self.base, third.location());
        assert_eq!(fourth.status, 302, "{}", fourth.text());
        fourth.location().to_owned()
    }

    /// A code, by clicking through the pages.
    pub(crate) fn code(&self, version: u8, login: &str, ticks: &[(&str, &str)]) -> String {
        let page = self.consent_page(version, login);
        let mut fields = ticks.to_vec();
        fields.push(("allow", "Connect"));
        let answer = post_form(&self.base, &page, &fields);
        assert_eq!(answer.status, 302, "{}", answer.text());
        parameter(answer.location(), "code").expect("a code")
    }

    pub(crate) fn exchange(&self, version: u8, code: &str) -> Answer {
        post_form(
            &self.base,
            &format!("/v{version}/o/token/"),
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
                ("client_id", &self.id),
                ("client_secret", &self.secret),
            ],
        )
    }

    pub(crate) fn refresh(&self, version: u8, token: &str) -> Answer {
        self.try_refresh(version, token).expect("an answer")
    }

    pub(crate) fn try_refresh(&self, version: u8, token: &str) -> Option<Answer> {
        try_post_form(
            &self.base,
            &format!("/v{version}/o/token/"),
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", token),
                ("client_id", &self.id),
                ("client_secret", &self.secret),
            ],
        )
    }

    /// A grant, from the first page to the tokens.
    pub(crate) fn grant(&self, version: u8, login: &str) -> Pair {
        let ticks: &[(&str, &str)] = if version == 3 {
            &[("share_samhsa_data", "True")]
        } else {
            &[]
        };
        pair(&self.exchange(version, &self.code(version, login, ticks)))
    }
}

pub(crate) fn pair(answer: &Answer) -> Pair {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    Pair {
        access: body["access_token"].as_str().unwrap().to_owned(),
        refresh: body["refresh_token"].as_str().unwrap().to_owned(),
        body,
    }
}
