//! The access log: who did what to which grant, apart from the run log.
//!
//! One JSON object a line in `access.log`, only ever appended. Each line carries a keyed hash over
//! itself and the line before, and the vault keeps the last one, so that a line that was changed,
//! taken out, put in or cut off at the end is found by [`AccessLog::verify`]. Whoever appends
//! compares the end of the file with what the vault has noted; where lines are missing, a line of
//! its own kind and a note in the vault say so from then on. A grant is named by a keyed hash: the
//! log can be shown to an auditor.

mod chain;
mod check;
mod forgotten;
mod line;
mod lock;
pub(crate) mod outside;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use claimlake_contract::ApiVersion;

use crate::seal::Key;
use crate::store::pseudonym;
use crate::user::user_name;
use crate::{Grant, Vault, VaultError};
use chain::{Head, LONGEST_LINE, Tail, Walk};
pub use check::AccessLogCheck;
pub use line::{AccessAction, AccessLine, MissingLines};

/// The log's file in the data directory.
pub const ACCESS_LOG_FILE: &str = "access.log";

/// So many bytes hold the last few lines.
const LAST_LINES: u64 = 1 << 12;

const HEAD: &str = "access_log_head";
const GAPS: &str = "access_log_gaps";

/// The access log of a vault.
#[derive(Debug)]
pub struct AccessLog<'a> {
    vault: &'a Vault,
    path: PathBuf,
    key: Key,
}

impl Vault {
    /// The access log beside this vault.
    #[must_use]
    pub fn access_log(&self) -> AccessLog<'_> {
        AccessLog {
            vault: self,
            path: self.data_dir().join(ACCESS_LOG_FILE),
            key: self.keys().lookup.derive("claimlake access log 1"),
        }
    }

    /// The keyed hash that names a grant in the access log: the same for every consent of a
    /// person.
    #[must_use]
    pub fn access_name(&self, grant: &Grant) -> String {
        match &grant.patient {
            Some(patient) => self.access_name_of(grant.api, patient.expose()),
            None => self.pseudonym("grant", grant.handle.as_str()),
        }
    }
}

impl Vault {
    /// The keyed hash that names the patient with this id in the access log.
    #[must_use]
    pub fn access_name_of(&self, api: ApiVersion, id: &str) -> String {
        patient_name(&self.keys().lookup, api, id)
    }
}

pub(crate) fn patient_name(key: &Key, api: ApiVersion, id: &str) -> String {
    pseudonym(key, "patient", &format!("{api}/{id}"))
}

