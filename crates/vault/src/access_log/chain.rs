//! The hash chain of the access log: whether each line follows the one before, and whether the last
//! line that the vault has recorded is still there.

use std::collections::BTreeSet;
use std::io::BufRead;

use super::line::{AccessAction, AccessLine, MissingLines};
use crate::seal::{Key, keyed_hash};
use claimlake_contract::hex;

/// The hash before the first line.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest line in bytes. Real lines are much shorter, so anything longer is not a line of the
/// log.
pub(super) const LONGEST_LINE: u64 = 1 << 16;

/// The greatest line number. 2⁵³ is the largest integer that every JSON reader represents exactly.
const GREATEST: u64 = 1 << 53;

/// A position in the chain: number and hash of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) line: u64,
    pub(super) hash: String,
}

impl Head {
    /// Before the first line.
    pub(super) fn beginning() -> Self {
        Self {
            line: 0,
            hash: BEGINNING.to_owned(),
        }
    }

    pub(super) fn of(line: &AccessLine) -> Self {
        Self {
            line: line.line,
            hash: line.hash.clone(),
        }
    }

    /// The number and the hash, with a space between.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (line, hash) = text.trim().split_once(' ')?;
        let line = line.parse().ok().filter(|line| *line <= GREATEST)?;
        Some(Self {
            line,
            hash: hash.to_owned(),
        })
    }

    /// The same for a record that no key protects, such as the one outside the data directory. A
    /// number so large that no further line could follow is refused: the record may be forged.
    pub(super) fn parse_unprotected(text: &str) -> Option<Self> {
        Self::parse(text).filter(|head| head.line <= GREATEST / 2)
    }

    /// The number of the next line.
    pub(super) fn next_line(&self) -> u64 {
        self.line.saturating_add(1)
    }

    pub(super) fn to_text(&self) -> String {
        format!("{} {}", self.line, self.hash)
    }
}

/// The keyed hash of a line and the line before it. Members without a value do not change the hash,
/// so lines of earlier versions keep theirs.
pub(super) fn hash(key: &Key, line: &AccessLine) -> String {
    let action = serde_json::to_string(&line.action).unwrap_or_default();
    let number = line.line.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![
        line.before.as_bytes(),
        &number,
        line.at.as_bytes(),
        line.who.as_bytes(),
        line.command.as_bytes(),
        action.as_bytes(),
        line.grant.as_bytes(),
    ];
    if let Some(user) = &line.user {
        parts.extend([&b"user"[..], user.as_bytes()]);
    }
    let missing = line.missing.map(|missing| {
        let (first, last) = (missing.first.to_be_bytes(), missing.last.to_be_bytes());
        [first, last].concat()
    });
    if let Some(missing) = &missing {
        parts.extend([&b"missing"[..], missing]);
    }
    hex(&keyed_hash(key, &parts))
}

/// Whether the last line of the file is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a newline, or it is empty.
    Ended,
    /// The last line is complete except for its newline.
    Unended,
    /// The last line is incomplete, so it was never acknowledged.
    Torn {
        /// Where it begins.
        at: u64,
    },
}

