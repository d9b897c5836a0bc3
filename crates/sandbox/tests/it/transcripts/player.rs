//! Plays the client side of one transcript, with our tokens, codes and ids in place of theirs.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claimlake_contract::ApiVersion;
use claimlake_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};

use super::compare::{Difference, compare, recorded_header};
use crate::app::{App, started};
use crate::client::{Answer, parameter, send};

pub(super) const RECORDED_REDIRECT: &str = "http://127.0.0.1:9999/callback";
pub(super) const MAIN: &str = "h47iZY0Ytty8bp1fHSoKEkzxNJkXiPTVTkUj9tIe";

/// Recorded client ids, and what their apps were.
pub(super) const APPS: [(&str, &str, &str); 7] = [
    ("main", MAIN, "{}"),
    ("other", "ejlcZRGuWOAuyVxZmjHtOsVk6qmeLHf9bPMrK6dh", "{}"),
    ("inactive", "O5HEAs46TWJ7gFGz0i9FPOuaYGa8j00H1uzVyIDr", "{}"),
    (
        "nodemo",
        "OtuKyNZUmkLxcidZAIzyZMVmpEy55bWFDKjNTcLi",
        r#"{"require_demographic_scopes":false}"#,
    ),
    (
        "onetime",
        "B9Qii6rcwsUzopkT7lwYOiI5UI9cdlYlalrAUhCC",
        r#"{"data_access_type":"ONE_TIME"}"#,
    ),
    (
        "research",
        "M7H4BSqLJExD8JKEshej0b8NCu9lbSvhbhQeQEVJ",
        r#"{"data_access_type":"RESEARCH_STUDY"}"#,
    ),
    (
        "partd",
        "ljK3aH4zH93K4oVNBxMZU4L8f2fHF5XB9eHq9em3",
        r#"{"part_d_eob_only":true}"#,
    ),
];

pub(crate) struct Player {
    pub(super) sandbox: Sandbox,
    pub(super) app: App,
    pub(super) scenario: String,
    pub(super) exchanges: Vec<Value>,
    notes: HashMap<u64, Vec<String>>,
    /// Recorded text to ours: tokens, codes, ids, origins.
    pub(super) map: Vec<(String, String)>,
    pub(super) user: String,
    pub(super) patients: HashMap<&'static str, String>,
    totals: (usize, usize),
}

impl Player {
    pub(crate) fn new(transcript: &Value) -> Self {
        let scenario = transcript["scenario"].as_str().unwrap().to_owned();
        let (sandbox, app) = started(SandboxConfig {
            patients: 40,
            eobs_mean: 60,
            ..SandboxConfig::default()
        });
        let mut notes: HashMap<u64, Vec<String>> = HashMap::new();
        for note in transcript["notes"].as_array().unwrap() {
            let text = note["note"].as_str().unwrap().to_owned();
            let after = note["after_exchange"].as_u64().unwrap();
            notes.entry(after).or_default().push(text);
        }
        let exchanges = transcript["exchanges"].as_array().unwrap().clone();
        let mut player = Self {
            map: Vec::new(),
            user: "many".into(),
            patients: HashMap::new(),
            totals: (137, 137),
            sandbox,
            app,
            scenario,
            exchanges,
            notes,
        };
        player.register_apps();
        player.choose_patients();
        player
    }

