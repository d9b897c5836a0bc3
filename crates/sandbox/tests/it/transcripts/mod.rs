//! Recorded exchanges with the real authorization server, played again against the sandbox.
//!
//! The recordings do not ship with the project: `CLAIMLAKE_SHARED` names the folder that holds
//! `transcripts/`, and the test says aloud when it is not set. Statuses, error bodies and the
//! headers a client reads must be equal, but for the list in `differences`.

mod compare;
mod differences;
mod off_the_record;
mod player;

use std::path::PathBuf;

use serde_json::Value;

use player::Player;

#[test]
fn every_recorded_exchange_is_answered_as_recorded_but_for_the_listed_differences() {
    let Some(folder) = std::env::var_os("CLAIMLAKE_SHARED").map(PathBuf::from) else {
        eprintln!("SKIPPED: CLAIMLAKE_SHARED is not set, no transcripts to compare with");
        return;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("transcripts"))
        .expect("the folder transcripts")
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let mut found = Vec::new();
    let mut exchanges = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let transcript: Value = serde_json::from_str(&text).unwrap();
        let mut player = Player::new(&transcript);
        exchanges += player.play(&mut found);
    }
    eprintln!(
        "{exchanges} exchanges of {} transcripts played",
        files.len()
    );
    assert!(exchanges > 500, "only {exchanges} exchanges");
    let unexpected: Vec<String> = found
        .iter()
        .filter(|found| differences::reason(found).is_none())
        .map(|found| {
            format!(
                "{} [{}] {}: {}",
                found.scenario, found.exchange, found.request, found.text
            )
        })
        .collect();
    let stale: Vec<String> = differences::LIST
        .iter()
        .filter(|listed| !found.iter().any(|found| listed.covers(found)))
        .map(|listed| format!("{}: {}", listed.scenario, listed.what))
        .collect();
    assert!(
        unexpected.is_empty() && stale.is_empty(),
        "{} unexpected differences:\n{}\n{} listed differences no longer there:\n{}",
        unexpected.len(),
        unexpected.join("\n"),
        stale.len(),
        stale.join("\n"),
    );
}
