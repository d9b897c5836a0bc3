//! Appending to the log and reading it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use claimlake_contract::ApiVersion;

use super::chain::{self, Head, LONGEST_LINE, Walk};
use super::check::{self, AccessLogCheck};
use super::end::{end_of, goes_on_from, read_end};
use super::line::{AccessAction, AccessLine, MissingLines};
use super::{lock, outside};
use crate::files::ACCESS_LOG_FILE;
use crate::names::patient_name;
use crate::seal::Key;
use crate::user::user_name;
use crate::{Grant, Vault, VaultError};

pub(super) const HEAD: &str = "access_log_head";
pub(super) const GAPS: &str = "access_log_gaps";

/// The access log of a vault.
#[derive(Debug)]
pub struct AccessLog<'a> {
    vault: &'a Vault,
    pub(super) path: PathBuf,
    pub(super) key: Key,
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

    /// The keyed hash that names the patient with this id in the access log.
    #[must_use]
    pub fn access_name_of(&self, api: ApiVersion, id: &str) -> String {
        patient_name(&self.keys().lookup, api, id)
    }
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
        // The vault's record is read before the lines: it may be older than they are, never newer.
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

    /// What is wrong with the end of the log, compared with the vault: much faster than
    /// [`AccessLog::verify`], which reads all of it.
    ///
    /// # Errors
    ///
    /// The file or the vault cannot be read.
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

    pub(super) fn noted(&self) -> Result<Head, VaultError> {
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

    /// Records a gap in the vault, so that it remains known even if the line about it is removed as
    /// well.
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
        // For example, because it was restored from a copy.
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
