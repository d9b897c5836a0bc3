//! Recorded exchanges with the real authorization server, played again against the sandbox.
//!
//! The recordings do not ship with the project: `CLAIMLAKE_SHARED` names the folder with
//! `transcripts/`, and the test says so when it is not set. Statuses, error bodies and the
//! headers a client reads must be equal, but for the list in `differences`.

mod compare;
mod differences;
mod off_the_record;
mod player;

use std::path::PathBuf;

use serde_json::Value;

use compare::Difference;
use differences::Listed;
use player::Player;

#[test]
fn every_recorded_exchange_is_answered_as_recorded_but_for_the_listed_differences() {
    let Some(folder) = std::env::var_os("CLAIMLAKE_SHARED").map(PathBuf::from) else {
        eprintln!("SKIPPED: CLAIMLAKE_SHARED is not set, no transcripts to compare with");
        return;
    };
    let entries = std::fs::read_dir(folder.join("transcripts")).expect("the folder transcripts");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    let mut found = Vec::new();
    let mut exchanges = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let transcript: Value = serde_json::from_str(&text).unwrap();
        exchanges += Player::new(&transcript).play(&mut found);
    }
    assert!(
        exchanges > 500,
        "only {exchanges} exchanges of {}",
        files.len()
    );
    let listed = differences::listed();
    let is_listed = |found: &&Difference| listed.iter().any(|listed| listed.covers(found));
    let described = |found: &Difference| {
        let (scenario, index, request) = (&found.scenario, found.exchange, &found.request);
        format!("{scenario} [{index}] {request}: {}", found.text)
    };
    let unexpected = found.iter().filter(|found| !is_listed(found));
    let unexpected: Vec<String> = unexpected.map(described).collect();
    let is_there = |listed: &&Listed| found.iter().any(|found| listed.covers(found));
    let stale: Vec<_> = listed.iter().filter(|listed| !is_there(listed)).collect();
    assert!(
        unexpected.is_empty(),
        "not listed:\n{}",
        unexpected.join("\n")
    );
    assert!(stale.is_empty(), "no longer there: {stale:#?}");
}
