//! The result of checking the whole access log.

use serde::Serialize;

use super::chain::{Head, Walk};
use super::line::MissingLines;

/// The result of checking the whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessLogCheck {
    /// Complete lines read.
    pub lines: u64,
    /// What is wrong, with the line; `None` if nothing is.
    pub problem: Option<String>,
    /// The gaps that were noticed and noted.
    pub gaps: Vec<MissingLines>,
    /// Lines that are newer than the last one recorded in the vault: the vault was restored from a
    /// backup, or a command was killed.
    pub newer: u64,
    /// How many patients these lines forgot. The vault does not know this until it is next opened
    /// for writing.
    pub newer_forgotten: u64,
}

/// The answer, from what was found in the lines and what is noted elsewhere.
pub(super) fn check(
    walk: Walk<'_>,
    is_missing: bool,
    noted: &Head,
    mut gaps: Vec<MissingLines>,
    outside: Option<&Head>,
) -> AccessLogCheck {
    let mut problems: Vec<String> = walk.problem.into_iter().collect();
    let of_lines = walk.gaps.iter().filter(|gap| !gaps.contains(gap));
    let of_lines: Vec<_> = of_lines.copied().collect();
    gaps.extend(of_lines);
    gaps.sort_by_key(|gap| (gap.first, gap.last));
    let noticed = gaps.iter();
    problems.extend(noticed.map(|gap| format!("{gap}, as a later command noticed")));
    let noted_line = noted.line;
    match &walk.anchor {
        None if is_missing => problems.push(format!(
            "access.log is missing: the vault has noted {noted_line} lines"
        )),
        None => problems.push(format!(
            "lines are missing at the end: the vault has noted {noted_line}"
        )),
        Some(anchor) => {
            if let Some(ahead) = outside.filter(|outside| outside.line > anchor.line) {
                problems.push(format!(
                    "log and vault are older than the note outside the data directory: it has line \
                     {}, and they end with {}",
                    ahead.line, anchor.line
                ));
            }
        }
    }
    if let Some(outside) = outside.filter(|_| walk.is_replaced) {
        problems.push(format!(
            "line {} is another one than the note outside the data directory has: log and vault are a \
             copy that went on by itself",
            outside.line
        ));
    }
    AccessLogCheck {
        lines: walk.lines,
        problem: (!problems.is_empty()).then(|| problems.join("; ")),
        gaps,
        newer: walk.newer,
        newer_forgotten: walk.newer_forgotten.len() as u64,
    }
}
