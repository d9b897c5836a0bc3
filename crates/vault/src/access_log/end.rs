//! The end of the log: which line the next one follows, and which lines are missing before it.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};

use super::chain::{Head, LONGEST_LINE, Tail, Walk};
use super::line::MissingLines;
use crate::seal::Key;

/// The last few lines are within this many bytes of the end.
const LAST_LINES: u64 = 1 << 12;

/// The end of the log.
pub(super) struct End {
    /// The last line of the hash chain that contains the line recorded in the vault.
    anchor: Option<Head>,
    /// The number of the last line of this vault.
    last_own: u64,
    /// Whether the line that is noted outside is another one here.
    is_replaced: bool,
}

/// What the next line follows, and which lines before it are missing.
pub(super) fn goes_on_from(
    end: End,
    noted: Head,
    outside: Option<Head>,
) -> (Head, Option<MissingLines>) {
    let reached = end
        .anchor
        .as_ref()
        .map_or(end.last_own, |anchor| anchor.line);
    let is_lost = end.anchor.is_none();
    let mut last = end.anchor.unwrap_or(noted);
    let replaced = outside.as_ref().filter(|_| end.is_replaced);
    let replaced = replaced.map(|outside| outside.line);
    let ahead = outside.filter(|outside| outside.line > last.line);
    let missing = (is_lost || ahead.is_some()).then(|| {
        let last = ahead.as_ref().map_or(last.line, |ahead| ahead.line);
        let first = reached.saturating_add(1).min(last);
        MissingLines { first, last }
    });
    if let Some(ahead) = ahead {
        last = ahead;
    }
    let of_the_other = replaced.map(|line| MissingLines {
        first: line,
        last: line,
    });
    (last, missing.or(of_the_other))
}

/// A line torn by a crash was never acknowledged: it is cut off. A newline that the last line lacks
/// is put into `text`, which is to be written next.
pub(super) fn end_of(
    file: &mut File,
    begin: (&Key, &Head, Option<&Head>),
    text: &mut String,
) -> std::io::Result<End> {
    let (walk, tail) = walk_end(file, begin)?;
    match tail {
        Tail::Ended => {}
        Tail::Unended => text.push('\n'),
        Tail::Torn { at } => file.set_len(at)?,
    }
    Ok(End {
        last_own: walk.last_own,
        is_replaced: walk.is_replaced,
        anchor: walk.anchor,
    })
}

/// Walks over as many of the last lines as it takes to find what is noted.
pub(super) fn walk_end<'a>(
    file: &mut File,
    (key, noted, outside): (&'a Key, &'a Head, Option<&'a Head>),
) -> std::io::Result<(Walk<'a>, Tail)> {
    // Normally the recorded line is the last line; after a kill it is a little before it. If the
    // record outside is older, its line is looked for, too.
    let is_behind = outside.is_some_and(|outside| outside.line < noted.line);
    let first = if is_behind { u64::MAX } else { LAST_LINES };
    let mut walk = Walk::new(key, noted, outside);
    let mut tail = read_end(file, &mut walk, first)?;
    for length in [LONGEST_LINE, u64::MAX] {
        if walk.anchor.is_none() {
            walk = Walk::new(key, noted, outside);
            tail = read_end(file, &mut walk, length)?;
        }
    }
    Ok((walk, tail))
}

/// Walks over the lines of the last bytes: over all where what is noted is before the first.
pub(super) fn read_end(file: &mut File, walk: &mut Walk<'_>, bytes: u64) -> std::io::Result<Tail> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut begin = match walk.anchor {
        None => length.saturating_sub(bytes),
        Some(_) => 0,
    };
    file.seek(SeekFrom::Start(begin))?;
    if begin == 0 {
        return walk.read(BufReader::new(file), 0);
    }
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    // The first of them is cut by where the reading began.
    let cut = end.iter().position(|byte| *byte == b'\n');
    let cut = cut.map_or(end.len(), |at| at + 1);
    begin += cut as u64;
    walk.read(Cursor::new(&end[cut..]), begin)
}
