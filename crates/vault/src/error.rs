//! What can go wrong with a vault. No text holds a secret or a patient's id.

use std::io;
use std::path::{Path, PathBuf};

use claimlake_contract::GrantHandle;

/// What a person can do about what the database's files meet.
fn hint(source: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            " (the disk is full: free space where vault.db lies, in the data directory, then run again)"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            " (another process has vault.db locked and does not let go of it: end that process, then run again)"
        }
        Some(ErrorCode::SystemIoFailure) => {
            " (see whether the disk of vault.db, in the data directory, is full or gone, then run again)"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            " (vault.db and its folder, the data directory, must be yours and writable, on a file system \
             that is not mounted read-only)"
        }
        _ => "",
    }
}

/// An operation on the vault, its key, its lock or its access log that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file or folder could not be used.
    #[error("{action} '{}'", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database refused.
    #[error("{operation}: the vault's database refused{}", hint(.source))]
    Database {
        /// What was being done.
        operation: &'static str,
        /// Why not.
        source: rusqlite::Error,
    },
    /// The key does not open this vault.
    #[error(
        "the key from {origin} does not open this vault: use the key it was sealed with \
         (from CLAIMLAKE_VAULT_KEY, CLAIMLAKE_VAULT_KEY_COMMAND, CLAIMLAKE_VAULT_KEY_FILE or the keyring); \
         a backup from before a `vault rekey` needs the key before it"
    )]
    WrongKey {
        /// Where the key came from.
        origin: String,
    },
    /// There is no usable key.
    #[error("{reason}")]
    Key {
        /// What is wrong, and which setting to change.
        reason: String,
    },
    /// The vault was written by a newer version.
    #[error(
        "the vault has format {found} and this version reads up to {known}: update claimlake, \
         nothing was changed"
    )]
    Newer {
        /// The vault's format.
        found: u32,
        /// The newest this version knows.
        known: u32,
    },
    /// Something in the vault is not what was written.
    #[error(
        "the vault is damaged: {what}; put vault.db back from a backup; where there is none, \
         `claimlake vault new` begins an empty one"
    )]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The data directory has held a vault, and `vault.db` is none.
    #[error(
        "the vault of this data directory is lost: {found}, and {shown_by} shows that there was \
         one; put vault.db back (with its vault.db-wal, if there was one) from where it is or from \
         a backup; where it is lost for good, `claimlake vault new` begins an empty one, which knows \
         neither the consents nor who was forgotten here"
    )]
    Lost {
        /// What was found in its place.
        found: &'static str,
        /// What shows that there was a vault.
        shown_by: String,
    },
    /// The vault is another data directory's.
    #[error(
        "vault.db is another vault ({found}) than the one of this data directory ({expected}, as \
         vault.id says): put that one back; where this one is meant to stay, remove vault.id"
    )]
    OtherVault {
        /// The id of the vault that was found.
        found: String,
        /// The id of the vault that was there.
        expected: String,
    },
    /// There is no such grant.
    #[error("there is no grant {handle} in the vault")]
    UnknownGrant {
        /// The requested grant.
        handle: GrantHandle,
    },
    /// The person was forgotten here.
    #[error(
        "this person was forgotten here and is not taken in again; where they have consented \
         anew, add --again"
    )]
    Forgotten,
    /// The refresh token is another patient's.
    #[error(
        "the refresh token belongs to grant {handle}, which is another patient's: nothing was stored"
    )]
    OtherPatient {
        /// The grant that has it.
        handle: GrantHandle,
    },
    /// Another process holds the token lock.
    #[error(
        "another claimlake process is using the tokens of this data directory: wait for it to end"
    )]
    Locked,
    /// Another process holds the token lock, and which one is known.
    #[error(
        "process {pid} is using the tokens of this data directory: wait for it to end (`ps -p {pid}` \
         shows what it is)"
    )]
    LockedBy {
        /// The process.
        pid: u32,
    },
    /// The input is not what the function takes.
    #[error("{0}")]
    Invalid(String),
}

/// What whoever meets an error of the vault can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultErrorKind {
    /// Mend the settings, the key or the input (exit 2).
    Configuration,
    /// Try the same later: nothing has to be changed.
    TryLater,
    /// Put the vault back from a backup.
    Restore,
    /// Check this machine: its disk, its permissions, the arguments.
    Machine,
}

impl VaultError {
    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> VaultErrorKind {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
        match self {
            Self::WrongKey { .. }
            | Self::Key { .. }
            | Self::Newer { .. }
            | Self::Forgotten
            | Self::OtherPatient { .. }
            | Self::Invalid(_) => VaultErrorKind::Configuration,
            Self::Locked | Self::LockedBy { .. } => VaultErrorKind::TryLater,
            Self::Database { source, .. } => match source.sqlite_error_code() {
                Some(DatabaseBusy | DatabaseLocked | DiskFull) => VaultErrorKind::TryLater,
                _ => VaultErrorKind::Machine,
            },
            Self::Damaged { .. } | Self::Lost { .. } | Self::OtherVault { .. } => {
                VaultErrorKind::Restore
            }
            Self::Io { .. } | Self::UnknownGrant { .. } => VaultErrorKind::Machine,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        VaultError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        VaultError::Damaged { what: what.into() }
    }
}

/// Names what was being done when the database refused.
pub(crate) trait During<T> {
    /// Turns a database error into a [`VaultError`].
    fn during(self, operation: &'static str) -> Result<T, VaultError>;
}

impl<T> During<T> for Result<T, rusqlite::Error> {
    fn during(self, operation: &'static str) -> Result<T, VaultError> {
        self.map_err(|source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                VaultError::damaged(format!("{operation}, the file is not a whole database"))
            }
            _ => VaultError::Database { operation, source },
        })
    }
}
