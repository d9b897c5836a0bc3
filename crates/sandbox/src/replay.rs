//! Serving a recording: tokens are the sandbox's own, FHIR answers are those of the recording.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use bytes::Bytes;
use claimlake_contract::{
    ApiVersion, CATALOGUE_FILE, EXCHANGES_FILE, RECORDING_FORMAT, RecordedExchange, RecordedPerson,
    RecordingCatalogue,
};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;

use crate::error::SandboxError;
use crate::http::{Reply, Request};
use crate::serve::records::Records;

/// Headers that belong to the connection or are the sandbox's own business.
const NOT_REPLAYED: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
    "vary",
    "server",
];

/// What identifies a request: the grant's label, method, path without a final slash, sorted query.
type Key = (String, String, String, Vec<(String, String)>);

#[derive(Debug, Default)]
struct Answers {
    list: Vec<RecordedExchange>,
    next: usize,
}

/// A recording, read into memory.
#[derive(Debug)]
pub(crate) struct Recording {
    patients: Vec<RecordedPerson>,
    answers: Mutex<HashMap<Key, Answers>>,
}

impl Recording {
    /// Reads the folder that `extract --record` wrote.
    pub(crate) fn open(folder: &Path) -> Result<Self, SandboxError> {
        let catalogue_path = folder.join(CATALOGUE_FILE);
        let failed = |path: &Path, reason: String| SandboxError::Replay {
            path: path.to_owned(),
            reason,
        };
        let unreadable = |path: &Path, error: &dyn Display| failed(path, error.to_string());
        let text = std::fs::read_to_string(&catalogue_path)
            .map_err(|error| unreadable(&catalogue_path, &error))?;
        let catalogue: RecordingCatalogue =
            serde_json::from_str(&text).map_err(|error| unreadable(&catalogue_path, &error))?;
        if catalogue.format != RECORDING_FORMAT {
            let reason = format!(
                "it has format {}, and this version of claimlake replays {RECORDING_FORMAT}: replay it \
                 with the claimlake that recorded it, or record again with extract --record",
                catalogue.format
            );
            return Err(failed(&catalogue_path, reason));
        }
        let path = folder.join(EXCHANGES_FILE);
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        let decoder = zstd::Decoder::new(file).map_err(|error| unreadable(&path, &error))?;
        let mut answers: HashMap<Key, Answers> = HashMap::new();
        for (number, line) in BufReader::new(decoder).lines().enumerate() {
            let line = line.map_err(|error| unreadable(&path, &error))?;
            let exchange: RecordedExchange = serde_json::from_str(&line).map_err(|error| {
                let (line, column) = (number + 1, error.column());
                let reason = format!("line {line}, column {column} is no exchange");
                failed(&path, reason)
            })?;
            answers
                .entry(key_of(&exchange))
                .or_default()
                .list
                .push(exchange);
        }
        Ok(Self {
            patients: catalogue.people,
            answers: Mutex::new(answers),
        })
    }
}

fn key_of(exchange: &RecordedExchange) -> Key {
    let mut query = exchange.query.clone();
    query.sort();
    (
        exchange.grant.clone(),
        exchange.method.clone(),
        exchange.path.trim_end_matches('/').to_owned(),
        query,
    )
}

impl Records for Recording {
    fn patients(&self) -> usize {
        self.patients.len()
    }

    fn login(&self, patient: usize) -> String {
        self.patients
            .get(patient)
            .map_or(String::new(), |patient| patient.grant.clone())
    }

    fn name(&self, patient: usize) -> (String, String) {
        ("Recorded".into(), self.login(patient))
    }

    fn patient_id(&self, patient: usize, space: ApiVersion) -> String {
        self.patients
            .get(patient)
            .and_then(|patient| patient.patients.get(&space))
            .cloned()
            .unwrap_or_default()
    }

    fn find_login(&self, login: &str) -> Option<usize> {
        self.patients
            .iter()
            .position(|patient| patient.grant == login)
    }

