//! Documents of NDJSON: a line each, but where files were put together.

use std::io::{self, Read};
use std::ops::Range;

use claimlake_json::value_end;
use serde::de::IgnoredAny;

use super::between::{end_of_first, skip_blank_from};
use super::piece::{PieceKind, Step};
use super::window::Window;

/// The text as JSON, of which nothing is kept.
pub(super) fn parsed(text: &[u8]) -> serde_json::Result<IgnoredAny> {
    serde_json::from_slice(text)
}

/// What cutting into lines must remember.
#[derive(Default)]
pub(super) struct Lines {
    /// Whether a document ended before the end of its line.
    is_within_line: bool,
    /// Bytes that were searched for the end of a value of several lines and had none.
    searched_in_vain: usize,
}

impl Lines {
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>) -> io::Result<Step> {
        if std::mem::take(&mut self.is_within_line)
            && let Some(step) = self.next_on_line(window)?
        {
            return Ok(step);
        }
        let end = match window.find_newline(window.start)? {
            Some(end) => end,
            None if window.ended => window.buffer.len(),
            None => {
                return match value_in_buffer(window) {
                    Some(end) => Ok(self.document_within_line(window.start..end, window)),
                    None => Ok(Step::OverLimit),
                };
            }
        };
        if end == window.start && window.ended && end == window.buffer.len() {
            return Ok(Step::Ended);
        }
        let mut range = window.start..end;
        while range.end > range.start && window.buffer[range.end - 1].is_ascii_whitespace() {
            range.end -= 1;
        }
        range.start = skip_blank_from(&window.buffer[..range.end], range.start);
        let behind = (end + 1).min(window.buffer.len());
        if range.is_empty() {
            window.consume(behind);
            return Ok(Step::Again);
        }
        let text = &window.buffer[range.clone()];
        // A file without a newline at its end, and what the next one begins with.
        if let Some(first) = end_of_first(text) {
            let end = range.start + first;
            return Ok(self.document_within_line(range.start..end, window));
        }
        let may_go_on = matches!(text.first(), Some(b'{' | b'['))
            && !matches!(text.last(), Some(b'}' | b']'))
            && value_end(text, 0).is_none();
        let (first, last, behind) = (
            range.start - window.start,
            range.end - window.start,
            behind - window.start,
        );
        if may_go_on && let Some(end) = self.value_of_lines(window, first, behind)? {
            return Ok(self.document_within_line(window.start + first..end, window));
        }
        // Reading on may have moved the buffer.
        let range = window.start + first..window.start + last;
        let behind = window.start + behind;
        Ok(document(range, behind, window))
    }

    fn document_within_line<R: Read>(
        &mut self,
        range: Range<usize>,
        window: &mut Window<R>,
    ) -> Step {
        self.is_within_line = true;
        let end = range.end;
        document(range, end, window)
    }

    /// The next document on the line of one that has ended: not by the end of the line, so that
    /// a line of many documents is read once.
    fn next_on_line<R: Read>(&mut self, window: &mut Window<R>) -> io::Result<Option<Step>> {
        let line = window.line;
        window.skip_blank()?;
        if window.line != line {
            return Ok(None);
        }
        loop {
            if let Some(end) = value_in_buffer(window) {
                let is_one_line =
                    memchr::memchr(b'\n', &window.buffer[window.start..end]).is_none();
                return Ok(
                    is_one_line.then(|| self.document_within_line(window.start..end, window))
                );
            }
            let waiting = &window.buffer[window.start..];
            let is_value = matches!(waiting.first(), Some(b'{' | b'['));
            let has_end = memchr::memchr(b'\n', waiting).is_some();
            if !is_value || has_end || waiting.len() > window.limit || !window.fill()? {
                return Ok(None);
            }
        }
    }

    /// The end of a pretty-printed value whose first line is not complete, or none where that
    /// line is a cut one of NDJSON. The positions count from `start`.
    fn value_of_lines<R: Read>(
        &mut self,
        window: &mut Window<R>,
        first: usize,
        behind: usize,
    ) -> io::Result<Option<usize>> {
        // Where cut lines are many, each search may go to the end of the input.
        if self.searched_in_vain > window.limit {
            return Ok(None);
        }
        // No line of NDJSON is a part of a list.
        let is_list = window.buffer[window.start + first] == b'[';
        if !is_list {
            let end = window.find_newline(window.start + behind)?;
            let end = end.unwrap_or(window.buffer.len());
            let next = &window.buffer[window.start + behind..end];
            if next.starts_with(b"{") && parsed(next).is_ok() {
                return Ok(None);
            }
        }
        let end = window.find_value_end(window.start + first)?;
        let whole = end.filter(|end| parsed(&window.buffer[window.start + first..*end]).is_ok());
        if whole.is_none() {
            let searched = end.unwrap_or(window.buffer.len()) - window.start;
            self.searched_in_vain = self.searched_in_vain.saturating_add(searched);
        }
        Ok(whole)
    }
}

/// A document of its own.
fn document<R: Read>(range: Range<usize>, behind: usize, window: &mut Window<R>) -> Step {
    window.documents += 1;
    Step::Piece(window.piece(PieceKind::Document, range, behind))
}

/// The end of the object or list that the window begins with, if it is in the buffer.
fn value_in_buffer<R>(window: &Window<R>) -> Option<usize> {
    let is_value = matches!(window.buffer.get(window.start), Some(b'{' | b'['));
    is_value
        .then(|| value_end(&window.buffer, window.start))
        .flatten()
}
