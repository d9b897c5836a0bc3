//! The format of recordings: HTTP exchanges with a Blue Button server, as `extract --record` writes
//! them and `sandbox --replay` serves them.
//!
//! A folder contains [`CATALOGUE_FILE`] (one [`RecordingCatalogue`]) and [`EXCHANGES_FILE`] (one
//! [`RecordedExchange`] per line). Neither ever contains a token, code or secret: requests name
//! their grant by a label, and exchanges with the token endpoint are left out or have
//! [`PLACEHOLDER`] in place of the secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ApiVersion;

/// The version of the recording format.
pub const RECORDING_FORMAT: u32 = 1;

/// The catalogue within a recording's folder.
pub const CATALOGUE_FILE: &str = "catalogue.json";

/// The exchanges within a recording's folder: NDJSON, zstd.
pub const EXCHANGES_FILE: &str = "exchanges.ndjson.zst";

/// Replaces a token, code or secret.
pub const PLACEHOLDER: &str = "***";

/// What is in a recording and which patients it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingCatalogue {
    /// [`RECORDING_FORMAT`] at the time of writing.
    pub format: u32,
    /// What was recorded, for a reader.
    #[serde(default)]
    pub title: String,
    /// What each part shows, for a reader.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether the patients are real: such a recording is never committed or shared.
    #[serde(default)]
    pub holds_phi: bool,
    /// The patients whose exchanges are recorded.
    pub people: Vec<RecordedPerson>,
    /// How many lines [`EXCHANGES_FILE`] has.
    #[serde(default)]
    pub exchanges: u64,
}

/// One patient of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedPerson {
    /// A label for the grant whose token was used, the same for all of its requests; empty for
    /// requests without a token.
    pub grant: String,
    /// The patient id in each id space that was recorded.
    pub patients: BTreeMap<ApiVersion, String>,
    /// Scopes that had been granted; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// One request and its reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedExchange {
    /// `GET`.
    pub method: String,
    /// The path, without the origin: `/v2/fhir/Patient`.
    pub path: String,
    /// The query's names and values, decoded and sorted.
    pub query: Vec<(String, String)>,
    /// Those request headers that decide the answer: `accept`, `prefer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, String)>,
    /// The label of the grant the request was made with; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grant: String,
    /// The reply's status.
    pub status: u16,
    /// The reply's headers, without those of the connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The reply's body if it is UTF-8 text; otherwise `None`, and the body is in `body_base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The reply's body in base64 if it is not UTF-8 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::RecordedExchange;

    #[test]
    fn an_exchange_reads_back_what_it_wrote_and_leaves_out_what_is_empty() {
        let exchange = RecordedExchange {
            method: "GET".into(),
            path: "/v2/fhir/Patient".into(),
            query: vec![("_count".into(), "50".into())],
            request_headers: Vec::new(),
            grant: "person-1".into(),
            status: 200,
            headers: Vec::new(),
            body: Some("{}".into()),
            body_base64: None,
        };
        let line = serde_json::to_string(&exchange).unwrap();
        assert_eq!(
            line,
            r#"{"method":"GET","path":"/v2/fhir/Patient","query":[["_count","50"]],"grant":"person-1","status":200,"body":"{}"}"#
        );
        assert_eq!(
            serde_json::from_str::<RecordedExchange>(&line).unwrap(),
            exchange
        );
    }
}
