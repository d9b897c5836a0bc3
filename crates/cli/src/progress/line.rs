//! One line of progress: what is done, of how many, how fast, how long it will take. It is never
//! wider than the terminal: what says least is left out first.

use std::time::Duration;

use crate::plural;

/// The width of a bar (terminal columns) if the terminal is wide enough.
const WIDEST_BAR: usize = 24;
const NARROWEST_BAR: usize = 4;

/// What is shown about a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown<'t> {
    pub(super) what: &'t str,
    pub(super) unit: &'t str,
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    /// Units per second, as far as known.
    pub(super) rate: f64,
    /// Rates and other details as text, which replace `rate`.
    pub(super) note: &'t str,
    /// The time that is left, if it can be estimated.
    pub(super) left: Option<Duration>,
}

impl Shown<'_> {
    /// `extracting [==>   ] 12/60 patients, 225 pages/s, 2 s left`, at most this many columns wide.
    pub(super) fn line(&self, width: usize) -> String {
        let mut parts = self.parts();
        let counts = self.counts();
        let text = |parts: &[String]| {
            let all = std::iter::once(counts.as_str()).chain(parts.iter().map(String::as_str));
            all.collect::<Vec<_>>().join(", ")
        };
        let needed = |parts: &[String]| length(self.what) + 1 + length(&text(parts));
        // A bar says more than what follows the rate and the time that is left.
        let bar = match self.total {
            Some(_) => NARROWEST_BAR + 3,
            None => 0,
        };
        while parts.len() > 2 && needed(&parts) + bar > width {
            parts.pop();
        }
        while !parts.is_empty() && needed(&parts) > width {
            parts.pop();
        }
        let text = text(&parts);
        let room = width.saturating_sub(length(self.what) + 1 + length(&text) + 3);
        let line = match self.bar(room) {
            Some(bar) => format!("{} [{bar}] {text}", self.what),
            None => format!("{} {text}", self.what),
        };
        cut(&line, width)
    }

    fn counts(&self) -> String {
        let unit = plural::unit(self.total.unwrap_or(self.done), self.unit);
        match (self.unit, self.total) {
            ("bytes", Some(total)) => {
                format!("{}/{}", plural::size(self.done), plural::size(total))
            }
            ("bytes", None) => plural::size(self.done),
            (_, Some(total)) => {
                let (done, total) = (plural::grouped(self.done), plural::grouped(total));
                format!("{done}/{total} {unit}")
            }
            (_, None) => format!("{} {unit}", plural::grouped(self.done)),
        }
    }

    /// The rate, the time that is left and the rest, in this order.
    fn parts(&self) -> Vec<String> {
        let mut said = self.note.split(", ").filter(|part| !part.is_empty());
        let rate = match said.next() {
            Some(first) => Some(first.to_owned()),
            None => self.rate(),
        };
        let left = self.left.map(|left| format!("{} left", in_words(left)));
        let parts = rate.into_iter().chain(left);
        parts.chain(said.map(str::to_owned)).collect()
    }

    fn rate(&self) -> Option<String> {
        if !self.rate.is_finite() || self.rate < 0.05 {
            return None;
        }
        Some(match (self.unit, self.rate) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is positive, and shown with few digits"
            )]
            ("bytes", rate) => format!("{}/s", plural::size(rate as u64)),
            (unit, rate) if rate < 10.0 => format!("{rate:.1} {unit}/s"),
            (unit, rate) => format!("{rate:.0} {unit}/s"),
        })
    }

    fn bar(&self, room: usize) -> Option<String> {
        let total = self.total?;
        if room < NARROWEST_BAR {
            return None;
        }
        let cells = room.min(WIDEST_BAR);
        let done = self.done.min(total);
        let cells_64 = cells as u64;
        let filled = (done.saturating_mul(cells_64))
            .checked_div(total)
            .unwrap_or(cells_64);
        let filled = usize::try_from(filled).unwrap_or(cells).min(cells);
        Some(match filled == cells {
            true => "=".repeat(cells),
            false => format!("{}>{}", "=".repeat(filled), " ".repeat(cells - filled - 1)),
        })
    }
}

fn in_words(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn cut(line: &str, width: usize) -> String {
    if length(line) <= width {
        return line.to_owned();
    }
    let mut kept: String = line.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        kept.push('…');
    }
    kept
}

fn length(text: &str) -> usize {
    text.chars().count()
}
