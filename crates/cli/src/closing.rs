//! How a command ends: the last event, and on stderr one line that says why its exit code is not 0
//! and which command to run next.

use claimlake_contract::ExitCode;
use serde_json::{Map, json};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::{Alarm, Output};
use crate::record::Level;

/// The order in which codes count.
const ORDER: [ExitCode; 5] = [
    ExitCode::Usage,
    ExitCode::Failed,
    ExitCode::Parked,
    ExitCode::NeedsConsent,
    ExitCode::Rejected,
];

/// A command that did what it could.
pub(crate) fn ended(command: &'static str, exit: ExitCode, invocation: &Invocation) {
    let output = invocation.output();
    let alarms = all(command, exit, invocation);
    if !alarms.is_empty() {
        output.add_to_summary("alarms", json!(alarms));
    }
    output.summary(command, exit);
    let words = words(command, exit, &alarms);
    // The stages of `run` leave out what comes next: this says it.
    let is_night = invocation.is_chained() && exit.lets_the_next_stage_run();
    let is_asked_for = output.is_quiet() || output.is_records() || is_night && !output.is_json();
    match exit {
        ExitCode::Done if output.is_records() => {
            output.say_with(
                &format!("{command} ended with 0"),
                fields(command, exit, &[]),
            );
        }
        ExitCode::Done => {}
        _ if !is_asked_for => {}
        _ => output.end(level(exit), &words, fields(command, exit, &alarms)),
    }
}

/// A command that could not.
pub(crate) fn failed(command: &'static str, failure: &Failure, output: &Output) {
    let error = one_line(&failure.to_string());
    let mut alarms = output.alarms();
    let mut words = match output.is_records() {
        true => error.clone(),
        false => format!("error: {error}"),
    };
    if output.is_quiet() {
        for alarm in sorted(&mut alarms) {
            words.push_str(&format!("; also {}", told(alarm)));
        }
    }
    output.add_to_summary("error", json!(error));
    if !alarms.is_empty() {
        output.add_to_summary("alarms", json!(alarms));
    }
    output.end(Level::Error, &words, fields(command, failure.exit, &alarms));
    output.summary(command, failure.exit);
}

/// What was noted, or, where nobody noted anything, where to look.
fn all(command: &str, exit: ExitCode, invocation: &Invocation) -> Vec<Alarm> {
    let mut alarms = invocation.output().alarms();
    alarms.retain(|_| exit != ExitCode::Done);
    let is_covered = alarms.iter().any(|alarm| alarm.exit == exit);
    if exit != ExitCode::Done && !is_covered {
        alarms.push(Alarm {
            exit,
            words: format!("{}, and --quiet hides the reason", meaning(exit)),
            next: invocation.next(command),
        });
    }
    sorted(&mut alarms).to_vec()
}

fn sorted(alarms: &mut [Alarm]) -> &[Alarm] {
    alarms.sort_by_key(|alarm| ORDER.iter().position(|exit| *exit == alarm.exit));
    alarms
}

fn words(command: &str, exit: ExitCode, alarms: &[Alarm]) -> String {
    let mut codes: Vec<String> = alarms
        .iter()
        .map(|alarm| alarm.exit.code().to_string())
        .collect();
    codes.dedup();
    let codes = codes.join(", ");
    let reasons: Vec<String> = alarms.iter().map(told).collect();
    let prefix = match level(exit) {
        Level::Error => "error: ",
        _ => "",
    };
    format!(
        "{prefix}{command} ended with {codes}: {}",
        reasons.join("; ")
    )
}

fn told(alarm: &Alarm) -> String {
    let words = one_line(&alarm.words);
    match alarm.next.as_str() {
        "" => words,
        next => format!("{words}: {next}"),
    }
}

fn fields(command: &str, exit: ExitCode, alarms: &[Alarm]) -> Map<String, serde_json::Value> {
    let mut fields = Map::new();
    fields.insert("command".into(), json!(command));
    fields.insert("exit".into(), json!(exit.code()));
    if !alarms.is_empty() {
        fields.insert("alarms".into(), json!(alarms));
    }
    fields
}

fn level(exit: ExitCode) -> Level {
    match exit {
        ExitCode::Done => Level::Info,
        ExitCode::Failed | ExitCode::Usage => Level::Error,
        ExitCode::Rejected | ExitCode::NeedsConsent | ExitCode::Parked => Level::Warn,
    }
}

fn meaning(exit: ExitCode) -> &'static str {
    match exit {
        ExitCode::Done => "done",
        ExitCode::Failed => "it failed",
        ExitCode::Usage => "the command line or the configuration is wrong",
        ExitCode::Rejected => "more was rejected than is allowed",
        ExitCode::NeedsConsent => "some grants need a person",
        ExitCode::Parked => "parked, the server said to come back later",
    }
}

fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
