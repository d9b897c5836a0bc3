//! `grants list` on a terminal: a table, or where the terminal is too narrow a paragraph a grant.
//! No line is longer than the terminal is wide.

use chrono::{DateTime, Utc};
use claimlake_consent::grants::ListedGrant;
use claimlake_contract::PatientId;
use claimlake_vault::Grant;

/// Narrower than this, nothing is readable any more.
const LEAST: usize = 16;

/// The column of the external id, which is left out where no grant has one.
const EXTERNAL_ID: usize = 2;

/// The column of numbers.
const DAYS: usize = 7;

/// Shown for a missing value.
const NONE: &str = "-";

const HEADER: [&str; 8] = [
    "grant",
    "patient",
    "external id",
    "api",
    "state",
    "since",
    "ends",
    "days",
];

type Row = [String; 8];

/// The grants as a table for a terminal with this many columns.
pub(super) fn table(grants: &[ListedGrant], width: usize) -> String {
    let width = width.max(LEAST);
    let rows: Vec<Row> = grants.iter().map(row).collect();
    let has_external_ids = grants.iter().any(|one| one.grant.external_id.is_some());
    let all: Vec<usize> = (0..HEADER.len()).collect();
    let without: Vec<usize> = all
        .iter()
        .copied()
        .filter(|one| *one != EXTERNAL_ID)
        .collect();
    let with_gap = |columns: Vec<usize>| {
        let text: usize = columns.iter().map(|column| widest(*column, &rows)).sum();
        let fits = |gap: &usize| text + gap * (columns.len() - 1) <= width;
        let gap = [2, 1].into_iter().find(fits)?;
        Some((columns, gap))
    };
    let beside = has_external_ids.then(|| with_gap(all)).flatten();
    let is_below = has_external_ids && beside.is_none();
    let mut lines = Vec::new();
    match beside.or_else(|| with_gap(without)) {
        Some((columns, gap)) => {
            lines.push(line(&HEADER.map(str::to_owned), &rows, &columns, gap));
            for row in &rows {
                lines.push(line(row, &rows, &columns, gap));
                if is_below && row[EXTERNAL_ID] != NONE {
                    let below = format!("external id  {}", row[EXTERNAL_ID]);
                    lines.extend(wrapped("  ", &below, width));
                }
            }
            for one in grants {
                lines.extend(why(&one.grant, width));
            }
        }
        None => {
            for (row, one) in rows.iter().zip(grants) {
                lines.extend(paragraph(row, width));
                lines.extend(wrapped("  ", &reason(&one.grant), width));
            }
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn row(
    ListedGrant {
        grant, days_left, ..
    }: &ListedGrant,
) -> Row {
    let patient = grant.patient.as_ref().map(PatientId::expose);
    [
        grant.handle.to_string(),
        shown(patient.unwrap_or(NONE)),
        shown(grant.external_id.as_deref().unwrap_or(NONE)),
        grant.api.to_string(),
        grant.state.as_str().replace('_', " "),
        day(Some(grant.state_since)),
        day(grant.grant_expires_at),
        days_left.map_or(NONE.into(), |days| days.to_string()),
    ]
}

fn day(instant: Option<DateTime<Utc>>) -> String {
    instant.map_or(NONE.into(), |instant| {
        instant.format("%Y-%m-%d").to_string()
    })
}

/// Text of strangers: what would move the cursor, hide or turn round text is written as an escape.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        let is_hidden = matches!(one,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        match one.is_control() || is_hidden {
            true => shown.extend(one.escape_default()),
            false => shown.push(one),
        }
    }
    shown
}

fn widest(column: usize, rows: &[Row]) -> usize {
    let texts = rows.iter().map(|row| length(&row[column]));
    texts.fold(length(HEADER[column]), usize::max)
}

fn line(row: &Row, rows: &[Row], columns: &[usize], gap: usize) -> String {
    let mut line = String::new();
    for column in columns {
        if !line.is_empty() {
            line.push_str(&" ".repeat(gap));
        }
        let text = &row[*column];
        let rest = " ".repeat(widest(*column, rows).saturating_sub(length(text)));
        match *column == DAYS {
            true => line.push_str(&format!("{rest}{text}")),
            false => line.push_str(&format!("{text}{rest}")),
        }
    }
    line.trim_end().to_owned()
}

/// Below the table: why a grant is not active.
fn why(grant: &Grant, width: usize) -> Vec<String> {
    match reason(grant) {
        reason if reason.is_empty() => Vec::new(),
        reason => wrapped("", &format!("{}: {reason}", grant.handle), width),
    }
}

fn reason(grant: &Grant) -> String {
    shown(grant.reason.as_deref().unwrap_or_default())
}

fn paragraph(row: &Row, width: usize) -> Vec<String> {
    let [handle, patient, external_id, api, state, since, ends, days] = row;
    let mut lines = wrapped("", &format!("{handle} {api} {state}"), width);
    let mut labelled = |label: &str, text: &str| {
        lines.extend(wrapped("  ", &format!("{label:<12} {text}"), width));
    };
    labelled("patient", patient);
    if external_id != NONE {
        labelled("external id", external_id);
    }
    labelled("since", since);
    labelled("ends", ends);
    labelled("days left", days);
    lines
}

/// Text on as many lines as it takes, cut at spaces where there are some; none for none.
fn wrapped(indent: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while !rest.is_empty() {
        let lead = match lines.is_empty() {
            true => indent.to_owned(),
            false => format!("{indent}  "),
        };
        let room = width.saturating_sub(lead.len()).max(1);
        let cut = match rest.len() <= room {
            true => rest.len(),
            // A space just after the available width is a place to break a line, too, unless it is
            // within a label.
            false => match rest[..=room].iter().rposition(|one| *one == ' ') {
                Some(space) if space > room / 2 => space,
                _ => room,
            },
        };
        let text: String = rest.drain(..cut).collect();
        lines.push(format!("{lead}{}", text.trim_end()));
        let blanks = rest.iter().take_while(|one| **one == ' ').count();
        rest.drain(..blanks);
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests;
