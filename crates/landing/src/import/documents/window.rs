//! The part of an input that is in memory.

use std::io::{self, Read};
use std::ops::Range;

use claimlake_contract::text_form::BYTE_ORDER_MARK;
use claimlake_json::value_end;

use super::between::skip_blank_from;
use super::piece::{Piece, PieceKind};

const READ_AT_LEAST: usize = 1 << 20;

/// The part of an input that is in memory: what was cut last, and what follows.
pub(super) struct Window<R> {
    source: R,
    /// No piece is larger than this.
    pub(super) limit: usize,
    pub(super) buffer: Vec<u8>,
    pub(super) start: usize,
    /// Where the previous piece ended: its bytes stay until the next one is read.
    pub(super) consumed: usize,
    /// The line that `start` is on, from 1.
    pub(super) line: u64,
    pub(super) ended: bool,
    failed: Option<io::Error>,
    /// Bytes read so far, decompressed.
    pub(super) bytes: u64,
    /// Documents cut so far.
    pub(super) documents: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R, limit: usize) -> Self {
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
        }
    }

    /// The next piece; the input continues behind it.
    pub(super) fn piece(&mut self, kind: PieceKind, range: Range<usize>, behind: usize) -> Piece {
        let before = &self.buffer[self.start..range.start];
        let line = self.line + memchr::memchr_iter(b'\n', before).count() as u64;
        self.consumed = behind;
        Piece {
            kind,
            line,
            document: self.documents,
            range,
        }
    }

    pub(super) fn consume(&mut self, behind: usize) {
        if behind > self.start {
            let gone = &self.buffer[self.start..behind];
            self.line += memchr::memchr_iter(b'\n', gone).count() as u64;
            self.start = behind;
        }
        self.consumed = self.start;
    }

    pub(super) fn skip_blank(&mut self) -> io::Result<()> {
        loop {
            self.consume(skip_blank_from(&self.buffer, self.start));
            // A mark may be cut where the buffer ends.
            let is_cut = BYTE_ORDER_MARK.starts_with(&self.buffer[self.start..]);
            if !is_cut || !self.fill()? {
                return Ok(());
            }
        }
    }

    pub(super) fn find_newline(&mut self, from: usize) -> io::Result<Option<usize>> {
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

    pub(super) fn find_value_end(&mut self, from: usize) -> io::Result<Option<usize>> {
        let offset = from - self.start;
        loop {
            // If a value is cut off at the end of the buffer, more of the input is read.
            if let Some(end) = value_end(&self.buffer, self.start + offset) {
                return Ok(Some(end));
            }
            if self.buffer.len() - self.start > self.limit || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on: as much again as is waiting, so that rescans stay few.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
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
