//! A page of text for a terminal of any width: labels to the left, words wrapped to the right.

use std::io::IsTerminal as _;

use crate::plain_text::one_line;

/// The width of what is not a terminal.
const USUAL: usize = 80;

/// Narrower than this, nothing is readable any more.
const LEAST: usize = 30;

/// Labels and the space after them.
const LABEL: usize = 11;

/// By how many columns continuation lines are indented.
const HANG: usize = 2;

/// Lines of text, none longer than the terminal is wide, except where a word is.
#[derive(Debug)]
pub(crate) struct TerminalLayout {
    width: usize,
    text: String,
    label: &'static str,
}

impl TerminalLayout {
    /// As wide as `COLUMNS` says, otherwise as the terminal of stdout.
    pub(crate) fn for_stdout() -> Self {
        Self::of_width(columns().or_else(terminal_width).unwrap_or(USUAL))
    }

    pub(crate) fn of_width(width: usize) -> Self {
        Self {
            width: width.max(LEAST),
            text: String::new(),
            label: "",
        }
    }

    /// Columns to the right of the labels.
    pub(crate) fn room(&self) -> usize {
        self.width - LABEL
    }

    /// The lines that follow belong to `label`, which is before the first of them.
    pub(crate) fn label(&mut self, label: &'static str) -> &mut Self {
        self.label = label;
        self
    }

    /// Words, wrapped.
    pub(crate) fn say(&mut self, words: &str) -> &mut Self {
        let room = self.width - LABEL;
        let lead = length(words) - length(words.trim_start());
        let mut line = " ".repeat(lead);
        let mut is_empty = true;
        for word in words.split_whitespace() {
            if !is_empty && length(&line) + 1 + length(word) > room {
                self.line(&line);
                line = " ".repeat(lead + HANG);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line)
    }

    /// One line as it is, such as a command to paste.
    pub(crate) fn line(&mut self, line: &str) -> &mut Self {
        let label = std::mem::take(&mut self.label);
        let whole = format!("{label:<LABEL$}{}", one_line(line));
        self.text.push_str(whole.trim_end());
        self.text.push('\n');
        self
    }

    /// A name and its figures: on one line if both fit.
    pub(crate) fn pair(&mut self, name: &str, name_width: usize, figures: &str) -> &mut Self {
        let room = self.width - LABEL;
        let whole = format!("{name:<name_width$} {figures}");
        if length(&whole) <= room {
            return self.line(&whole);
        }
        let compact = figures.split_whitespace().collect::<Vec<_>>().join(" ");
        let short = format!("{name} {compact}");
        if length(&short) <= room {
            return self.line(&short);
        }
        self.say(name);
        let indented = format!("{:HANG$}{compact}", "");
        if length(&indented) <= room {
            return self.line(&indented);
        }
        self.say(&compact)
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The width that the environment states.
fn columns() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?;
    columns.parse().ok().filter(|columns| *columns > 0)
}

/// The number of columns if stdout is a terminal; otherwise `None`.
pub(crate) fn terminal_width() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok();
    let size = size.map(|size| usize::from(size.ws_col));
    Some(
        size.filter(|width| *width > 0)
            .or_else(columns)
            .unwrap_or(USUAL),
    )
}

#[cfg(test)]
mod tests {
    use super::TerminalLayout;

    #[test]
    fn words_wrap_below_their_label() {
        let mut page = TerminalLayout::of_width(40);
        page.label("grants")
            .say("12 active, the first ends on 2027-12-24, none of them soon");
        assert_eq!(
            page.into_text(),
            "grants     12 active, the first ends on\n             2027-12-24, none of them\n             soon\n"
        );
    }

    #[test]
    fn figures_go_below_where_there_is_no_room_beside() {
        let mut wide = TerminalLayout::of_width(80);
        wide.label("lake").pair("eob_item", 10, "  1,372 rows");
        assert_eq!(wide.into_text(), "lake       eob_item     1,372 rows\n");
        let mut narrow = TerminalLayout::of_width(40);
        narrow.pair("eob_contained_identifier", 26, "      216 rows");
        assert_eq!(
            narrow.into_text(),
            "           eob_contained_identifier\n             216 rows\n"
        );
    }
}
