//! Cutting an input into JSON documents, as it streams by.
//!
//! NDJSON is cut at newlines, so that one bad line costs one line. Where the first line is no
//! whole document, the input is taken for pretty-printed JSON and cut where values end. A Bundle
//! larger than the limit is cut into its entries. Files that were put together have several
//! documents on a line, pretty-printed ones behind lines, and byte order marks anywhere.

use std::io::{self, Read};
use std::ops::Range;

use claimlake_contract::text_form::{self, BYTE_ORDER_MARK, LOOKED_AT};
use claimlake_json::{Members, value_end};

use between::{first_entry_of_bundle, skip_blank_from};

mod between;
mod lines;

/// No line, resource or entry larger than this is read.
pub(super) const LARGEST_DOCUMENT: usize = 64 << 20;

const READ_AT_LEAST: usize = 1 << 20;

/// A piece of the input; [`Documents::text`] has its bytes until the next one is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    /// The line of the input it begins on, from 1.
    pub(super) line: u64,
    /// The number of the document that it is, or is an entry of, from 1.
    pub(super) document: u64,
    range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// A line, or a value (an object or a list) of a pretty-printed input.
    Document,
    /// An element of the `entry` array of a Bundle that is too large to be a document.
    BundleEntry,
    /// The beginning of a document over the limit; the rest of it is skipped.
    TooLarge,
    /// Text between values where no value begins.
    NotAValue,
    /// The beginning of an input that is no JSON in UTF-8, and what it is; nothing follows.
    Unreadable(&'static str),
}

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
    source: R,
    limit: usize,
    buffer: Vec<u8>,
    start: usize,
    /// Where the previous piece ended: its bytes stay until the next is asked for.
    consumed: usize,
    line: u64,
    ended: bool,
    failed: Option<io::Error>,
    bytes: u64,
    documents: u64,
    mode: Mode,
    place: Place,
    /// In lines: whether a document ended before the end of its line.
    is_within_line: bool,
    /// Bytes that were searched for the end of a value of several lines and had none.
    searched_in_vain: usize,
}

impl<R: Read> Documents<R> {
    pub(super) fn new(source: R) -> Self {
        Self::with_limit(source, LARGEST_DOCUMENT)
    }

    pub(super) fn with_limit(source: R, limit: usize) -> Self {
        Self {
            source,
            limit,
            buffer: Vec::new(),
            start: 0,
            consumed: 0,
            line: 1,
            ended: false,
            failed: None,
            bytes: 0,
            documents: 0,
            mode: Mode::Undecided,
            place: Place::Between,
            is_within_line: false,
            searched_in_vain: 0,
        }
    }

    pub(super) fn text(&self, piece: &Piece) -> &[u8] {
        &self.buffer[piece.range.clone()]
    }

