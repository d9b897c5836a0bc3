//! The access log: who did what to which grant, apart from the run log.
//!
//! One JSON object a line in `access.log`, only ever appended. Each line carries a keyed hash over
//! itself and the line before, and the vault keeps the last one, so that a line that was changed,
//! taken out, put in or cut off at the end is found by [`AccessLog::verify`]. A grant is named by
//! a keyed hash: the log can be shown to an auditor.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::seal::{Key, keyed_hash};
use crate::text::hex;
use crate::{Grant, Vault, VaultError};

/// The log's file in the data directory.
pub const ACCESS_LOG_FILE: &str = "access.log";

const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const HEAD: &str = "access_log_head";

/// What was done to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessAction {
    /// A consent was stored.
    Authorized,
    /// It came from a file.
    Imported,
    /// It went to a file, tokens included.
    Exported,
    /// Its data were fetched.
    Pulled,
    /// An access token was lent to another program.
    Lent,
    /// It was revoked.
    Revoked,
    /// The person was removed from here.
    Forgotten,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLine {
    /// Its number, from 1.
    pub line: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who, as the operating system says: the number of the user.
    pub who: String,
    /// Which command.
    pub command: String,
    /// What it did.
    pub action: AccessAction,
    /// Which grant, by keyed hash.
    pub grant: String,
    /// The hash of the line before.
    pub before: String,
    /// The keyed hash of this line and the one before.
    pub hash: String,
}

/// The access log of a vault.
#[derive(Debug)]
pub struct AccessLog<'a> {
    vault: &'a Vault,
    path: PathBuf,
    key: Key,
}

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessLogCheck {
    /// Whole lines read.
    pub lines: u64,
    /// What is wrong, with the line; none where nothing is.
    pub problem: Option<String>,
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
            Some(patient) => {
                self.pseudonym("patient", &format!("{}/{}", grant.api, patient.expose()))
            }
            None => self.pseudonym("grant", grant.handle.as_str()),
        }
    }
}

impl AccessLog<'_> {
    /// Appends one line a grant, durably, in one go.
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
        // Held until the file is closed: lines of two processes never mix.
        file.lock().map_err(failed)?;
        let (mut line, mut before) = cut_to_last_line(&mut file).map_err(failed)?;
        let who = format!("uid {}", rustix::process::getuid().as_raw());
        let mut text = String::new();
        for grant in grants {
            line += 1;
            let mut entry = AccessLine {
                line,
                at: self.vault.now_text(),
                who: who.clone(),
                command: command.to_owned(),
                action,
                grant: self.vault.access_name(grant),
                before,
                hash: String::new(),
            };
            entry.hash = self.hash(&entry);
            before = entry.hash.clone();
            text.push_str(&serde_json::to_string(&entry).unwrap_or_default());
            text.push('\n');
        }
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        self.vault.set_head(HEAD, &format!("{line} {before}"))
    }

    /// Every line, from the first.
    ///
    /// # Errors
    /// Where the file cannot be read or a line is none.
    pub fn lines(&self) -> Result<Vec<AccessLine>, VaultError> {
        let failed = |error| VaultError::io("reading the access log", &self.path, error);
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut lines = Vec::new();
        for (index, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(failed)?;
            let read = serde_json::from_str(&line).map_err(|_| {
                VaultError::damaged(format!("line {} of the access log is none", index + 1))
            })?;
            lines.push(read);
        }
        Ok(lines)
    }

    /// Checks every line against the one before, and the last against the vault.
    ///
    /// # Errors
    /// Where file or vault cannot be read; what is wrong with the lines is in the answer.
    pub fn verify(&self) -> Result<AccessLogCheck, VaultError> {
        let lines = match self.lines() {
            Ok(lines) => lines,
            Err(VaultError::Damaged { what }) => {
                let problem = Some(what);
                return Ok(AccessLogCheck { lines: 0, problem });
            }
            Err(error) => return Err(error),
        };
        let check = |problem: Option<String>| {
            Ok(AccessLogCheck {
                lines: lines.len() as u64,
                problem,
            })
        };
        let mut before = BEGINNING;
        for (index, line) in lines.iter().enumerate() {
            let number = index as u64 + 1;
            if line.line != number || line.before != before {
                return check(Some(format!(
                    "line {number} does not follow the one before: lines were taken out, put in \
                     or moved"
                )));
            }
            if self.hash(line) != line.hash {
                return check(Some(format!("line {number} was changed")));
            }
            before = &line.hash;
        }
        // The vault's note is written after the lines: it may lag behind them, never lead.
        let Some(head) = self.vault.head(HEAD)? else {
            return check(None);
        };
        let noted = head.split_once(' ').and_then(|(line, hash)| {
            let line: usize = line.parse().ok()?;
            Some((line, hash))
        });
        let is_there = noted.is_some_and(|(line, hash)| {
            lines
                .get(line.wrapping_sub(1))
                .is_some_and(|found| found.hash == hash)
        });
        check((!is_there).then(|| {
            format!(
                "lines are missing at the end: the vault has noted {}",
                noted.map_or(0, |(line, _)| line)
            )
        }))
    }

    fn open(&self) -> Result<File, VaultError> {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| VaultError::io("opening the access log", &self.path, error))
    }

    fn hash(&self, line: &AccessLine) -> String {
        let action = serde_json::to_string(&line.action).unwrap_or_default();
        hex(&keyed_hash(
            &self.key,
            &[
                line.before.as_bytes(),
                &line.line.to_be_bytes(),
                line.at.as_bytes(),
                line.who.as_bytes(),
                line.command.as_bytes(),
                action.as_bytes(),
                line.grant.as_bytes(),
            ],
        ))
    }
}

/// The number and hash of the last whole line. A line torn by a crash was never acknowledged: it
/// is cut off.
fn cut_to_last_line(file: &mut File) -> std::io::Result<(u64, String)> {
    let length = file.seek(SeekFrom::End(0))?;
    // Lines are short; the last two lie well within this.
    let tail_start = length.saturating_sub(1 << 16);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < tail.len() {
        file.set_len(tail_start + whole as u64)?;
    }
    let last = tail[..whole]
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty());
    let Some(last) = last else {
        return Ok((0, BEGINNING.to_owned()));
    };
    let line: AccessLine = serde_json::from_slice(last).map_err(|_| {
        std::io::Error::other("its last line is none: run access-log verify before going on")
    })?;
    Ok((line.line, line.hash))
}

#[cfg(test)]
mod tests;
