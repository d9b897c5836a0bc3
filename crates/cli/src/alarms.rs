//! Why a command ends with another code than 0, in one line.

use claimlake_contract::ExitCode;
use serde_json::{Map, json};

use crate::failure::Failure;
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
            words.push_str(&format!("; also {}", alarm_words(alarm)));
        }
    }
    output.add_to_summary("error", json!(error));
    if !alarms.is_empty() {
        output.add_to_summary("alarms", json!(alarms));
    }
    output.end(Level::Error, &words, fields(command, failure.exit, &alarms));
    output.summary(command, failure.exit);
}

pub(crate) fn sorted(alarms: &mut [Alarm]) -> &[Alarm] {
    alarms.sort_by_key(|alarm| ORDER.iter().position(|exit| *exit == alarm.exit));
    alarms
}

pub(crate) fn words(command: &str, exit: ExitCode, alarms: &[Alarm]) -> String {
    let mut codes: Vec<String> = alarms
        .iter()
        .map(|alarm| alarm.exit.code().to_string())
        .collect();
    codes.dedup();
    let codes = codes.join(", ");
    let reasons: Vec<String> = alarms.iter().map(alarm_words).collect();
    let prefix = match level(exit) {
        Level::Error => "error: ",
        _ => "",
    };
    format!(
        "{prefix}{command} ended with {codes}: {}",
        reasons.join("; ")
    )
}

fn alarm_words(alarm: &Alarm) -> String {
    let words = one_line(&alarm.words);
    match alarm.next.as_str() {
        "" => words,
        next => format!("{words}: {next}"),
    }
}

pub(crate) fn fields(
    command: &str,
    exit: ExitCode,
    alarms: &[Alarm],
) -> Map<String, serde_json::Value> {
    let mut fields = Map::new();
    fields.insert("command".into(), json!(command));
    fields.insert("exit".into(), json!(exit.code()));
    if !alarms.is_empty() {
        fields.insert("alarms".into(), json!(alarms));
    }
    fields
}

pub(crate) fn level(exit: ExitCode) -> Level {
    match exit {
        ExitCode::Done => Level::Info,
        ExitCode::Failed | ExitCode::Usage => Level::Error,
        ExitCode::Rejected | ExitCode::NeedsConsent | ExitCode::Parked => Level::Warn,
    }
}

fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
