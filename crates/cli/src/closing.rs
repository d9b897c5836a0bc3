//! How a command ends: the last event, and on stderr one line that says why its exit code is not 0
//! and which command to run next.

use claimlake_contract::ExitCode;
use serde_json::json;

use crate::alarms::{fields, level, sorted, words};
use crate::invocation::Invocation;
use crate::output::Alarm;

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

/// The alarms that were noted; if none was, advice on where to look.
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

fn meaning(exit: ExitCode) -> &'static str {
    match exit {
        ExitCode::Done => "done",
        ExitCode::Failed => "it failed",
        ExitCode::Usage => "the command line or the configuration is wrong",
        ExitCode::Rejected => "more was rejected than is allowed",
        ExitCode::NeedsConsent => "some grants need a new consent",
        ExitCode::Parked => "parked, the server asked to retry later",
    }
}
