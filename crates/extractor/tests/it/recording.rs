//! Recording, and replaying what was recorded.

use std::path::PathBuf;

use claimlake_contract::{ApiVersion, ExitCode};
use claimlake_sandbox::SandboxConfig;

use crate::BOTH;
use crate::harness::Bench;
use claimlake_extractor::{ExtractOptions, ExtractOutcome, RecordOptions, SourceIdentity};

async fn record(bench: &Bench) -> (PathBuf, ExtractOutcome) {
    let dir = bench.data.path().join("recording");
    let record = RecordOptions {
        dir: dir.clone(),
        phi_allowed: false,
    };
    let read = bench.extract_with(|options| options.record = Some(record));
    (dir, read.await.unwrap())
}

#[tokio::test]
async fn what_was_recorded_is_replayed_to_the_same_landing() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &["503:rate=10%"]).await;
        let (dir, outcome) = record(&bench).await;
        assert_eq!(outcome.exits(), []);
        assert!(outcome.recorded > 0);
        let config = SandboxConfig {
            replay: Some(dir),
            ..SandboxConfig::default()
        };
        let replay = Bench::start_with(api, config, &[]).await;
        replay.extract_well().await;
        assert_eq!(replay.landed(), bench.landed());
    }
}

#[tokio::test]
async fn a_recording_holds_no_token_and_no_secret() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    let (dir, _) = record(&bench).await;
    let exchanges = std::fs::File::open(dir.join("exchanges.ndjson.zst")).unwrap();
    let mut text = String::from_utf8(zstd::decode_all(exchanges).unwrap()).unwrap();
    text.push_str(&std::fs::read_to_string(dir.join("catalogue.json")).unwrap());
    assert!(!text.contains(bench.sandbox.client_secret().expose()));
    assert!(!text.to_lowercase().contains("authorization\":"));
    for grant in bench.vault.grants().unwrap() {
        let tokens = bench.vault.tokens(&grant.handle).unwrap();
        for token in [tokens.access_token, tokens.refresh_token]
            .into_iter()
            .flatten()
        {
            assert!(!text.contains(token.expose()));
        }
    }
}

#[tokio::test]
async fn real_patients_are_not_recorded_by_accident() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    let dir = bench.data.path().join("recording");
    let options = |phi_allowed| {
        let dir = dir.clone();
        move |options: &mut ExtractOptions| {
            let origin = "https://api.bluebutton.cms.gov".into();
            options.source = SourceIdentity::BlueButton { origin };
            options.record = Some(RecordOptions { dir, phi_allowed });
        }
    };
    let error = bench.extract_with(options(false)).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
    assert!(error.to_string().contains("--record-phi"), "{error}");
    assert!(!dir.exists());
    bench.extract_with(options(true)).await.unwrap();
    let catalogue = std::fs::read_to_string(dir.join("catalogue.json")).unwrap();
    let catalogue: serde_json::Value = serde_json::from_str(&catalogue).unwrap();
    assert_eq!(catalogue["holds_phi"], true);
}