    /// The line that the next piece begins on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes read so far, decompressed.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        self.consume(self.consumed);
        loop {
            let found = match (self.place, self.mode) {
                (Place::InEntries, _) => self.entry()?,
                (Place::BehindEntries, _) => self.tail()?,
                (Place::Skipping, _) => self.skipped()?,
                (Place::Unread, _) => Step::Ended,
                (Place::Between, Mode::Undecided) => self.decide()?,
                (Place::Between, Mode::Lines) => self.next_line()?,
                (Place::Between, Mode::Values) => self.next_value()?,
            };
            match found {
                Step::Piece(piece) => return Ok(Some(piece)),
                Step::Ended => return Ok(None),
                Step::Again => {}
            }
        }
    }

    fn decide(&mut self) -> io::Result<Step> {
        if self.bytes == 0 {
            self.fill()?;
            if let Some(what) = text_form::unreadable(&self.buffer) {
                self.place = Place::Unread;
                let shown = 0..self.buffer.len().min(LOOKED_AT);
                return Ok(self.piece(PieceKind::Unreadable(what), shown, self.buffer.len()));
            }
        }
        self.skip_blank()?;
        let Some(first_end) = self.find_newline(self.start)? else {
            // One line: a document, or a Bundle over the limit. Lines mode knows both.
            self.mode = Mode::Lines;
            return Ok(Step::Again);
        };
        let first = &self.buffer[self.start..first_end];
        let is_cut = lines::parsed(first).is_err_and(|error| error.is_eof());
        // A cut first line of NDJSON is followed by lines that are whole objects.
        let mut following = self.buffer[first_end + 1..].split(|byte| *byte == b'\n');
        let second_stands_alone =
            following.any(|line| line.starts_with(b"{") && lines::parsed(line).is_ok());
        // No line of NDJSON is a part of a list.
        let is_list = first.starts_with(b"[");
        self.mode = match is_cut && (is_list || !second_stands_alone) {
            true => Mode::Values,
            false => Mode::Lines,
        };
        Ok(Step::Again)
    }

    fn next_value(&mut self) -> io::Result<Step> {
        self.skip_blank()?;
        if self.start == self.buffer.len() {
            return Ok(Step::Ended);
        }
        if !matches!(self.buffer[self.start], b'{' | b'[') {
            let end = self.find_newline(self.start)?.unwrap_or(self.buffer.len());
            return Ok(self.piece(PieceKind::NotAValue, self.start..end, end));
        }
        match self.find_value_end(self.start)? {
            Some(end) => Ok(self.piece(PieceKind::Document, self.start..end, end)),
            None if self.ended => {
                let end = self.buffer.len();
                Ok(self.piece(PieceKind::NotAValue, self.start..end, end))
            }
            None => self.over_limit(),
        }
    }

    /// What begins at `start` does not end within the limit.
    fn over_limit(&mut self) -> io::Result<Step> {
        if let Some(first_entry) = first_entry_of_bundle(&self.buffer, self.start) {
            self.consume(first_entry);
            self.place = Place::InEntries;
            self.documents += 1;
            return Ok(Step::Again);
        }
        Ok(self.give_up())
    }

    fn give_up(&mut self) -> Step {
        self.place = Place::Skipping;
        let end = self.buffer.len();
        self.piece(PieceKind::TooLarge, self.start..end, end)
    }

    fn entry(&mut self) -> io::Result<Step> {
        self.skip_blank()?;
        match self.buffer.get(self.start) {
            None => Ok(self.cut_off()),
            Some(b',') => {
                self.consume(self.start + 1);
                Ok(Step::Again)
            }
            Some(b']') => {
                self.consume(self.start + 1);
                self.place = Place::BehindEntries;
                Ok(Step::Again)
            }
            Some(_) => match self.find_value_end(self.start)? {
                Some(end) => Ok(self.piece(PieceKind::BundleEntry, self.start..end, end)),
                None if self.ended => Ok(self.cut_off()),
                None => Ok(self.give_up()),
            },
        }
    }

    /// The input ends within a Bundle.
    fn cut_off(&mut self) -> Step {
        self.place = Place::Between;
        let end = self.buffer.len();
        self.piece(PieceKind::NotAValue, self.start..end, end)
    }

    fn tail(&mut self) -> io::Result<Step> {
        loop {
            let mut members = Members::resume(&self.buffer, self.start);
            members.by_ref().for_each(drop);
            if let Some(end) = members.end() {
                self.consume(end);
                self.place = Place::Between;
                return Ok(Step::Again);
            }
            if self.buffer.len() - self.start > self.limit {
                return Ok(self.give_up());
            }
            if !self.fill()? {
                return Ok(self.cut_off());
            }
        }
    }

    fn skipped(&mut self) -> io::Result<Step> {
        loop {
            if let Some(newline) = memchr::memchr(b'\n', &self.buffer[self.start..]) {
                self.consume(self.start + newline + 1);
                self.place = Place::Between;
                return Ok(Step::Again);
            }
            self.consume(self.buffer.len());
            if !self.fill()? {
                return Ok(Step::Ended);
            }
        }
    }

    fn piece(&mut self, kind: PieceKind, range: Range<usize>, behind: usize) -> Step {
        let before = &self.buffer[self.start..range.start];
        let line = self.line + memchr::memchr_iter(b'\n', before).count() as u64;
        self.consumed = behind;
        self.documents += u64::from(self.place == Place::Between);
        Step::Piece(Piece {
            kind,
            line,
            document: self.documents,
            range,
        })
    }

    fn consume(&mut self, behind: usize) {
        if behind > self.start {
            let gone = &self.buffer[self.start..behind];
            self.line += memchr::memchr_iter(b'\n', gone).count() as u64;
            self.start = behind;
        }
        self.consumed = self.start;
    }

    fn skip_blank(&mut self) -> io::Result<()> {
        loop {
            self.consume(skip_blank_from(&self.buffer, self.start));
            // A mark may be cut where the buffer ends.
            let is_cut = BYTE_ORDER_MARK.starts_with(&self.buffer[self.start..]);
            if !is_cut || !self.fill()? {
                return Ok(());
            }
        }
    }

    fn find_newline(&mut self, from: usize) -> io::Result<Option<usize>> {
        let mut searched = from - self.start;
        loop {
            let from = (self.start + searched).min(self.buffer.len());
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[from..]) {
                return Ok(Some(from + found));
            }
            searched = self.buffer.len() - self.start;
            if searched > self.limit || !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn find_value_end(&mut self, from: usize) -> io::Result<Option<usize>> {
        let offset = from - self.start;
        loop {
            // Of a value that the input is cut in, the scan must see the end of what is there.
            if let Some(end) = value_end(&self.buffer, self.start + offset) {
                return Ok(Some(end));
            }
            if self.buffer.len() - self.start > self.limit || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on: as much again as is waiting, so that rescans stay few.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.consumed -= self.start;
        self.start = 0;
        let wanted = self.buffer.len().max(READ_AT_LEAST).min(self.limit.max(1));
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let before = self.buffer.len();
        let outcome = (&mut self.source)
            .take(wanted as u64)
            .read_to_end(&mut self.buffer);
        let read = self.buffer.len() - before;
        self.bytes += read as u64;
        if let Err(error) = outcome {
            // What was read before the damage is used first.
            self.failed = Some(error);
            return match read {
                0 => self.fill(),
                _ => Ok(true),
            };
        }
        self.ended = read == 0;
        Ok(read > 0)
    }
}

enum Step {
    Piece(Piece),
    Again,
    Ended,
}

#[cfg(test)]
mod tests;
