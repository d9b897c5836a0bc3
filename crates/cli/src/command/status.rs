//! `claimlake status`: where everything stands, from consent to lake.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use claimlake_contract::{ApiVersion, ExitCode, LakeManifest, MANIFEST_FILE, ResourceType, RunId};
use claimlake_vault::VAULT_FILE;
use serde_json::{Value, json};

use crate::access;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped, size};

/// Tells where everything stands. Reads only.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let data = invocation.data()?;
    let output = invocation.output();
    let mut words = vec![
        format!("pipeline   {}", invocation.origin().display()),
        format!("data       {}", data.root().display()),
    ];
    if !data.root().is_dir() {
        words.push("nothing is here yet".into());
        words.push(format!("next       {}", invocation.next("run")));
    }
    let grants = grants(&data, invocation, &mut words)?;
    let landing = landing(&data, &mut words)?;
    let staged = data.staged_runs()?;
    if !staged.is_empty() {
        words.push(format!(
            "staged     {} to load: {}",
            counted(staged.len() as u64, "run"),
            invocation.next("load")
        ));
    }
    let lake = lake(&invocation.lake()?, &mut words)?;
    output.add_to_summary("data", json!(data.root()));
    output.add_to_summary("grants", grants);
    output.add_to_summary("landing", landing);
    output.add_to_summary("staged_runs", json!(staged.len()));
    output.add_to_summary("lake", lake);
    if !output.is_json() {
        output.data(&(words.join("\n") + "\n"))?;
    }
    Ok(ExitCode::Done)
}

/// Whose directory this is, how many consents there are, and how many need a person.
fn grants(data: &DataDir, invocation: &Invocation, words: &mut Vec<String>) -> Outcome<Value> {
    if !data.root().join(VAULT_FILE).is_file() {
        return Ok(Value::Null);
    }
    let vault = access::open_vault(invocation)?;
    if let Some(source) = vault.source().map_err(access::vault_failure)? {
        words.push(format!("source     {source}"));
    }
    let grants = vault.grants().map_err(access::vault_failure)?;
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    for grant in &grants {
        *by_state.entry(grant.state.as_str()).or_default() += 1;
    }
    let states: Vec<String> = by_state
        .iter()
        .map(|(state, count)| format!("{count} {}", state.replace('_', " ")))
        .collect();
    words.push(match states.is_empty() {
        true => format!("grants     none yet: {}", invocation.next("authorize")),
        false => format!("grants     {}", states.join(", ")),
    });
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for state in vault.extract_states().map_err(access::vault_failure)? {
        *held.entry(state.state.as_str()).or_default() += 1;
    }
    let unfinished: Vec<String> = held
        .iter()
        .filter(|(state, _)| **state != "complete")
        .map(|(state, count)| format!("{count} {}", state.replace('_', " ")))
        .collect();
    if !unfinished.is_empty() {
        words.push(format!(
            "           not whole, by person and resource: {}",
            unfinished.join(", ")
        ));
    }
    Ok(json!({ "by_state": by_state, "extract_states": held }))
}

#[derive(Debug, Default)]
struct Landed {
    runs: u64,
    resources: u64,
    bytes: u64,
    latest: Option<RunId>,
}

fn landing(data: &DataDir, words: &mut Vec<String>) -> Outcome<Value> {
    let runs = claimlake_landing::landing_runs(&data.landing())?;
    let mut landed: BTreeMap<(ApiVersion, ResourceType), Landed> = BTreeMap::new();
    for run in &runs.sealed {
        let manifest = &run.manifest;
        let one = landed
            .entry((manifest.api, manifest.resource.clone()))
            .or_default();
        one.runs += 1;
        one.resources += manifest.parts.iter().map(|part| part.lines).sum::<u64>();
        one.bytes += manifest.parts.iter().map(|part| part.bytes).sum::<u64>();
        one.latest = one.latest.take().max(Some(manifest.run.clone()));
    }
    let mut events = Vec::new();
    for (index, ((api, resource), one)) in landed.iter().enumerate() {
        let label = if index == 0 { "landing" } else { "" };
        words.push(format!(
            "{label:<10} {api} {:<20} {:>12} in {}, {}",
            resource.as_str(),
            grouped(one.resources),
            counted(one.runs, "run"),
            size(one.bytes)
        ));
        events.push(json!({
            "api": api, "resource": resource, "runs": one.runs, "resources": one.resources,
            "bytes": one.bytes, "latest_run": one.latest,
        }));
    }
    if !runs.unsealed.is_empty() {
        words.push(format!(
            "           {} interrupted: the next extract seals what it had checkpointed",
            counted(runs.unsealed.len() as u64, "run")
        ));
    }
    for damaged in &runs.damaged {
        words.push(format!(
            "           damaged: {} ({})",
            damaged.path.display(),
            damaged.reason
        ));
    }
    Ok(json!(events))
}

fn lake(lake: &Path, words: &mut Vec<String>) -> Outcome<Value> {
    let current = lake.join("current");
    let Ok(text) = fs::read_to_string(current.join(MANIFEST_FILE)) else {
        return Ok(Value::Null);
    };
    let manifest: LakeManifest = serde_json::from_str(&text)
        .map_err(|error| anyhow::anyhow!("the manifest of {}: {error}", current.display()))?;
    words.push(format!(
        "lake       snapshot {} of {}, {}",
        manifest.snapshot,
        manifest.published_at,
        fs::canonicalize(&current)?.display()
    ));
    let width = manifest
        .tables
        .iter()
        .map(|table| table.layout.name.len())
        .max()
        .unwrap_or(0);
    let mut tables = serde_json::Map::new();
    for table in &manifest.tables {
        let rows: u64 = table.files.iter().map(|file| file.rows).sum();
        let bytes: u64 = table.files.iter().map(|file| file.bytes).sum();
        words.push(format!(
            "           {:<width$}  {:>16}  {:>9}",
            table.layout.name,
            counted(rows, "row"),
            size(bytes)
        ));
        tables.insert(table.layout.name.clone(), json!(rows));
    }
    Ok(json!({
        "snapshot": manifest.snapshot,
        "published_at": manifest.published_at,
        "rows": tables,
    }))
}
