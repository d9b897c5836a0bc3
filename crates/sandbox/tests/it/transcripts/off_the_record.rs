//! What an operator or a browser did between the recorded exchanges.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::player::{APPS, MAIN, Player, RECORDED_REDIRECT};
use crate::app::App;

impl Player {
    /// Does what an operator or a browser did off the record.
    pub(super) fn obey(&mut self, note: &str, index: usize) {
        let app = self.app.clone();
        let login = self.patients["many"].clone();
        let admin = |route: &str, body: Value| app.admin(route, body);
        if let Some((_, user)) = note.split_once(", user '") {
            self.user = user.split('\'').next().unwrap().to_owned();
            self.authorize_next(index);
        } else if note.starts_with("the same beneficiary consents a second time") {
            self.authorize_next(index);
        } else if note.contains("access token is made to expire") {
            admin("grant", json!({"login": login, "action": "expire-tokens"}));
        } else if note.contains("grant is made to expire") {
            admin("grant", json!({"login": login, "action": "expire"}));
        } else if note.contains("the grant is removed") {
            admin("grant", json!({"login": login, "action": "delete"}));
        } else if note.contains("the code is made to expire") {
            self.authorize_next(index);
            admin("clock", json!({"advance_seconds": 61}));
        } else if note.contains("is deactivated") || note.contains("is active again") {
            let active = note.contains("is active again");
            admin("apps", json!({"client_id": APPS[2].1, "active": active}));
        } else if note.contains("TOKEN_THROTTLE_RATE=5/minute") {
            admin("settings", json!({"rate_limit": "5/minute"}));
        } else if note.contains("objects.create(name='v3_early_adopter'") {
            admin("settings", json!({"v3": "early-adopters"}));
        } else if note.contains("objects.filter(name='v3_early_adopter'") {
            admin("settings", json!({"v3": "open"}));
        } else if let Some((_, failure)) = note.split_once("next call fails: ") {
            let v3 = self.scenario.starts_with("v3");
            let status = failure
                .split_once("'status': ")
                .and_then(|(_, rest)| rest.get(..3))
                .unwrap_or("500");
            let login = self.exchanges[index]["note"] == "app sends the browser to authorize";
            let fault = match () {
                () if failure.contains("'count': 9") => return,
                () if failure.contains("_search") && login => {
                    "502:count=1,skip=2,only=login".into()
                }
                () if failure.contains("_search") => "rotate-then-502:count=1".into(),
                () if failure.contains("'delay'") || failure.contains("'kind'") => {
                    "500:count=1".into()
                }
                () if v3 && status.starts_with('5') => "500:count=1".into(),
                () => format!("backend:status={status},count=1"),
            };
            admin("faults", json!([fault]));
        }
    }

    /// Obtains the next code that was obtained off the record, now.
    fn authorize_next(&mut self, index: usize) {
        let next = (index..self.exchanges.len()).find(|index| self.unknown_code(*index).is_some());
        if let Some(next) = next {
            self.authorize_if_needed(next);
        }
    }

    fn form(&self, index: usize) -> HashMap<String, String> {
        let body = self.exchanges[index]["request"]["body"]
            .as_str()
            .unwrap_or_default();
        url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect()
    }

    /// The code of an exchange that no earlier reply handed out.
    fn unknown_code(&self, index: usize) -> Option<String> {
        let line = self.exchanges[index]["request"]["line"].as_str()?;
        let code = self.form(index).remove("code")?;
        let made_up = code.starts_with("AAAA");
        let known = self.map.iter().any(|(recorded, _)| *recorded == code);
        let recorded = self.exchanges[..index].iter().any(|exchange| {
            exchange["response"]["headers"]
                .to_string()
                .contains(&format!("code={code}"))
        });
        let asks = line.starts_with("POST") && line.contains("/o/token") && code.len() == 30;
        (asks && !made_up && !known && !recorded).then_some(code)
    }

    pub(super) fn authorize_if_needed(&mut self, index: usize) {
        let Some(code) = self.unknown_code(index) else {
            return;
        };
        let uses: Vec<usize> = (index..self.exchanges.len())
            .filter(|other| self.form(*other).get("code") == Some(&code))
            .collect();
        let status = |index: &usize| self.exchanges[*index]["response"]["status"].as_u64();
        let good = uses.iter().find(|index| status(index) == Some(200));
        let form = self.form(*good.unwrap_or(&index));
        let version: u8 = self.exchanges[index]["request"]["line"].as_str().unwrap()[7..8]
            .parse()
            .unwrap();
        let client_id = match (good, form.get("client_id")) {
            (Some(_), Some(client_id)) => client_id.clone(),
            _ => MAIN.to_owned(),
        };
        let verifier = uses
            .iter()
            .filter_map(|index| self.form(*index).remove("code_verifier"))
            .find(|verifier| !verifier.starts_with("BBBB"))
            .unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let scope = good
            .and_then(|index| self.exchanges[*index]["response"]["body"]["scope"].as_str())
            .unwrap_or("openid profile patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs launch/patient")
            .to_owned();
        let app = App {
            id: client_id,
            ..self.app.clone()
        };
        let changes = [
            ("redirect_uri", Some(RECORDED_REDIRECT)),
            ("code_challenge", Some(&*challenge)),
            ("scope", Some(&*scope)),
        ];
        let login = &self.patients[self.user.as_str()];
        let page = app.consent_page(version, login, &changes);
        assert_eq!(app.get(&page).status, 200);
        let shared = self.scenario == "v3_09_demographics" && index == 28;
        let samhsa = if shared { "True" } else { "False" };
        let ours = app.allow(&page, &[("share_samhsa_data", samhsa)]);
        self.learn(&code, &ours);
    }
}