impl AccessLog<'_> {
    /// Appends one line a grant, durably, in one go. Where lines are missing at the end of the log,
    /// a line that says so comes first.
    ///
    /// # Errors
    /// Where the file cannot be written. What was to be logged must not be done then.
    pub fn append(
        &self,
        command: &str,
        action: AccessAction,
        grants: &[&Grant],
    ) -> Result<(), VaultError> {
        if grants.is_empty() {
            return Ok(());
        }
        let failed = |error| VaultError::io("writing the access log", &self.path, error);
        let mut file = self.open()?;
        // Held until the file is closed: lines of two processes never mix, and what the vault has
        // noted is what the last of them left.
        lock::exclusive(&file).map_err(failed)?;
        let noted = self.noted()?;
        let outside = self.vault.outside_log_head().and_then(outside::read);
        let mut text = String::new();
        let begin = (&self.key, &noted, outside.as_ref());
        let found = end_of(&mut file, begin, &mut text).map_err(failed)?;
        let (mut last, missing) = goes_on_from(found, noted, outside);
        if let Some(missing) = missing {
            self.note_gap(missing)?;
            self.write_line(
                &mut text,
                &mut last,
                command,
                AccessAction::Gap,
                "",
                Some(missing),
            );
        }
        for grant in grants {
            let name = self.vault.access_name(grant);
            self.write_line(&mut text, &mut last, command, action, &name, None);
        }
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        self.vault.set_head(HEAD, &last.to_text())?;
        if let Some(outside) = self.vault.outside_log_head() {
            outside::write(outside, &last);
        }
        Ok(())
    }

    fn write_line(
        &self,
        text: &mut String,
        last: &mut Head,
        command: &str,
        action: AccessAction,
        grant: &str,
        missing: Option<MissingLines>,
    ) {
        let uid = rustix::process::getuid().as_raw();
        let mut line = AccessLine {
            line: last.next_line(),
            at: self.vault.now_text(),
            who: format!("uid {uid}"),
            user: user_name(uid),
            command: command.to_owned(),
            action,
            grant: grant.to_owned(),
            missing,
            before: last.hash.clone(),
            hash: String::new(),
        };
        line.hash = chain::hash(&self.key, &line);
        *last = Head::of(&line);
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }

    /// Every line that is one, from the first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn lines(&self) -> Result<Vec<AccessLine>, VaultError> {
        let failed = |error| VaultError::io("reading the access log", &self.path, error);
        let Some(file) = self.open_to_read()? else {
            return Ok(Vec::new());
        };
        let mut lines = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            lines.extend(chain::parsed(&line.map_err(failed)?));
        }
        Ok(lines)
    }

    /// Checks every line against the one before, and the last against the vault and, where there
    /// is one, against the note outside the data directory.
    ///
    /// # Errors
    /// Where file or vault cannot be read; what is wrong with the lines is in the answer.
    pub fn verify(&self) -> Result<AccessLogCheck, VaultError> {
        let failed = |error| VaultError::io("reading the access log", &self.path, error);
        let file = self.open_to_read()?;
        // What is noted is read before the lines: it may lag behind them, never lead.
        if let Some(file) = &file {
            lock::shared(file);
        }
        let outside = self.vault.outside_log_head().and_then(outside::read);
        let noted = self.noted()?;
        let gaps = self.noted_gaps()?;
        let outside = outside.as_ref();
        let mut walk = Walk::new(&self.key, &noted, outside);
        if let Some(file) = &file {
            walk.read(BufReader::new(file), 0).map_err(failed)?;
        }
        Ok(check::check(walk, file.is_none(), &noted, gaps, outside))
    }

    /// What is wrong with the log, as far as its end and the vault tell: much quicker than
    /// [`AccessLog::verify`].
    ///
    /// # Errors
    /// Where file or vault cannot be read.
    pub fn problem_at_the_end(&self) -> Result<Option<String>, VaultError> {
        let failed = |error| VaultError::io("reading the access log", &self.path, error);
        if self.noted_gaps()?.is_empty()
            && let Some(mut file) = self.open_to_read()?
        {
            lock::shared(&file);
            let noted = self.noted()?;
            let outside = self.vault.outside_log_head().and_then(outside::read);
            let mut walk = Walk::new(&self.key, &noted, outside.as_ref());
            read_end(&mut file, &mut walk, LONGEST_LINE).map_err(failed)?;
            let is_replaced = walk.is_replaced;
            let is_behind = |line: u64| {
                is_replaced || outside.as_ref().is_some_and(|outside| outside.line > line)
            };
            let end = walk.anchor.as_ref().map(|anchor| anchor.line);
            if walk.gaps.is_empty() && end.is_some_and(|line| !is_behind(line)) {
                return Ok(None);
            }
        }
        Ok(self.verify()?.problem)
    }

    fn noted(&self) -> Result<Head, VaultError> {
        let unreadable = || VaultError::damaged("its note of the access log is not readable");
        match self.vault.head(HEAD)? {
            None => Ok(Head::beginning()),
            Some(text) => Head::parse(&text).ok_or_else(unreadable),
        }
    }

    /// The gaps that the vault has noted.
    fn noted_gaps(&self) -> Result<Vec<MissingLines>, VaultError> {
        let unreadable = |_| VaultError::damaged("its note of the access log is not readable");
        match self.vault.head(GAPS)? {
            None => Ok(Vec::new()),
            Some(text) => serde_json::from_str(&text).map_err(unreadable),
        }
    }

    /// Notes a gap in the vault, so that it stays known where the log's own line is cut off, too.
    fn note_gap(&self, missing: MissingLines) -> Result<(), VaultError> {
        tracing::warn!(
            target: crate::NOTICE,
            "the access log was cut, {missing}: `claimlake access-log verify` says so from now on"
        );
        let mut gaps = self.noted_gaps()?;
        if gaps.contains(&missing) {
            return Ok(());
        }
        gaps.push(missing);
        let text = serde_json::to_string(&gaps).unwrap_or_default();
        self.vault.set_head(GAPS, &text)
    }

    fn open(&self) -> Result<File, VaultError> {
        let opening = |error| VaultError::io("opening the access log", &self.path, error);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(opening)?;
        // Such as one that was put back from a copy.
        let mode = file.metadata().map_err(opening)?.permissions().mode();
        if mode & 0o077 != 0 {
            let _ = file.set_permissions(std::fs::Permissions::from_mode(0o600));
        }
        Ok(file)
    }

    fn open_to_read(&self) -> Result<Option<File>, VaultError> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VaultError::io("reading the access log", &self.path, error)),
        }
    }
}

/// What the end of the log says.
struct End {
    /// The last line of the chain that goes through what is noted.
    anchor: Option<Head>,
    /// The number of the last line of this vault.
    last_own: u64,
    /// Whether the line that is noted outside is another one here.
    is_replaced: bool,
}

/// What the next line follows, and which lines before it are missing.
fn goes_on_from(end: End, noted: Head, outside: Option<Head>) -> (Head, Option<MissingLines>) {
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
fn end_of(
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
fn walk_end<'a>(
    file: &mut File,
    (key, noted, outside): (&'a Key, &'a Head, Option<&'a Head>),
) -> std::io::Result<(Walk<'a>, Tail)> {
    // As a rule what is noted is the last line; after a kill it is a little before. Where the note
    // outside is behind, its line is looked for, too.
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
fn read_end(file: &mut File, walk: &mut Walk<'_>, bytes: u64) -> std::io::Result<Tail> {
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

#[cfg(test)]
mod gap_tests;
#[cfg(test)]
mod number_tests;
#[cfg(test)]
mod restore_tests;
#[cfg(test)]
mod tests;
