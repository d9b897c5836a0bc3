//! `claimlake status`: the state of everything, from consent to lake, on one page.

mod runs;

use std::path::Path;

use chrono::{DateTime, Utc};
use claimlake_contract::ExitCode;
use serde_json::{Value, json};

use crate::command::retention;
use crate::failure::Outcome;
use crate::history::LastRun;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped, size};
use crate::publish_record::RecordedTarget;
use crate::status::{Consents, ExtractRun, FullReads, Published, Status};
use crate::terminal_layout::TerminalLayout;

/// Prints the state of everything. Reads only.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let status = Status::of(invocation)?;
    let output = invocation.output();
    add_events(&status, invocation)?;
    if !output.is_json() {
        output.data(&page(&status, invocation)?)?;
    }
    Ok(ExitCode::Done)
}

fn page(status: &Status, invocation: &Invocation) -> Outcome<String> {
    let mut page = TerminalLayout::for_stdout();
    let data = invocation.data()?;
    page.label("pipeline").say(&invocation.origin().display());
    page.label("data").say(&data.root().display().to_string());
    if status.is_empty() {
        page.line("nothing is here yet");
    }
    page.label("removals");
    for words in status.removals.words() {
        page.say(&words);
    }
    if let Some(consents) = &status.consents {
        tell_consents(&mut page, consents, status.now, invocation);
    }
    FullReads::tell(&status.full_reads, &mut page);
    runs::tell(&mut page, &status.last_runs);
    tell_landed(&mut page, status);
    tell_rejects(&mut page, status);
    if status.staged_runs > 0 {
        let runs = counted(status.staged_runs, "run");
        page.label("staged").say(&format!("{runs} to load"));
    }
    if let Some(published) = &status.published {
        tell_lake(&mut page, published, &invocation.lake()?);
    }
    page.label("published");
    for target in &status.targets {
        page.say(&target_words(target));
    }
    page.label("copies");
    for copy in &status.copies {
        page.say(&crate::copies::words(copy));
    }
    let kept = retention::words(&invocation.pipeline()?.load);
    page.label("kept").say(&kept);
    page.label("oldest PHI");
    for zone in &status.oldest {
        page.pair(zone.zone, 9, &day(zone.since))
            .say(&format!("  {}", zone.place));
    }
    if let Some(problem) = &status.access_log {
        page.label("access log").say(problem);
    }
    page.label("unreadable");
    for why in &status.unreadable {
        page.say(why);
    }
    page.label("next");
    for (why, command) in status.next(invocation) {
        page.pair(&format!("{why}:"), 0, &command);
    }
    Ok(page.into_text())
}

fn tell_consents(
    page: &mut TerminalLayout,
    consents: &Consents,
    now: DateTime<Utc>,
    invocation: &Invocation,
) {
    if let Some(source) = &consents.source {
        page.label("source").say(source);
    }
    page.label("grants");
    if consents.by_state.is_empty() {
        page.pair("none yet:", 0, &invocation.next("authorize"));
    }
    for ((api, state), count) in &consents.by_state {
        page.say(&format!("{} {} ({api})", grouped(*count), words(state)));
    }
    if let Some(end) = consents.first_end {
        let days = (end - now).num_days();
        page.say(&match days {
            ..0 => format!("the first to end ended on {}", day(end)),
            _ => format!("the first ends on {}, in {}", day(end), counted_days(days)),
        });
    }
    if consents.ending_soon > 0 {
        let within = crate::status::SOON_DAYS;
        page.say(&format!(
            "{} within {within} days",
            ends(consents.ending_soon)
        ));
    }
    if consents.of_forgotten > 0 {
        let grants = counted(consents.of_forgotten, "grant");
        page.say(&format!(
            "{grants} of patients who were forgotten: nothing is read with them"
        ));
    }
    if consents.open_refreshes > 0 {
        let cut_off = counted(consents.open_refreshes, "refresh");
        page.say(&format!("{cut_off} without a known outcome"));
    }
    page.label("extracts");
    for run in &consents.runs {
        page.pair(&minute(run.started_at), 16, &runs::extract_words(run));
    }
    page.label("progress");
    for ((api, resource), progress) in &consents.progress {
        let people: Vec<String> = progress
            .people
            .iter()
            .map(|(state, count)| format!("{} {}", grouped(*count), words(state)))
            .collect();
        page.pair(
            &format!("{api} {resource}"),
            23,
            &format!("{:>8} held, {}", grouped(progress.held), people.join(", ")),
        );
        if let Some((least, greatest)) = progress.watermarks {
            page.say(&format!("  watermarks {} to {}", day(least), day(greatest)));
        }
    }
}

