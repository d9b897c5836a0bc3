//! Queries a server without a token: whether it answers, its time, and how its metadata differ from
//! the built-in profile. For `doctor`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::http::HttpTimeouts;
use crate::http::body::BodyLimits;
use crate::http::client::Client;
use crate::http::transport::Transport;

/// The profile that servers are compared with: what Blue Button said of itself in August 2026.
pub const PROFILE: &str = "bb-2026-08";

const PROFILE_TEXT: &str = include_str!("profile_bb_2026_08.json");
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);
const BODIES: BodyLimits = BodyLimits {
    largest: 4 << 20,
    ..BodyLimits::DEFAULT
};
/// The resource types that the tables are made from.
const RESOURCES: [&str; 3] = ["Coverage", "ExplanationOfBenefit", "Patient"];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerProbe {
    /// Why it could not be queried, or gave an unexpected answer, with the name of the document.
    pub broken: Vec<String>,
    /// How its metadata differ from the profile.
    pub differences: Vec<String>,
    /// The server's clock.
    pub date: Option<DateTime<Utc>>,
}

/// Asks a server for everything it says of itself.
pub async fn probe_server(base_url: &Url, api: ApiVersion) -> ServerProbe {
    let mut probe = ServerProbe::default();
    let timeouts = HttpTimeouts {
        connect: TIMEOUT,
        read: TIMEOUT,
        total: TIMEOUT,
        ..HttpTimeouts::default()
    };
    let client = match Client::with_bodies(base_url, timeouts, 1, BODIES) {
        Ok(client) => client,
        Err(reason) => {
            probe.broken.push(reason);
            return probe;
        }
    };
    let base = base_url.as_str().trim_end_matches('/');
    let filled = PROFILE_TEXT
        .replace("{base}", base)
        .replace("{api}", api.as_str());
    let Ok(profile) = serde_json::from_str::<Map<String, Value>>(&filled) else {
        probe
            .broken
            .push("the profile built in is not readable".into());
        return probe;
    };
    for (path, expected) in &profile {
        match get(&client, &format!("{base}{path}")).await {
            Ok((found, date)) => {
                probe.date = probe.date.or(date);
                compare(path, expected, &found, &mut probe.differences);
            }
            // The other documents come over the same connection.
            Err(Failure::Unreachable(reason)) => {
                probe.broken.push(reason);
                break;
            }
            Err(Failure::Answer(reason)) => probe.broken.push(format!("{path}: {reason}")),
        }
    }
    probe
}

/// Why a document could not be read.
enum Failure {
    /// No connection to the server came about.
    Unreachable(String),
    /// This document's answer is not as it should be.
    Answer(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Answer(reason)
    }
}

async fn get(client: &Client, url: &str) -> Result<(Value, Option<DateTime<Utc>>), Failure> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let answer = match client.get_public(url).await {
        Ok(answer) => answer,
        Err(Transport::NotConnected(why)) => {
            return Err(Failure::Unreachable(why.words().to_owned()));
        }
        Err(other) => return Err(other.to_string().into()),
    };
    if answer.status != 200 {
        return Err(format!("HTTP {} where 200 is due", answer.status).into());
    }
    let date = answer.headers.date.as_deref();
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let value = serde_json::from_slice(&answer.body);
    let value = value.map_err(|_| "the answer is not JSON".to_owned())?;
    Ok((value, date.map(|date| date.to_utc())))
}

/// Names members that are missing or differ, and missing entries of lists. Additions do no harm.
fn compare(path: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    for (name, expected) in expected.as_object().into_iter().flatten() {
        match (expected, &found[name]) {
            (_, Value::Null) => differences.push(format!("{path}: {name} is gone")),
            (Value::Array(expected), Value::Array(found)) => {
                let gone = expected.iter().filter(|value| !found.contains(value));
                for value in gone {
                    differences.push(format!("{path}: {name} no longer has {value}"));
                }
            }
            (expected, found) if expected != found => {
                let shown = shown(found);
                differences.push(format!("{path}: {name} is {shown} where {expected} was"));
            }
            _ => {}
        }
    }
    if path.ends_with("/metadata") {
        compare_resources(path, found, differences);
    }
}

/// A statement that names resources must name ours, and let them be searched for.
fn compare_resources(path: &str, found: &Value, differences: &mut Vec<String>) {
    let Some(resources) = found["rest"][0]["resource"].as_array() else {
        return;
    };
    let searched: BTreeSet<&str> = resources
        .iter()
        .filter(|resource| {
            let interactions = resource["interaction"].as_array().into_iter().flatten();
            interactions
                .into_iter()
                .any(|one| one["code"] == "search-type")
        })
        .filter_map(|resource| resource["type"].as_str())
        .collect();
    for resource in RESOURCES.iter().filter(|one| !searched.contains(*one)) {
        differences.push(format!("{path}: {resource} can no longer be searched for"));
    }
}

/// A value from the server, shortened because it may be anything.
fn shown(value: &Value) -> String {
    let text: String = value.to_string().chars().take(120).collect();
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ApiVersion;
    use claimlake_sandbox::SandboxConfig;
    use serde_json::json;

    use super::{compare, probe_server};

    #[test]
    fn what_is_gone_or_other_is_named_and_what_is_new_is_not() {
        let expected = json!({"a": "x", "list": ["one", "two"], "gone": 1, "same": true});
        let found = json!({"a": "y", "list": ["two", "three"], "same": true, "new": 7});
        let mut differences = Vec::new();
        compare("/doc", &expected, &found, &mut differences);
        assert_eq!(
            differences,
            [
                "/doc: a is \"y\" where \"x\" was",
                "/doc: list no longer has \"one\"",
                "/doc: gone is gone",
            ]
        );
    }

    #[test]
    fn a_statement_without_claims_is_a_difference() {
        let searchable =
            |name: &str| json!({"type": name, "interaction": [{"code": "search-type"}]});
        let found =
            json!({"rest": [{"resource": [searchable("Patient"), searchable("Coverage")]}]});
        let mut differences = Vec::new();
        compare("/v2/fhir/metadata", &json!({}), &found, &mut differences);
        assert_eq!(
            differences,
            ["/v2/fhir/metadata: ExplanationOfBenefit can no longer be searched for"]
        );
    }

    #[tokio::test]
    async fn the_sandbox_says_of_itself_what_the_profile_holds() {
        let sandbox = claimlake_sandbox::start(SandboxConfig::default())
            .await
            .unwrap();
        let url = sandbox.url().parse().unwrap();
        for api in [ApiVersion::V2, ApiVersion::V3] {
            let probe = probe_server(&url, api).await;
            assert_eq!(probe.broken, [""; 0]);
            assert_eq!(probe.differences, [""; 0]);
        }
        sandbox.shutdown().await;
        let gone = probe_server(&url, ApiVersion::V2).await;
        assert_eq!(gone.broken.len(), 1, "{:?}", gone.broken);
        assert!(gone.broken[0].contains("the connection was refused"));
    }
}
