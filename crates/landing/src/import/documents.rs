//! Cutting an input into JSON documents, as it streams by.
//!
//! NDJSON is cut at newlines, so that one bad line costs one line. Where the first line is not a
//! complete document, the input is taken for pretty-printed JSON and cut where values end. A Bundle
//! larger than the limit is cut into its entries. Files that were put together have several
//! documents on a line, pretty-printed ones behind lines, and byte order marks anywhere.

mod between;
mod lines;
mod piece;
mod window;

use std::io::{self, Read};
use std::ops::Range;

use claimlake_contract::text_form::{self, LOOKED_AT};
use claimlake_json::Members;

use between::first_entry_of_bundle;
use lines::Lines;
use piece::Step;
pub(super) use piece::{Piece, PieceKind};
use window::Window;

/// No line, resource or entry larger than this is read.
pub(super) const LARGEST_DOCUMENT: usize = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Undecided,
    Lines,
    Values,
}

/// Where in a document the next piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    InEntries,
    BehindEntries,
    /// In the rest of a document that was given up: up to the next newline.
    Skipping,
    /// In an input that is not read on.
    Unread,
}

pub(super) struct Documents<R> {
    window: Window<R>,
    mode: Mode,
    place: Place,
    lines: Lines,
}

impl<R: Read> Documents<R> {
    pub(super) fn new(source: R) -> Self {
        Self::with_limit(source, LARGEST_DOCUMENT)
    }

    pub(super) fn with_limit(source: R, limit: usize) -> Self {
        Self {
            window: Window::new(source, limit),
            mode: Mode::Undecided,
            place: Place::Between,
            lines: Lines::default(),
        }
    }

    pub(super) fn text(&self, piece: &Piece) -> &[u8] {
        &self.window.buffer[piece.range.clone()]
    }

    /// The line that the next piece begins on.
    pub(super) fn line(&self) -> u64 {
        self.window.line
    }

