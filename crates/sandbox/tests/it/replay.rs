//! A recording is served as it was made, and what was not recorded is named.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use claimlake_contract::{
    ApiVersion, CATALOGUE_FILE, EXCHANGES_FILE, RECORDING_FORMAT, RecordedExchange, RecordedPerson,
    RecordingCatalogue,
};
use claimlake_sandbox::{SandboxConfig, SandboxError, SandboxErrorKind, start};

use crate::app::started;

fn exchange(query: [(&str, &str); 2], body: &str) -> RecordedExchange {
    RecordedExchange {
        method: "GET".into(),
        path: "/v2/fhir/Coverage".into(),
        query: query
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        request_headers: Vec::new(),
        grant: "person-1".into(),
        status: 200,
        headers: vec![("X-RateLimit-Limit".into(), "100000".into())],
        body: Some(body.into()),
        body_base64: None,
    }
}

fn write(folder: &Path, exchanges: &[RecordedExchange]) {
    let catalogue = RecordingCatalogue {
        format: RECORDING_FORMAT,
        title: "two answers".into(),
        notes: Vec::new(),
        holds_phi: false,
        people: vec![RecordedPerson {
            grant: "person-1".into(),
            patients: BTreeMap::from([(ApiVersion::V2, "-1".to_owned())]),
            scopes: Vec::new(),
        }],
        exchanges: u64::try_from(exchanges.len()).unwrap(),
    };
    let text = serde_json::to_string(&catalogue).unwrap();
    std::fs::write(folder.join(CATALOGUE_FILE), text).unwrap();
    let file = std::fs::File::create(folder.join(EXCHANGES_FILE)).unwrap();
    let mut encoder = zstd::Encoder::new(file, 3).unwrap();
    for exchange in exchanges {
        writeln!(encoder, "{}", serde_json::to_string(exchange).unwrap()).unwrap();
    }
    encoder.finish().unwrap();
}

fn replaying(folder: &Path) -> SandboxConfig {
    SandboxConfig {
        replay: Some(folder.to_owned()),
        ..SandboxConfig::default()
    }
}

#[test]
fn recorded_answers_come_back_in_order_and_an_unknown_request_is_named_without_values() {
    let folder = tempfile::tempdir().unwrap();
    let query = [("_count", "50"), ("beneficiary", "-1")];
    let exchanges = [
        exchange(query, r#"{"resourceType":"Bundle","id":"first"}"#),
        exchange(query, r#"{"resourceType":"Bundle","id":"second"}"#),
    ];
    write(folder.path(), &exchanges);
    let (sandbox, app) = started(replaying(folder.path()));
    assert_eq!(sandbox.logins(), ["person-1"]);
    let pair = app.grant(2, "person-1");
    assert_eq!(pair.body["patient"], "-1");
    let target = "/v2/fhir/Coverage?beneficiary=-1&_count=50";
    let bodies = [(); 3].map(|()| app.get_as(&pair.access, target).at("/id"));
    assert_eq!(bodies, ["first", "second", "second"]);
    let unknown = app.get_as(&pair.access, "/v2/fhir/Patient?_id=-1&x=secret");
    assert_eq!(unknown.status, 501);
    assert_eq!(unknown.at("/path"), "/v2/fhir/Patient");
    assert_eq!(unknown.at("/query_names"), serde_json::json!(["_id", "x"]));
    assert!(!unknown.text().contains("secret"));
}

fn refused(config: SandboxConfig) -> SandboxError {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(start(config)).unwrap_err()
}

#[test]
fn a_folder_that_is_no_recording_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(replaying(folder.path()));
    assert_eq!(error.kind(), SandboxErrorKind::Recording);
    assert!(error.to_string().contains("catalogue.json"), "{error}");
    write(folder.path(), &[]);
    std::fs::write(folder.path().join(EXCHANGES_FILE), b"not zstd").unwrap();
    let error = refused(replaying(folder.path())).to_string();
    assert!(error.contains("exchanges.ndjson.zst"), "{error}");
}

#[test]
fn a_taken_port_is_refused_with_the_flag_that_helps() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = refused(SandboxConfig {
        listen: taken.local_addr().unwrap(),
        ..SandboxConfig::default()
    });
    assert_eq!(error.kind(), SandboxErrorKind::System);
    assert!(error.to_string().contains("--listen"), "{error}");
}