/// The state of a walk over the lines.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    key: &'a Key,
    /// What the vault has recorded about the log.
    noted: &'a Head,
    /// What is recorded outside the data directory, if anything.
    outside: Option<&'a Head>,
    /// Whether the line with the number recorded outside is a different line here: this is
    /// a copy of log and vault that was used after the copy was made.
    pub(super) is_replaced: bool,
    /// What the next line must follow, according to the lines themselves.
    expected: Head,
    /// The last line of a chain that contains the recorded line; `None` if that line is missing.
    pub(super) anchor: Option<Head>,
    /// The number of the last line of this vault that is still there, up to the recorded one.
    pub(super) last_own: u64,
    /// Lines read.
    pub(super) lines: u64,
    /// The first thing wrong.
    pub(super) problem: Option<String>,
    /// The gaps that lines of the log name.
    pub(super) gaps: Vec<MissingLines>,
    /// Lines after the recorded one.
    pub(super) newer: u64,
    /// Patients who were forgotten in these lines and have not consented again since, by keyed
    /// hash.
    pub(super) newer_forgotten: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(key: &'a Key, noted: &'a Head, outside: Option<&'a Head>) -> Self {
        Self {
            key,
            noted,
            outside,
            is_replaced: false,
            expected: Head::beginning(),
            anchor: (noted.line == 0).then(Head::beginning),
            last_own: 0,
            lines: 0,
            problem: None,
            gaps: Vec::new(),
            newer: 0,
            newer_forgotten: BTreeSet::new(),
        }
    }

    /// Reads lines to the end. `begin` is where the reader is in the file.
    pub(super) fn read(&mut self, mut reader: impl BufRead, begin: u64) -> std::io::Result<Tail> {
        let mut at = begin;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let limit = LONGEST_LINE + 1;
            let length = std::io::Read::take(&mut reader, limit).read_until(b'\n', &mut bytes)?;
            if length == 0 {
                return Ok(Tail::Ended);
            }
            if let Some(line) = bytes.strip_suffix(b"\n") {
                self.line(line);
                at += length as u64;
                continue;
            }
            if length as u64 == limit {
                at += limit + skip_line(&mut reader)?;
                self.line(b"");
                continue;
            }
            return Ok(match parsed(&bytes) {
                Some(line) if hash(self.key, &line) == line.hash => {
                    self.line(&bytes);
                    Tail::Unended
                }
                _ => Tail::Torn { at },
            });
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        self.lines += 1;
        let number = self.lines;
        let Some(line) = parsed(bytes) else {
            return self.wrong(format!("line {number} is no line of the log"));
        };
        let is_own = hash(self.key, &line) == line.hash;
        let follows = match line.missing {
            Some(missing) => missing.first <= self.expected.next_line(),
            None => line.line == self.expected.next_line() && line.before == self.expected.hash,
        };
        if !follows {
            self.wrong(format!(
                "line {number} does not follow the one before: lines were taken out, put in or \
                 moved"
            ));
        } else if !is_own {
            self.wrong(format!("line {number} was changed"));
        }
        self.expected = Head::of(&line);
        if is_own {
            self.own(&line);
        }
    }

    /// A line that this vault wrote.
    fn own(&mut self, line: &AccessLine) {
        let noted = self.noted;
        let of_outside = self.outside.filter(|outside| outside.line == line.line);
        if of_outside.is_some_and(|outside| outside.hash != line.hash) {
            self.is_replaced = true;
        }
        if line.line <= noted.line {
            self.last_own = self.last_own.max(line.line);
        }
        let is_noted = (line.line, &line.hash) == (noted.line, &noted.hash);
        let anchor = self.anchor.as_ref();
        let goes_on = match line.missing {
            None => anchor.is_some_and(|anchor| {
                (line.line, &line.before) == (anchor.next_line(), &anchor.hash)
            }),
            Some(missing) => {
                let reached = anchor.map_or(noted.line, |anchor| anchor.line);
                line.line > reached && missing.first <= reached.saturating_add(1)
            }
        };
        self.gaps.extend(line.missing);
        if !is_noted && !goes_on {
            return;
        }
        self.anchor = Some(Head::of(line));
        if line.line > noted.line {
            self.newer += 1;
            match line.action {
                AccessAction::Forgotten => self.newer_forgotten.insert(line.grant.clone()),
                _ => self.newer_forgotten.remove(&line.grant),
            };
        }
    }

    fn wrong(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }
}

pub(super) fn parsed(bytes: &[u8]) -> Option<AccessLine> {
    let line: AccessLine = serde_json::from_slice(bytes).ok()?;
    let missing = line.missing.map(|missing| missing.first.max(missing.last));
    (line.line.max(missing.unwrap_or(0)) <= GREATEST).then_some(line)
}

/// Skips what is left of a line; how many bytes that was.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        skipped += length as u64;
        if end.is_some() {
            return Ok(skipped);
        }
    }
}