    /// Bytes read so far, decompressed.
    pub(super) fn bytes_read(&self) -> u64 {
        self.window.bytes
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        self.window.consume(self.window.consumed);
        loop {
            let found = match (self.place, self.mode) {
                (Place::InEntries, _) => self.entry()?,
                (Place::BehindEntries, _) => self.tail()?,
                (Place::Skipping, _) => self.skipped()?,
                (Place::Unread, _) => Step::Ended,
                (Place::Between, Mode::Undecided) => self.decide()?,
                (Place::Between, Mode::Lines) => self.lines.next(&mut self.window)?,
                (Place::Between, Mode::Values) => self.next_value()?,
            };
            match found {
                Step::Piece(piece) => return Ok(Some(piece)),
                Step::Ended => return Ok(None),
                Step::Again => {}
                Step::OverLimit => {
                    if let Some(piece) = self.over_limit() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    fn decide(&mut self) -> io::Result<Step> {
        if self.window.bytes == 0 {
            self.window.fill()?;
            if let Some(what) = text_form::unreadable(&self.window.buffer) {
                self.place = Place::Unread;
                let shown = 0..self.window.buffer.len().min(LOOKED_AT);
                return Ok(self.piece(
                    PieceKind::Unreadable(what),
                    shown,
                    self.window.buffer.len(),
                ));
            }
        }
        self.window.skip_blank()?;
        let Some(first_end) = self.window.find_newline(self.window.start)? else {
            // One line: a document, or a Bundle over the limit. Lines mode knows both.
            self.mode = Mode::Lines;
            return Ok(Step::Again);
        };
        let first = &self.window.buffer[self.window.start..first_end];
        let is_cut = lines::parsed(first).is_err_and(|error| error.is_eof());
        // A cut first line of NDJSON is followed by lines that are complete objects.
        let mut following = self.window.buffer[first_end + 1..].split(|byte| *byte == b'\n');
        let another_is_complete =
            following.any(|line| line.starts_with(b"{") && lines::parsed(line).is_ok());
        // No line of NDJSON is a part of a list.
        let is_list = first.starts_with(b"[");
        self.mode = match is_cut && (is_list || !another_is_complete) {
            true => Mode::Values,
            false => Mode::Lines,
        };
        Ok(Step::Again)
    }

    fn next_value(&mut self) -> io::Result<Step> {
        self.window.skip_blank()?;
        if self.window.start == self.window.buffer.len() {
            return Ok(Step::Ended);
        }
        if !matches!(self.window.buffer[self.window.start], b'{' | b'[') {
            let end = self
                .window
                .find_newline(self.window.start)?
                .unwrap_or(self.window.buffer.len());
            return Ok(self.piece(PieceKind::NotAValue, self.window.start..end, end));
        }
        match self.window.find_value_end(self.window.start)? {
            Some(end) => Ok(self.piece(PieceKind::Document, self.window.start..end, end)),
            None if self.window.ended => {
                let end = self.window.buffer.len();
                Ok(self.piece(PieceKind::NotAValue, self.window.start..end, end))
            }
            None => Ok(Step::OverLimit),
        }
    }

    /// What begins here does not end within the limit: a Bundle is cut into its entries.
    fn over_limit(&mut self) -> Option<Piece> {
        if let Some(first) = first_entry_of_bundle(&self.window.buffer, self.window.start) {
            self.window.consume(first);
            self.place = Place::InEntries;
            self.window.documents += 1;
            return None;
        }
        Some(self.give_up())
    }

    /// The beginning of what is too large; the rest of it is skipped.
    fn give_up(&mut self) -> Piece {
        self.place = Place::Skipping;
        let end = self.window.buffer.len();
        self.window
            .piece(PieceKind::TooLarge, self.window.start..end, end)
    }

    fn entry(&mut self) -> io::Result<Step> {
        self.window.skip_blank()?;
        match self.window.buffer.get(self.window.start) {
            None => Ok(self.cut_off()),
            Some(b',') => {
                self.window.consume(self.window.start + 1);
                Ok(Step::Again)
            }
            Some(b']') => {
                self.window.consume(self.window.start + 1);
                self.place = Place::BehindEntries;
                Ok(Step::Again)
            }
            Some(_) => match self.window.find_value_end(self.window.start)? {
                Some(end) => Ok(self.piece(PieceKind::BundleEntry, self.window.start..end, end)),
                None if self.window.ended => Ok(self.cut_off()),
                None => Ok(Step::Piece(self.give_up())),
            },
        }
    }

    /// The input ends within a Bundle.
    fn cut_off(&mut self) -> Step {
        self.place = Place::Between;
        let end = self.window.buffer.len();
        self.piece(PieceKind::NotAValue, self.window.start..end, end)
    }

    fn tail(&mut self) -> io::Result<Step> {
        loop {
            let mut members = Members::resume(&self.window.buffer, self.window.start);
            members.by_ref().for_each(drop);
            if let Some(end) = members.end() {
                self.window.consume(end);
                self.place = Place::Between;
                return Ok(Step::Again);
            }
            if self.window.buffer.len() - self.window.start > self.window.limit {
                return Ok(Step::Piece(self.give_up()));
            }
            if !self.window.fill()? {
                return Ok(self.cut_off());
            }
        }
    }

    fn skipped(&mut self) -> io::Result<Step> {
        loop {
            if let Some(newline) = memchr::memchr(b'\n', &self.window.buffer[self.window.start..]) {
                self.window.consume(self.window.start + newline + 1);
                self.place = Place::Between;
                return Ok(Step::Again);
            }
            self.window.consume(self.window.buffer.len());
            if !self.window.fill()? {
                return Ok(Step::Ended);
            }
        }
    }

    /// A piece that is a document of its own, unless it is within one.
    fn piece(&mut self, kind: PieceKind, range: Range<usize>, behind: usize) -> Step {
        self.window.documents += u64::from(self.place == Place::Between);
        Step::Piece(self.window.piece(kind, range, behind))
    }
}

#[cfg(test)]
mod tests;