    fn find_patient(&self, id: &str, space: ApiVersion) -> Option<usize> {
        let is_it =
            |patient: &RecordedPerson| patient.patients.get(&space).is_some_and(|own| own == id);
        self.patients.iter().position(is_it)
    }

    fn shares_demographics(&self, patient: usize) -> bool {
        let is_of_patient = |scope: &String| scope.starts_with("patient/Patient.");
        self.patients.get(patient).is_none_or(|patient| {
            patient.scopes.is_empty() || patient.scopes.iter().any(is_of_patient)
        })
    }

    fn recorded(&self, patient: usize, request: &Request) -> Option<Reply> {
        let mut query = request.query.0.clone();
        query.sort();
        let key = (
            self.login(patient),
            request.method.to_string(),
            request.path.trim_end_matches('/').to_owned(),
            query,
        );
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = answers.get_mut(&key) else {
            return Some(missing(&key));
        };
        // Requests that were recorded several times are answered in the recorded order; after that
        // the last answer is repeated.
        let position = found.next.min(found.list.len() - 1);
        found.next += 1;
        Some(replayed(&found.list[position], request))
    }

    fn has_fixed_ids(&self) -> bool {
        true
    }
}

/// A request that was not recorded: its values are left out, since they may identify a patient.
fn missing(key: &Key) -> Reply {
    let (_, method, path, query) = key;
    let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    tracing::warn!(
        method,
        path = without_id(path),
        query.names = names.join(","),
        "the recording holds no answer to this request"
    );
    Reply::json(
        501,
        &json!({
            "error": "the recording holds no answer to this request",
            "method": method,
            "path": without_id(path),
            "query_names": names,
            "hint": "record again with extract --record, with the same pipeline and options",
        }),
    )
}

/// `/v2/fhir/Patient/…` without what follows the type.
fn without_id(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.len() {
        0..=4 => path.to_owned(),
        _ => format!("{}/{{id}}", parts[..4].join("/")),
    }
}

fn replayed(exchange: &RecordedExchange, request: &Request) -> Reply {
    let body = match (&exchange.body, &exchange.body_base64) {
        (Some(text), _) => Bytes::from(on_own_origin(text, &request.origin())),
        (None, Some(encoded)) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map(Bytes::from)
            .unwrap_or_default(),
        (None, None) => Bytes::new(),
    };
    let mut reply = Reply::bytes(exchange.status, "application/json", vec![body]);
    for (name, value) in &exchange.headers {
        let name = name.to_ascii_lowercase();
        if NOT_REPLAYED.contains(&name.as_str()) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            reply.headers.retain(|(known, _)| *known != name);
            reply.headers.push((name, value));
        }
    }
    reply
}

/// Rewrites links, which point to the recorded server, so that they point to this one.
fn on_own_origin(body: &str, origin: &str) -> String {
    let recorded = body
        .find("\"self\"")
        .and_then(|at| body[at..].find("http").map(|offset| &body[at + offset..]))
        .and_then(|rest| rest.split("/fhir/").next())
        .and_then(|base| base.rsplit_once('/'))
        .map(|(base, _)| base)
        .filter(|base| base.len() < 256 && !base.contains('"'));
    match recorded {
        Some(recorded) if recorded != origin => {
            body.replace(&format!("\"{recorded}/v"), &format!("\"{origin}/v"))
        }
        _ => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{on_own_origin, without_id};

    #[test]
    fn links_of_a_recording_lead_to_the_replaying_server() {
        let body = r#"{"link":[{"relation":"next","url":"https://cms.example/v2/fhir/X?a=1"},{"relation":"self","url":"https://cms.example/v2/fhir/X/?b"}]}"#;
        let moved = on_own_origin(body, "http://127.0.0.1:1");
        assert_eq!(moved.matches("http://127.0.0.1:1/v2/fhir/").count(), 2);
        assert!(!moved.contains("cms.example"));
    }

    #[test]
    fn an_error_names_no_id() {
        assert_eq!(without_id("/v2/fhir/Patient/-1"), "/v2/fhir/Patient/{id}");
        assert_eq!(without_id("/v2/fhir/Patient"), "/v2/fhir/Patient");
    }
}