    fn register_apps(&mut self) {
        let all: String = self
            .exchanges
            .iter()
            .map(|exchange| exchange["request"].to_string())
            .collect();
        for (name, client_id, extra) in APPS {
            let mark = format!("client_id={client_id}&client_secret=");
            let secret = all
                .match_indices(&mark)
                .map(|(at, _)| &all[at + mark.len()..])
                .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap())
                .find(|secret| secret.len() == 128)
                .map(str::to_owned)
                .or_else(|| basic_secret(&all, client_id));
            let title = format!("Demo {}{} c695a7", name[..1].to_uppercase(), &name[1..]);
            let mut app: Value = serde_json::from_str(extra).unwrap();
            app["client_id"] = json!(client_id);
            app["name"] = json!(title);
            app["redirect_uris"] = json!([RECORDED_REDIRECT]);
            app["client_secret"] = json!(secret.unwrap_or_else(|| "s".repeat(128)));
            self.app.admin("apps", app);
        }
    }

    /// Finds patients of ours whose claims are as many as those of the recorded ones.
    fn choose_patients(&mut self) {
        let (v2, v3) = (
            self.sandbox.truth(ApiVersion::V2),
            self.sandbox.truth(ApiVersion::V3),
        );
        let fewer_id_space = |i: &usize| v2[*i].eob_ids.len().min(v3[*i].eob_ids.len());
        let most = (0..v2.len())
            .filter(|i| v2[*i].eob_ids.len().max(v3[*i].eob_ids.len()) <= 150)
            .max_by_key(fewer_id_space)
            .unwrap();
        let few = (0..v2.len())
            .filter(|i| !v2[*i].eob_ids.is_empty() && *i != most)
            .min_by_key(|i| v2[*i].eob_ids.len())
            .unwrap();
        let none = (0..v2.len()).find(|i| v2[*i].eob_ids.is_empty());
        let some = (0..v2.len())
            .find(|i| v2[*i].eob_ids.len() > 12 && ![most, few].contains(i))
            .unwrap_or(few);
        let recorded = [
            ("many", Some(most), "8325", "BBUser00000"),
            ("few", Some(few), "8326", "BBUser00001"),
            ("none", none, "8327", "BBUser00002"),
            ("v2only", Some(some), "8329", "BBUser00004"),
            ("v3only", Some(some), "9001", "BBUser09001"),
        ];
        for (name, patient, suffix, login) in recorded {
            let patient = patient.unwrap_or(few);
            self.patients.insert(name, v2[patient].login.clone());
            let sign = if name == "v3only" { "" } else { "-" };
            self.learn(&format!("-2014000000{suffix}"), &v2[patient].patient);
            self.learn(&format!("{sign}3025000000{suffix}"), &v3[patient].patient);
            if !name.starts_with('v') {
                let token = URL_SAFE_NO_PAD.encode(login);
                self.learn(&token, &URL_SAFE_NO_PAD.encode(&v2[patient].login));
            }
        }
        self.totals = (v2[most].eob_ids.len(), v2[few].eob_ids.len());
        self.learn("pde--10045426497", &v2[most].eob_ids[0]);
        self.learn("carrier--10046426209", &v2[few].eob_ids[0]);
        self.learn("4895504875000", &v3[few].eob_ids[0]);
        self.learn("4894712998760", &v3[most].eob_ids[0]);
    }

    pub(super) fn learn(&mut self, recorded: &str, ours: &str) {
        if !recorded.is_empty() && recorded != ours {
            self.map.push((recorded.to_owned(), ours.to_owned()));
        }
    }

    /// Recorded text with everything of theirs replaced by ours.
    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in self.map.iter().rev() {
            text = text.replace(recorded.as_str(), ours);
        }
        let host = self.sandbox.url().trim_start_matches("http://");
        for port in ["8000", "8001", "8080"] {
            text = text.replace(&format!("127.0.0.1:{port}"), host);
            text = text.replace(&format!("127.0.0.1%3A{port}"), &host.replace(':', "%3A"));
        }
        text
    }

    /// Plays every exchange; what differs is added to `found`.
    pub(crate) fn play(&mut self, found: &mut Vec<Difference>) -> usize {
        for index in 0..self.exchanges.len() {
            let number = u64::try_from(index).unwrap();
            for note in self.notes.remove(&number).unwrap_or_default() {
                self.obey(&note, index);
            }
            self.play_one(index, found);
        }
        self.exchanges.len()
    }

    fn play_one(&mut self, index: usize, found: &mut Vec<Difference>) {
        let exchange = self.exchanges[index].clone();
        self.authorize_if_needed(index);
        let line = exchange["request"]["line"].as_str().unwrap();
        let mut parts = line.split(' ');
        let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
        let target = self.shift_pages(&self.translate(target));
        let body = match &exchange["request"]["body"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let body = self.translate(&body);
        let headers = exchange["request"]["headers"].as_object().unwrap().iter();
        let headers: Vec<(&str, String)> = headers
            .map(|(name, value)| (name.as_str(), self.translate(value.as_str().unwrap())))
            .filter(|(name, value)| {
                let is_ours = *name == "Host" && value.starts_with("127.0.0.1");
                *name != "Content-Length" && !is_ours
            })
            .collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = send(&self.app.base, method, &target, &headers, body.as_bytes());
        let name = format!("{} [{index}] {method} {target}", self.scenario);
        let answer = answer.unwrap_or_else(|| panic!("no answer: {name}"));
        let expected = &exchange["response"];
        let ours = |text: &str| self.shift_pages(&self.translate(text));
        for text in compare(expected, &answer, &ours) {
            found.push(Difference {
                scenario: self.scenario.clone(),
                exchange: index,
                request: line.to_owned(),
                text,
            });
        }
        self.learn_from(expected, &answer);
    }

    /// Page positions near the end of the recorded patient's claims move to the end of ours.
    fn shift_pages(&self, text: &str) -> String {
        let (many, few) = self.totals;
        let (starts, size) = match self.user.as_str() {
            "many" => (
                ["130", "136", "137"]
                    .map(|start| (start, start.parse::<usize>().unwrap() + many - 137))
                    .to_vec(),
                ("size (137)", many),
            ),
            _ => (vec![("5", few + 2)], ("size (3)", few)),
        };
        let mut text = text.replace(size.0, &format!("size ({})", size.1));
        for (start, ours) in starts {
            text = text.replace(
                &format!("startIndex={start}"),
                &format!("startIndex={ours}"),
            );
            text = text.replace(
                &format!("startIndex ({start})"),
                &format!("startIndex ({ours})"),
            );
        }
        text
    }

    fn learn_from(&mut self, expected: &Value, answer: &Answer) {
        let theirs = &expected["body"];
        let ours: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        for name in ["access_token", "refresh_token"] {
            if let (Some(theirs), Some(ours)) = (theirs[name].as_str(), ours[name].as_str()) {
                self.learn(theirs, ours);
            }
        }
        let theirs = recorded_header(expected, "location");
        if let Some(ours) = answer.header("location").filter(|_| !theirs.is_empty()) {
            for name in ["code", "relay"] {
                if let (Some(theirs), Some(ours)) = (parameter(theirs, name), parameter(ours, name))
                {
                    self.learn(&theirs, &ours);
                }
            }
            let approval = |url: &str| {
                let (_, rest) = url.split_once("/o/authorize/")?;
                let id = rest.split('/').next()?;
                (id.len() == 36).then(|| id.to_owned())
            };
            if let (Some(theirs), Some(ours)) = (approval(theirs), approval(ours)) {
                self.learn(&theirs, &ours);
            }
        }
    }
}

fn basic_secret(all: &str, client_id: &str) -> Option<String> {
    all.match_indices("Basic ").find_map(|(at, mark)| {
        let rest = &all[at + mark.len()..];
        let encoded = rest.split('"').next()?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let secret = text.strip_prefix(client_id)?.strip_prefix(':')?;
        (secret.len() == 128).then(|| secret.to_owned())
    })
}
