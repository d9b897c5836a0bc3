//! Documents of NDJSON: a line each, but where files were put together.

use std::io::{self, Read};

use claimlake_json::value_end;
use serde::de::IgnoredAny;

use super::between::{end_of_first, skip_blank_from};
use super::{Documents, PieceKind, Step};

/// The text as JSON, of which nothing is kept.
pub(super) fn parsed(text: &[u8]) -> serde_json::Result<IgnoredAny> {
    serde_json::from_slice(text)
}

impl<R: Read> Documents<R> {
    pub(super) fn next_line(&mut self) -> io::Result<Step> {
        if std::mem::take(&mut self.is_within_line)
            && let Some(step) = self.next_on_line()?
        {
            return Ok(step);
        }
        let end = match self.find_newline(self.start)? {
            Some(end) => end,
            None if self.ended => self.buffer.len(),
            None => {
                return match self.value_in_buffer() {
                    Some(end) => Ok(self.document_within_line(self.start, end)),
                    None => self.over_limit(),
                };
            }
        };
        if end == self.start && self.ended && end == self.buffer.len() {
            return Ok(Step::Ended);
        }
        let mut range = self.start..end;
        while range.end > range.start && self.buffer[range.end - 1].is_ascii_whitespace() {
            range.end -= 1;
        }
        range.start = skip_blank_from(&self.buffer[..range.end], range.start);
        let behind = (end + 1).min(self.buffer.len());
        if range.is_empty() {
            self.consume(behind);
            return Ok(Step::Again);
        }
        let text = &self.buffer[range.clone()];
        // A file without a newline at its end, and what the next one begins with.
        if let Some(first) = end_of_first(text) {
            let end = range.start + first;
            return Ok(self.document_within_line(range.start, end));
        }
        let may_go_on = matches!(text.first(), Some(b'{' | b'['))
            && !matches!(text.last(), Some(b'}' | b']'))
            && value_end(text, 0).is_none();
        let (first, last, behind) = (
            range.start - self.start,
            range.end - self.start,
            behind - self.start,
        );
        if may_go_on && let Some(end) = self.value_of_lines(first, behind)? {
            return Ok(self.document_within_line(self.start + first, end));
        }
        // Reading on may have moved the buffer.
        let range = self.start + first..self.start + last;
        Ok(self.piece(PieceKind::Document, range, self.start + behind))
    }

    fn document_within_line(&mut self, start: usize, end: usize) -> Step {
        self.is_within_line = true;
        self.piece(PieceKind::Document, start..end, end)
    }

    /// The next document on the line of one that has ended: not by the end of the line, so that
    /// a line of many documents is read once.
    fn next_on_line(&mut self) -> io::Result<Option<Step>> {
        let line = self.line;
        self.skip_blank()?;
        if self.line != line {
            return Ok(None);
        }
        loop {
            if let Some(end) = self.value_in_buffer() {
                let is_one_line = memchr::memchr(b'\n', &self.buffer[self.start..end]).is_none();
                return Ok(is_one_line.then(|| self.document_within_line(self.start, end)));
            }
            let waiting = &self.buffer[self.start..];
            let is_value = matches!(waiting.first(), Some(b'{' | b'['));
            let has_end = memchr::memchr(b'\n', waiting).is_some();
            if !is_value || has_end || waiting.len() > self.limit || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The end of the object or list that begins at `start`, if it is in the buffer.
    fn value_in_buffer(&self) -> Option<usize> {
        let is_value = matches!(self.buffer.get(self.start), Some(b'{' | b'['));
        is_value
            .then(|| value_end(&self.buffer, self.start))
            .flatten()
    }

    /// The end of a pretty-printed value whose first line is not whole, or none where that line
    /// is a cut one of NDJSON. The positions count from `start`.
    fn value_of_lines(&mut self, first: usize, behind: usize) -> io::Result<Option<usize>> {
        // Where cut lines are many, each search may go to the end of the input.
        if self.searched_in_vain > self.limit {
            return Ok(None);
        }
        // No line of NDJSON is a part of a list.
        let is_list = self.buffer[self.start + first] == b'[';
        if !is_list {
            let end = self.find_newline(self.start + behind)?;
            let end = end.unwrap_or(self.buffer.len());
            let next = &self.buffer[self.start + behind..end];
            if next.starts_with(b"{") && parsed(next).is_ok() {
                return Ok(None);
            }
        }
        let end = self.find_value_end(self.start + first)?;
        let whole = end.filter(|end| parsed(&self.buffer[self.start + first..*end]).is_ok());
        if whole.is_none() {
            let searched = end.unwrap_or(self.buffer.len()) - self.start;
            self.searched_in_vain = self.searched_in_vain.saturating_add(searched);
        }
        Ok(whole)
    }
}
