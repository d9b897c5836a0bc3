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

/// The members of a list header, whose order means nothing. Compression, which the recorded server
/// left to what is in front of it, adds one of its own.
fn as_set(text: &str) -> String {
    let members: BTreeSet<String> = text
        .split(',')
        .map(|member| member.trim().to_lowercase())
        .filter(|member| !member.is_empty() && member != "accept-encoding")
        .collect();
    members.into_iter().collect::<Vec<_>>().join(", ")
}

pub(crate) fn compare(
    expected: &Value,
    answer: &Answer,
    ours: impl Fn(&str) -> String,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, theirs: &str, mine: &str| {
        if theirs != mine {
            found.push(format!("{what}: recorded {theirs:?}, ours {mine:?}"));
        }
    };
    let status = expected["status"].as_u64().unwrap();
    differ("status", &status.to_string(), &answer.status.to_string());
    let header = |name: &str| {
        expected["headers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name))
            .and_then(|pair| pair[1].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let media = |text: &str| text.split(';').next().unwrap_or_default().to_owned();
    let own_type = answer.header("content-type").unwrap_or_default();
    differ(
        "content-type",
        &media(&header("content-type")),
        &media(own_type),
    );
    for name in HEADERS {
        let theirs = header(name);
        let mine = answer.header(name).unwrap_or_default().to_owned();
        let counts_down = matches!(name, "x-ratelimit-remaining" | "retry-after")
            && theirs != "None"
            && mine != "None";
        if !counts_down || theirs.is_empty() != mine.is_empty() {
            differ(name, &theirs, &mine);
        }
    }
    differ(
        "vary",
        &as_set(&header("vary")),
        &as_set(answer.header("vary").unwrap_or_default()),
    );
    for (name, value) in OF_EVERY_ANSWER {
        // The recordings were cut down to some headers: where one of these is there, it decides.
        let theirs = header(name);
        let mine = answer.header(name).unwrap_or_default();
        // Pages that were asked for in Spanish say so.
        let is_spanish = name == "content-language" && mine == "es" && theirs.is_empty();
        let expected = if theirs.is_empty() { value } else { &theirs };
        differ(name, if is_spanish { "es" } else { expected }, mine);
    }
    let theirs = masked_location(&ours(&header("location")));
    let mine = masked_location(answer.header("location").unwrap_or_default());
    differ("location", &theirs, &mine);
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    match &expected["body"] {
        Value::String(text) if text.is_empty() => {
            differ("body", "", &answer.text());
        }
        Value::String(text) if text.starts_with('(') || text.starts_with('[') => {
            let html = answer
                .text()
                .trim_start()
                .to_lowercase()
                .starts_with("<!doctype html");
            differ(
                "body",
                "an HTML page",
                if html {
                    "an HTML page"
                } else {
                    "something else"
                },
            );
        }
        Value::String(text) => differ("body", &ours(text), &answer.text()),
        recorded if recorded["resourceType"] == "Bundle" => {
            differ(
                "resourceType",
                "Bundle",
                body["resourceType"].as_str().unwrap_or_default(),
            );
            differ("links", &relations(recorded), &relations(&body));
            let has = |bundle: &Value| bundle.get("total").is_some().to_string();
            differ("total is there", &has(recorded), &has(&body));
        }
        recorded if recorded.get("access_token").is_some() => {
            token(recorded, &body, &ours, &mut differ)
        }
        recorded if recorded.get("_abridged").is_some() || recorded.get("note").is_some() => {
            let kind = |value: &Value| {
                value["resourceType"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            differ("resourceType", &kind(recorded), &kind(&body));
        }
        recorded if recorded.get("given_name").is_some() => {
            differ("names", &names(recorded), &names(&body));
            differ(
                "patient",
                &ours(recorded["patient"].as_str().unwrap()),
                body["patient"].as_str().unwrap_or_default(),
            );
        }
        recorded if recorded["resourceType"].is_string() && answer.status == 200 => {
            let kind = recorded["resourceType"].as_str().unwrap();
            differ(
                "resourceType",
                kind,
                body["resourceType"].as_str().unwrap_or_default(),
            );
        }
        recorded => {
            let theirs: Value = serde_json::from_str(&ours(&recorded.to_string())).unwrap();
            let masked = |value: &Value| match status {
                429 => value.to_string().replace(|c: char| c.is_ascii_digit(), ""),
                _ => value.to_string(),
            };
            if theirs != body && masked(&theirs) != masked(&body) {
                differ("body", &theirs.to_string(), &answer.text());
            }
        }
    }
    found
}

fn token(
    recorded: &Value,
    body: &Value,
    ours: impl Fn(&str) -> String,
    differ: &mut impl FnMut(&str, &str, &str),
) {
    differ("names", &names(recorded), &names(body));
    let scopes = |value: &Value| {
        let text = value["scope"].as_str().unwrap_or_default();
        text.split(' ')
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    differ("scope", &scopes(recorded), &scopes(body));
    let patient = ours(recorded["patient"].as_str().unwrap());
    differ(
        "patient",
        &patient,
        body["patient"].as_str().unwrap_or_default(),
    );
    differ(
        "expires_in",
        &recorded["expires_in"].to_string(),
        &body["expires_in"].to_string(),
    );
    let shape = |value: &Value| {
        let text = value["access_grant_expiration"].as_str().unwrap_or("none");
        text.chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect::<String>()
    };
    differ("access_grant_expiration", &shape(recorded), &shape(body));
}

fn names(value: &Value) -> String {
    let names: BTreeSet<&str> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn relations(bundle: &Value) -> String {
    let links = bundle["link"].as_array().cloned().unwrap_or_default();
    links
        .iter()
        .map(|link| link["relation"].as_str().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A location without what is random: codes, relays, ids of approvals.
fn masked_location(location: &str) -> String {
    let mut masked = location.to_owned();
    for name in ["code=", "relay="] {
        if let Some((before, after)) = masked.clone().split_once(name) {
            let rest = after
                .split_once('&')
                .map_or(String::new(), |(_, rest)| format!("&{rest}"));
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