fn ends(grants: u64) -> String {
    match grants {
        1 => "1 ends".into(),
        _ => format!("{} end", grouped(grants)),
    }
}

fn tell_landed(page: &mut TerminalLayout, status: &Status) {
    page.label("landing");
    for ((api, resource), landed) in &status.landed.resources {
        page.pair(&format!("{api} {resource}"), 23, &landed.words());
    }
    if !status.landed.unsealed.is_empty() {
        let runs = counted(status.landed.unsealed.len() as u64, "run");
        page.say(&format!(
            "{runs} interrupted: the next extract seals what was checkpointed"
        ));
    }
    if !status.landed.under_way.is_empty() {
        let runs = counted(status.landed.under_way.len() as u64, "run");
        page.say(&format!("{runs} under way"));
    }
    for (path, why) in &status.landed.damaged {
        page.say(&format!("damaged: {path} ({why})"));
    }
}

fn tell_rejects(page: &mut TerminalLayout, status: &Status) {
    let rejects = &status.rejects;
    page.label("rejects");
    if rejects.resources > 0 || rejects.cells > 0 {
        page.say(&format!(
            "{} of {} read, {} made null",
            counted(rejects.resources, "resource"),
            grouped(rejects.read),
            counted(rejects.cells, "cell")
        ));
    } else if rejects.read > 0 {
        page.say(&format!("none of {}", counted(rejects.read, "resource")));
    }
    if rejects.without_view > 0 {
        let resources = counted(rejects.without_view, "resource");
        page.say(&format!("{resources} of types that no view reads"));
    }
    if rejects.import_runs > 0 {
        let files = counted(rejects.import_runs, "file");
        page.say(&format!("{files} in landing/rejected"));
    }
}

fn tell_lake(page: &mut TerminalLayout, published: &Published, lake: &Path) {
    let manifest = &published.manifest;
    let pinned = if published.is_pinned {
        ", rolled back"
    } else {
        ""
    };
    page.label("lake").say(&format!(
        "snapshot {} of {} ({} kept{pinned})",
        manifest.snapshot, manifest.published_at, published.snapshots
    ));
    page.say(
        &lake
            .join("snapshots")
            .join(manifest.snapshot.to_string())
            .display()
            .to_string(),
    );
    let names = manifest.tables.iter().map(|table| table.layout.name.len());
    let width = names.max().unwrap_or(0);
    let mut without_rows = 0;
    for table in &manifest.tables {
        let rows: u64 = table.files.iter().map(|file| file.rows).sum();
        if rows == 0 {
            without_rows += 1;
            continue;
        }
        let bytes: u64 = table.files.iter().map(|file| file.bytes).sum();
        let figures = format!("{:>16}  {:>9}", counted(rows, "row"), size(bytes));
        page.pair(&table.layout.name, width, &figures);
    }
    if without_rows > 0 {
        let tables = counted(without_rows, "table");
        page.say(&format!("and {tables} without rows"));
    }
}

fn target_words(target: &RecordedTarget) -> String {
    let url = &target.url;
    let last = match &target.published {
        Some(last) => {
            let at = minute(last.at);
            format!(
                "{url}: snapshot {} as state {}, {at}",
                last.snapshot, last.sequence
            )
        }
        None => format!("{url}: not complete, begun {}", minute(target.since)),
    };
    match target.holds_forgotten_since {
        Some(since) => format!(
            "{last}; holds rows of patients who were forgotten since {}",
            day(since)
        ),
        None => last,
    }
}

