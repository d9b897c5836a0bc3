//! One walk over a line: everything in it is checked, what views read is recorded.
//!
//! Strictness is the same whether a value is recorded or not: structure, strings, numbers and keys that
//! come twice are found everywhere, by RFC 8259 and by FHIR's rule that a key comes once
//! (<https://hl7.org/fhir/R4/json.html>). What only the reference evaluator can take (nulls that keep
//! places, empty arrays, ids and extensions of primitives) is noted on the tape.

use std::collections::HashSet;

use super::outcome::LineRefusal;
use super::shape::{NodeId, ROOT, Shape, UNKNOWN};
use super::tape::{Entry, Kind, Position, Tape};
use crate::json::{Fault, MAX_DEPTH, load, number_end, string_end, unescape};

impl From<Fault> for LineRefusal {
    #[cold]
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotJson => LineRefusal::NotJson,
            Fault::LoneSurrogate => LineRefusal::LoneSurrogate,
        }
    }
}

/// What a walk works on.
///
/// The walk never looks back: a value is either recorded on the tape, as a range of the line, or
/// checked and passed over. Its speed depends on guessing keys: resources of one source have the
/// same keys in the same order, so the key after this one is predicted by the line before
/// (`Edge::follower`), and a guess is verified by comparing bytes.
pub(super) struct Walk<'w> {
    /// The line, and padding that words may be loaded from.
    pub(super) buffer: &'w [u8],
    /// What is known of the keys.
    pub(super) shape: &'w mut Shape,
    /// What is recorded.
    pub(super) tape: &'w mut Tape,
    /// Grows by one for each object, over all lines of the shape.
    pub(super) objects: &'w mut u64,
    /// The next byte.
    pub(super) at: usize,
}

/// Where a value belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The key's number on the tape.
    pub(super) code: u32,
    /// What is known of objects here; [`UNKNOWN`] where nothing is.
    pub(super) node: NodeId,
    /// The key's position in `parent`.
    pub(super) edge: u32,
    /// The node of the object that has the key.
    pub(super) parent: NodeId,
    /// Whether it is recorded on the tape.
    pub(super) recorded: bool,
    /// The nesting depth of the value.
    pub(super) depth: u32,
}

