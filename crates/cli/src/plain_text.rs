//! Text from outside (names of files and people, what servers say, cells), safe to print: what would
//! steer a terminal, hide or reorder what is read, or begin a line of its own, is shown as an escape.

use std::borrow::Cow;
use std::io::{self, Write};

/// The text with everything escaped that a terminal obeys; line breaks and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |one| !matches!(one, '\n' | '\t') && is_steering(one))
}

/// The same for a single line: a line break in it comes from the input.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_steering)
}

/// JSON without the characters that JSON itself lets through: the same value.
pub(crate) fn printable_json(json: &str) -> Cow<'_, str> {
    printable(json)
}

/// Control characters (C0, DEL, C1), separators of lines and paragraphs, and marks that turn the
/// direction of what follows (Unicode, Bidirectional Algorithm, section 2).
fn is_steering(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Each is in the basic plane, so that the escape is one of JSON, too.
fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        match one {
            '\n' if is_escaped(one) => escaped.push_str("\\n"),
            '\t' if is_escaped(one) => escaped.push_str("\\t"),
            _ if is_escaped(one) => escaped.push_str(&format!("\\u{:04x}", u32::from(one))),
            _ => escaped.push(one),
        }
    }
    Cow::Owned(escaped)
}

/// Writes text to a terminal, made printable. Pieces must end between characters, as those of
/// `write!` do.
#[derive(Debug)]
pub(crate) struct Printable<W>(pub(crate) W);

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let printable_text = String::from_utf8_lossy(text);
        self.0.write_all(printable(&printable_text).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Printable, one_line, printable, printable_json};

    #[test]
    fn what_steers_a_terminal_is_shown_and_nothing_else_is_changed() {
        for (text, shown) in [
            ("plain é 😀 \u{301}", "plain é 😀 \u{301}"),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", "\\u001b[2J\\u001b]0;x\\u0007"),
            ("a\rb", "a\\u000db"),
            ("\u{7f}\u{9b}31m\u{85}", "\\u007f\\u009b31m\\u0085"),
            (
                "exe\u{202e}txt.\u{2066}x\u{2069}",
                "exe\\u202etxt.\\u2066x\\u2069",
            ),
            ("\u{200e}\u{200f}\u{61c}", "\\u200e\\u200f\\u061c"),
            ("\u{2028}\u{2029}", "\\u2028\\u2029"),
            ("\0\u{8}", "\\u0000\\u0008"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(one_line(text), shown);
        }
        assert_eq!(printable("a\n\tb"), "a\n\tb");
        assert_eq!(one_line("a\n\tb\r\n"), "a\\n\\tb\\u000d\\n");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"name": "a\u{9b}31m\u{202e}\u{7f}\n\u{1b}"});
        let text = value.to_string();
        let shown = printable_json(&text);
        assert!(!shown.chars().any(super::is_steering), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }

    #[test]
    fn cells_on_a_terminal_are_made_printable_too() {
        let mut to = Printable(Vec::new());
        writeln!(to, "a\u{1b}[31m,b\u{85}").unwrap();
        assert_eq!(to.0, b"a\\u001b[31m,b\\u0085\n");
    }
}