fn add_events(status: &Status, invocation: &Invocation) -> Outcome<()> {
    let output = invocation.output();
    output.add_to_summary("data", json!(invocation.data()?.root()));
    output.add_to_summary(
        "grants",
        status.consents.as_ref().map_or(Value::Null, grants),
    );
    if let Some(consents) = &status.consents {
        output.add_to_summary("extracts", consents.runs.iter().map(run_event).collect());
        output.add_to_summary("progress", progress(consents));
    }
    output.add_to_summary("access_log_problem", json!(status.access_log));
    output.add_to_summary("full_reads", FullReads::events(&status.full_reads));
    let runs = status.last_runs.iter().map(LastRun::event);
    output.add_to_summary("last_runs", runs.collect());
    let landed = status.landed.resources.iter();
    let landed: Vec<Value> = landed
        .map(|((api, resource), one)| {
            json!({
                "api": api, "resource": resource, "runs": one.runs, "resources": one.lines,
                "bytes": one.bytes, "latest_run": one.latest, "gone": one.gone,
            })
        })
        .collect();
    output.add_to_summary("landing", json!(landed));
    output.add_to_summary("interrupted_runs", json!(status.landed.unsealed));
    output.add_to_summary("runs_under_way", json!(status.landed.under_way));
    let removals = &status.removals;
    output.add_to_summary(
        "removals",
        json!({
            "open": removals.begun.len(), "begun": removals.begun,
            "process": removals.process.as_ref().map(|process| process.id),
        }),
    );
    output.add_to_summary("published_targets", json!(status.targets));
    let copies = status.copies.iter().map(crate::copies::event);
    output.add_to_summary("copies", copies.collect());
    output.add_to_summary("staged_runs", json!(status.staged_runs));
    let rejects = &status.rejects;
    output.add_to_summary(
        "rejects",
        json!({
            "read": rejects.read, "resources": rejects.resources, "cells": rejects.cells,
            "without_view": rejects.without_view, "import_files": rejects.import_runs,
        }),
    );
    let lake = status.published.as_ref().map_or(Value::Null, lake_event);
    output.add_to_summary("lake", lake);
    let oldest: Vec<Value> = status
        .oldest
        .iter()
        .map(|zone| json!({"zone": zone.zone, "since": zone.since, "place": zone.place}))
        .collect();
    output.add_to_summary("oldest_phi", json!(oldest));
    output.add_to_summary("unreadable", json!(status.unreadable));
    let next: Vec<Value> = status
        .next(invocation)
        .into_iter()
        .map(|(why, command)| json!({"why": why, "command": command}))
        .collect();
    output.add_to_summary("next", json!(next));
    Ok(())
}

fn grants(consents: &Consents) -> Value {
    let mut by_state = serde_json::Map::new();
    let mut states = serde_json::Map::new();
    for (_, state) in consents.by_state.keys() {
        by_state.insert((*state).into(), json!(consents.in_state(state)));
    }
    for progress in consents.progress.values() {
        for (state, count) in &progress.people {
            let sum = states.get(*state).and_then(Value::as_u64).unwrap_or(0) + count;
            states.insert((*state).into(), json!(sum));
        }
    }
    json!({
        "by_state": by_state, "extract_states": states, "ending_soon": consents.ending_soon,
        "first_end": consents.first_end, "open_refreshes": consents.open_refreshes,
        "of_forgotten": consents.of_forgotten,
    })
}

fn run_event(run: &ExtractRun) -> Value {
    json!({
        "started_at": run.started_at, "end": run.end, "pages": run.pages, "landed": run.landed,
        "state": run.state.as_str(), "exit": run.exit, "process": run.state.process(),
        "milliseconds": run.took.map(|took| took.num_milliseconds()),
    })
}

fn progress(consents: &Consents) -> Value {
    let progress = consents.progress.iter();
    let events: Vec<Value> = progress
        .map(|((api, resource), one)| {
            json!({
                "api": api, "resource": resource, "held": one.held, "people": one.people,
                "watermark_least": one.watermarks.map(|(least, _)| least),
                "watermark_greatest": one.watermarks.map(|(_, greatest)| greatest),
                "oldest_read": one.oldest_read,
            })
        })
        .collect();
    json!(events)
}

fn lake_event(published: &Published) -> Value {
    let manifest = &published.manifest;
    let rows: serde_json::Map<_, _> = manifest
        .tables
        .iter()
        .map(|table| {
            let rows: u64 = table.files.iter().map(|file| file.rows).sum();
            (table.layout.name.clone(), json!(rows))
        })
        .collect();
    json!({
        "snapshot": manifest.snapshot, "published_at": manifest.published_at, "rows": rows,
        "snapshots": published.snapshots, "is_pinned": published.is_pinned,
    })
}

fn words(state: &str) -> String {
    state.replace('_', " ")
}

fn day(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d").to_string()
}

fn minute(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M").to_string()
}

fn counted_days(days: i64) -> String {
    counted(days.unsigned_abs(), "day")
}
