//! Logs and errors name grants, never patients, and hold no token.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "it/harness.rs"]
mod harness;

use std::io::Write;
use std::sync::{Arc, Mutex};

use claimlake_contract::ApiVersion;
use tracing_subscriber::fmt::MakeWriter;

use harness::Bench;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Whether a callsite logs is cached for the whole process: this test is the only one of its binary.
#[tokio::test]
async fn neither_the_finest_log_nor_any_reason_holds_a_token_or_a_patient_id() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let faults = [
        "foreign-patient:patient=BBUser00001",
        "revoked-token:patient=BBUser00002",
        "html:status=200,patient=BBUser00003",
        "503:rate=20%",
        "drift-delete:rate=30%,count=4",
        "429:retry-after=day,patient=BBUser00004",
    ];
    let bench = Bench::start(ApiVersion::V2, 6, &faults).await;
    let outcome = bench.extract().await.unwrap();
    let mut text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("a patient was not read"),
        "something was logged"
    );
    text.push_str(&format!("{outcome:?}"));
    text.push_str(&serde_json::to_string(&outcome).unwrap());
    for person in bench.sandbox.truth(ApiVersion::V2) {
        assert!(
            !text.contains(&person.patient),
            "a patient id is in the log"
        );
        let claim = person.eob_ids.first();
        assert!(claim.is_none_or(|claim| !text.contains(claim)));
    }
    for grant in bench.vault.grants().unwrap() {
        let tokens = bench.vault.tokens(&grant.handle).unwrap();
        for token in [tokens.access_token, tokens.refresh_token]
            .into_iter()
            .flatten()
        {
            assert!(!text.contains(token.expose()), "a token is in the log");
        }
    }
}
