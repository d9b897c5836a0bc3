//! How runs went, as text.

use crate::command::status::minute;
use crate::history::LastRun;
use crate::plural::{counted, grouped, seconds, size};
use crate::status::ExtractRun;
use crate::terminal_layout::TerminalLayout;

/// The last run of every command.
pub(super) fn tell(page: &mut TerminalLayout, runs: &[LastRun]) {
    page.label("last runs");
    // Extracts are shown above.
    for run in runs.iter().filter(|run| run.command != "extract") {
        let words = format!("{} {}", minute(run.started_at), last_run_words(run));
        page.pair(run.command, 9, &words);
    }
}

fn last_run_words(run: &LastRun) -> String {
    let took = run.took.and_then(|took| took.to_std().ok()).map(seconds);
    let state = run.state.words(run.exit());
    let mut words = match (state.as_str(), took) {
        ("finished", Some(took)) => format!("in {took}"),
        (state, Some(took)) => format!("{state} after {took}"),
        (state, None) => state.to_owned(),
    };
    // Nothing was made at any rate.
    let is_idle = run.says("changed") == Some(false);
    let figures = [("resources", "resource"), ("rows", "row")];
    for (name, what) in figures {
        let Some(figure) = run.figure(name).filter(|figure| *figure > 0) else {
            continue;
        };
        words.push_str(&format!(", {}", counted(figure, what)));
        if let Some(rate) = run.rate(figure).filter(|_| !is_idle) {
            words.push_str(&format!(" ({}/s)", grouped(rate)));
        }
    }
    if let Some(bytes) = run.figure("bytes").filter(|bytes| *bytes > 0) {
        words.push_str(&format!(", {}", size(bytes)));
        if let Some(rate) = run.rate(bytes) {
            words.push_str(&format!(" ({}/s)", size(rate)));
        }
    }
    if is_idle {
        words.push_str(", nothing changed");
    }
    match (run.says("holds"), run.figure("hard_failures")) {
        (Some(true), _) => words.push_str(", landing and lake agree"),
        (Some(false), Some(wrong)) => {
            words.push_str(&format!(", {} found wrong", counted(wrong, "thing")));
        }
        _ => {}
    }
    words
}

/// One `extract`.
pub(super) fn extract_words(run: &ExtractRun) -> String {
    let mut words = run.state.words(run.exit);
    if let Some(took) = run.took.and_then(|took| took.to_std().ok()) {
        words.push_str(&format!(" in {}", seconds(took)));
    }
    if let Some(pages) = run.pages {
        words.push_str(&format!(", {}", counted(pages, "page")));
    }
    if let Some(rate) = run.pages_a_second().filter(|rate| *rate > 0) {
        words.push_str(&format!(" ({}/s)", grouped(rate)));
    }
    if let Some(landed) = run.landed {
        words.push_str(&format!(", {} landed", grouped(landed)));
    }
    words
}