impl Walk<'_> {
    /// Walks the line that begins at `at`, up to its newline.
    pub(super) fn line(&mut self) -> Result<(), LineRefusal> {
        self.tape.entries.clear();
        self.tape.needs_fallback = false;
        self.space();
        if self.byte() != b'{' {
            let mut place = Place {
                code: 0,
                node: UNKNOWN,
                edge: 0,
                parent: UNKNOWN,
                recorded: false,
                depth: 0,
            };
            self.value(&mut place)?;
            self.line_ends()?;
            return Err(LineRefusal::NotTheResource);
        }
        self.object(0, ROOT, true, 0)?;
        self.line_ends()
    }

    /// A line is one value and nothing behind it.
    fn line_ends(&mut self) -> Result<(), LineRefusal> {
        self.space();
        match self.byte() {
            b'\n' => Ok(()),
            _ => Err(LineRefusal::NotJson),
        }
    }

    /// The byte at the position; a newline behind the end.
    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.buffer.get(self.at).copied().unwrap_or(b'\n')
    }

    /// Passes over white space; a newline ends the line and is none.
    #[inline]
    pub(super) fn space(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    /// Records a value; an object's end is filled in when it is known.
    fn push(&mut self, code: u32, kind: Kind, start: usize, end: usize) {
        let next = self.tape.entries.len() as u32 + 1;
        self.tape.entries.push(Entry {
            code,
            kind,
            start: start as u32,
            end: end as u32,
            next,
            run_end: next,
        });
    }

    /// Passes over a value of any kind.
    #[inline]
    pub(super) fn value(&mut self, place: &mut Place) -> Result<(), LineRefusal> {
        match self.byte() {
            b'"' => {
                let start = self.at + 1;
                let (end, escaped) = string_end(self.buffer, start)?;
                self.at = end + 1;
                if place.recorded {
                    let kind = if escaped {
                        Kind::EscapedText
                    } else {
                        Kind::Text
                    };
                    self.push(place.code, kind, start, end);
                }
                Ok(())
            }
            b'{' => {
                if place.node == UNKNOWN && place.parent != UNKNOWN {
                    place.node = self.shape.child(place.parent, place.edge);
                }
                self.object(place.code, place.node, place.recorded, place.depth)
            }
            b'[' => self.array(place),
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                self.at = number_end(self.buffer, start)?;
                if place.recorded {
                    self.push(place.code, Kind::Number, start, self.at);
                }
                Ok(())
            }
            b't' => self.word(b"true", place, Some(Kind::True)),
            b'f' => self.word(b"false", place, Some(Kind::False)),
            b'n' => self.word(b"null", place, None),
            _ => Err(LineRefusal::NotJson),
        }
    }

    /// Passes over `true`, `false` or `null`.
    fn word(&mut self, word: &[u8], place: &Place, kind: Option<Kind>) -> Result<(), LineRefusal> {
        let (start, end) = (self.at, self.at + word.len());
        if self.buffer.get(start..end) != Some(word) {
            return Err(LineRefusal::NotJson);
        }
        self.at = end;
        match kind {
            Some(kind) if place.recorded => self.push(place.code, kind, start, end),
            Some(_) => {}
            None => self.tape.needs_fallback |= place.recorded,
        }
        Ok(())
    }

    /// Passes over an array: its elements are values under the array's key.
    fn array(&mut self, place: &mut Place) -> Result<(), LineRefusal> {
        place.depth += 1;
        if place.depth > MAX_DEPTH {
            return Err(LineRefusal::TooDeep);
        }
        let first = self.tape.entries.len();
        self.at += 1;
        self.space();
        if self.byte() == b']' {
            self.at += 1;
            self.tape.needs_fallback |= place.recorded;
            place.depth -= 1;
            return Ok(());
        }
        loop {
            // FHIR has no arrays of arrays.
            self.tape.needs_fallback |= place.recorded && self.byte() == b'[';
            self.value(place)?;
            self.space();
            match self.byte() {
                b',' => {
                    self.at += 1;
                    self.space();
                }
                b']' => break,
                _ => return Err(LineRefusal::NotJson),
            }
        }
        self.at += 1;
        place.depth -= 1;
        let end = self.tape.entries.len() as Position;
        if let Some(entry) = self.tape.entries.get_mut(first) {
            entry.run_end = end;
        }
        Ok(())
    }

    /// Passes over an object; its members are those of a node, or unknown ones.
    fn object(
        &mut self,
        code: u32,
        node: NodeId,
        recorded: bool,
        depth: u32,
    ) -> Result<(), LineRefusal> {
        if depth >= MAX_DEPTH {
            return Err(LineRefusal::TooDeep);
        }
        let own = self.tape.entries.len();
        let start = self.at;
        if recorded {
            self.push(code, Kind::Object, start, start);
        }
        self.at += 1;
        self.space();
        if self.byte() == b'}' {
            self.at += 1;
        } else if node == UNKNOWN {
            self.unknown_members(depth)?;
        } else {
            self.members(node, recorded, depth)?;
        }
        let (next, end) = (self.tape.entries.len() as Position, self.at as u32);
        if recorded && let Some(entry) = self.tape.entries.get_mut(own) {
            entry.next = next;
            entry.run_end = next;
            entry.end = end;
        }
        Ok(())
    }

    /// Passes over the members of an object whose node is known.
    ///
    /// A key may occur once in an object. Each object has a number, and each key remembers the
    /// number of the object in which it was last seen; so a duplicate is found without a set. In a
    /// node that contains itself (`recursive`) an inner object overwrites these numbers, and the
    /// keys are collected in a list instead.
    fn members(&mut self, node: NodeId, recorded: bool, depth: u32) -> Result<(), LineRefusal> {
        *self.objects += 1;
        let object = *self.objects;
        let (recursive, mut guess) = match self.shape.nodes.get(node as usize) {
            Some(node) => (node.recursive, node.first),
            None => (true, 0),
        };
        let mut seen = Vec::new();
        let mut unknown_keys = HashSet::new();
        let mut previous = u32::MAX;
        loop {
            if self.byte() != b'"' {
                return Err(LineRefusal::NotJson);
            }
            let Some(index) = self.key(node, guess)? else {
                self.unknown_member(node, depth, &mut unknown_keys)?;
                if self.object_goes_on()? {
                    continue;
                }
                return Ok(());
            };
            let Some(known) = self.shape.nodes.get_mut(node as usize) else {
                return Err(LineRefusal::NotJson);
            };
            if index != guess {
                match known.edges.get_mut(previous as usize) {
                    Some(edge) => edge.follower = index,
                    None => known.first = index,
                }
            }
            previous = index;
            let Some(edge) = known.edges.get_mut(index as usize) else {
                return Err(LineRefusal::NotJson);
            };
            if edge.object == object || recursive && seen.contains(&index) {
                return Err(LineRefusal::DuplicateKey);
            }
            if recursive {
                seen.push(index);
            }
            edge.object = object;
            edge.count += 1;
            guess = edge.follower;
            let is_recorded = recorded && edge.recorded;
            self.tape.needs_fallback |= recorded && edge.needs_fallback;
            let mut place = Place {
                code: edge.code,
                node: edge.child,
                edge: index,
                parent: node,
                recorded: is_recorded,
                depth: depth + 1,
            };
            if self.byte() != b':' {
                self.space();
                if self.byte() != b':' {
                    return Err(LineRefusal::NotJson);
                }
            }
            self.at += 1;
            if self.byte() <= b' ' {
                self.space();
            }
            self.value(&mut place)?;
            match self.byte() {
                b',' => {
                    self.at += 1;
                    if self.byte() <= b' ' {
                        self.space();
                    }
                }
                _ => {
                    if !self.object_goes_on()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Passes over the comma behind a member; false where the object ends instead.
    pub(super) fn object_goes_on(&mut self) -> Result<bool, LineRefusal> {
        self.space();
        let byte = self.byte();
        self.at += 1;
        match byte {
            b',' => {
                self.space();
                Ok(true)
            }
            b'}' => Ok(false),
            _ => Err(LineRefusal::NotJson),
        }
    }

    /// Passes over the key at `at` and returns its position in the node; if the key is not
    /// remembered, returns `None` and passes over nothing.
    #[inline]
    fn key(&mut self, node: NodeId, guess: u32) -> Result<Option<u32>, LineRefusal> {
        let words = [load(self.buffer, self.at), load(self.buffer, self.at + 8)];
        let Some(known) = self.shape.nodes.get(node as usize) else {
            return Ok(None);
        };
        let is_here = |edge: &&super::shape::Edge| edge.is_at(self.buffer, self.at, words);
        if let Some(edge) = known.edges.get(guess as usize).filter(is_here) {
            self.at += edge.length();
            return Ok(Some(guess));
        }
        let found = known.edges.iter().position(|edge| is_here(&edge));
        if let Some(index) = found {
            self.at += known.edges.get(index).map_or(0, super::shape::Edge::length);
            return Ok(Some(index as u32));
        }
        self.new_key(node)
    }

    /// Passes over a key that the node does not know yet, and teaches it.
    ///
    /// A key that is written with escapes is compared by its decoded text, so that `"\u0069d"` is
    /// the same key as `"id"` and a duplicate cannot hide.
    #[cold]
    fn new_key(&mut self, node: NodeId) -> Result<Option<u32>, LineRefusal> {
        let start = self.at + 1;
        let (end, escaped) = string_end(self.buffer, start)?;
        let raw = self.buffer.get(start..end).unwrap_or_default();
        let key = if escaped { unescape(raw) } else { raw.to_vec() };
        let known = self.shape.nodes.get(node as usize);
        let mut index = known
            .and_then(|known| known.edges.iter().position(|edge| edge.key() == key))
            .map(|index| index as u32);
        if index.is_none() {
            let key = std::str::from_utf8(&key).map_err(|_| LineRefusal::NotJson)?;
            // Such a key, put in quotes, would not be the text of a key.
            let is_plain = !escaped || !key.contains(|c| c == '"' || c == '\\' || c < ' ');
            if is_plain {
                index = self.shape.learn(node, key);
            }
        }
        if index.is_some() {
            self.at = end + 1;
        }
        Ok(index)
    }
}
