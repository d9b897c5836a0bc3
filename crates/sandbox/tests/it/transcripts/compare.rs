//! What must be equal between a recorded reply and ours.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::Answer;

/// One way in which a reply differs from the recorded one.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) scenario: String,
    pub(crate) exchange: usize,
    pub(crate) request: String,
    pub(crate) text: String,
}

/// Headers that a client acts upon.
const HEADERS: [&str; 7] = [
    "www-authenticate",
    "cache-control",
    "pragma",
    "retry-after",
    "allow",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
];

/// What the real server's middleware adds to every answer.
const OF_EVERY_ANSWER: [(&str, &str); 5] = [
    ("content-language", "en"),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// The differences found so far; recorded texts are compared in our words.
struct Comparison<'a> {
    expected: &'a Value,
    answer: &'a Answer,
    ours: &'a dyn Fn(&str) -> String,
    found: Vec<String>,
}

/// How a reply differs from the recorded one; `ours` puts our tokens and ids in place of theirs.
pub(crate) fn compare(
    expected: &Value,
    answer: &Answer,
    ours: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let mut comparison = Comparison {
        expected,
        answer,
        ours,
        found: Vec::new(),
    };
    let status = expected["status"].to_string();
    comparison.differ("status", &status, &answer.status.to_string());
    comparison.headers();
    comparison.body();
    comparison.found
}

/// A header of a recorded reply; empty where it has none.
pub(crate) fn recorded_header<'a>(reply: &'a Value, name: &str) -> &'a str {
    let mut headers = reply["headers"].as_array().unwrap().iter();
    let is_it = |pair: &&Value| pair[0].as_str().unwrap().eq_ignore_ascii_case(name);
    headers
        .find(is_it)
        .and_then(|pair| pair[1].as_str())
        .unwrap_or_default()
}

/// Words in the order of the alphabet, once each.
fn in_order<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: BTreeSet<&str> = words.collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl Comparison<'_> {
    fn differ(&mut self, what: &str, theirs: &str, mine: &str) {
        if theirs != mine {
            let text = format!("{what}: recorded {theirs:?}, ours {mine:?}");
            self.found.push(text);
        }
    }

    fn headers(&mut self) {
        let theirs = |name: &str| recorded_header(self.expected, name).to_owned();
        let mine = |name: &str| self.answer.header(name).unwrap_or_default().to_owned();
        let media = |text: String| text.split(';').next().unwrap_or_default().to_owned();
        let mut pairs = vec![(
            "content-type",
            media(theirs("content-type")),
            media(mine("content-type")),
        )];
        for name in HEADERS {
            let (theirs, mine) = (theirs(name), mine(name));
            let counts_down = matches!(name, "x-ratelimit-remaining" | "retry-after")
                && theirs != "None"
                && mine != "None";
            if !counts_down || theirs.is_empty() != mine.is_empty() {
                pairs.push((name, theirs, mine));
            }
        }
        // Their order means nothing. Compression, which the recorded server left to what is in
        // front of it, adds a member of its own.
        let members = |text: String| {
            let text = text.to_lowercase();
            let members = text.split(',').map(str::trim);
            in_order(members.filter(|member| !member.is_empty() && *member != "accept-encoding"))
        };
        pairs.push(("vary", members(theirs("vary")), members(mine("vary"))));
        for (name, value) in OF_EVERY_ANSWER {
            // The recordings were cut down to some headers: where one of these is there, it
            // decides. Pages that were asked for in Spanish say so.
            let (theirs, mine) = (theirs(name), mine(name));
            let expected = match (name, &*mine, &*theirs) {
                ("content-language", "es", "") => "es",
                (_, _, "") => value,
                (_, _, theirs) => theirs,
            };
            pairs.push((name, expected.to_owned(), mine));
        }
        let location = masked_location(&(self.ours)(&theirs("location")));
        pairs.push(("location", location, masked_location(&mine("location"))));
        for (name, theirs, mine) in pairs {
            self.differ(name, &theirs, &mine);
        }
    }

    fn body(&mut self) {
        let recorded = &self.expected["body"];
        let own_text = self.answer.text();
        let own: Value = serde_json::from_slice(&self.answer.body).unwrap_or_default();
        let is_abridged = recorded.get("_abridged").is_some() || recorded.get("note").is_some();
        let is_resource = recorded["resourceType"].is_string() && self.answer.status == 200;
        match recorded {
            Value::String(text) if text.starts_with(['(', '[']) => {
                let is_page = own_text
                    .trim_start()
                    .to_lowercase()
                    .starts_with("<!doctype html");
                let mine = if is_page {
                    "an HTML page"
                } else {
                    "something else"
                };
                self.differ("body", "an HTML page", mine);
            }
            Value::String(text) => self.differ("body", &(self.ours)(text), &own_text),
            bundle if bundle["resourceType"] == "Bundle" => {
                self.differ("resourceType", "Bundle", text(&own, "resourceType"));
                self.differ("links", &relations(bundle), &relations(&own));
                let has = |bundle: &Value| bundle.get("total").is_some().to_string();
                self.differ("total is there", &has(bundle), &has(&own));
            }
            token if token.get("access_token").is_some() => self.token(token, &own),
            user if user.get("given_name").is_some() => {
                self.differ("names", &names(user), &names(&own));
                let patient = (self.ours)(text(user, "patient"));
                self.differ("patient", &patient, text(&own, "patient"));
            }
            resource if is_abridged || is_resource => {
                let kind = text(resource, "resourceType");
                self.differ("resourceType", kind, text(&own, "resourceType"));
            }
            other => {
                let theirs: Value = serde_json::from_str(&(self.ours)(&other.to_string())).unwrap();
                let masked = |value: &Value| match self.answer.status {
                    429 => value.to_string().replace(|c: char| c.is_ascii_digit(), ""),
                    _ => value.to_string(),
                };
                if theirs != own && masked(&theirs) != masked(&own) {
                    self.differ("body", &theirs.to_string(), &own_text);
                }
            }
        }
    }

    fn token(&mut self, recorded: &Value, own: &Value) {
        self.differ("names", &names(recorded), &names(own));
        let scopes = |value| in_order(text(value, "scope").split(' '));
        self.differ("scope", &scopes(recorded), &scopes(own));
        let patient = (self.ours)(text(recorded, "patient"));
        self.differ("patient", &patient, text(own, "patient"));
        let seconds = |value: &Value| value["expires_in"].to_string();
        self.differ("expires_in", &seconds(recorded), &seconds(own));
        let shape = |value: &Value| {
            let text = value["access_grant_expiration"].as_str().unwrap_or("none");
            text.replace(|c: char| c.is_ascii_digit(), "0")
        };
        self.differ("access_grant_expiration", &shape(recorded), &shape(own));
    }
}

fn names(value: &Value) -> String {
    in_order(
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str()),
    )
}

fn relations(bundle: &Value) -> String {
    let links = bundle["link"].as_array().into_iter().flatten();
    links
        .map(|link| text(link, "relation"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A location without what is random: codes, relays, ids of approvals.
fn masked_location(location: &str) -> String {
    let mut masked = location.to_owned();
    for name in ["code=", "relay="] {
        if let Some((before, after)) = masked.clone().split_once(name) {
            let rest = after.find('&').map_or("", |at| &after[at..]);
            masked = format!("{before}{name}*{rest}");
        }
    }
    if let Some((before, after)) = masked.clone().split_once("/o/authorize/")
        && after.get(36..37) == Some("/")
    {
        masked = format!("{before}/o/authorize/*{}", &after[36..]);
    }
    masked
}
