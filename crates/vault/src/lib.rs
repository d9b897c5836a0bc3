//! Grants at rest: sealed tokens, the journal of refreshes, checkpoints and runs, in one SQLite
//! file (WAL, `synchronous=FULL`, `secure_delete`).
//!
//! Speaks no HTTP. Tokens are written by the holder of the [`TokenLock`] only; everything else by
//! anyone.

mod access_log;
mod age;
mod backup;
mod busy;
mod checkpoint;
mod consent;
mod error;
mod file;
mod finished;
mod forget;
mod full_read;
mod grant;
mod grant_row;
mod grants;
mod held;
mod key;
mod key_again;
mod keyring;
mod lock;
mod marks;
mod old_keys;
mod opening;
mod pending;
mod process;
mod read_only;
mod refresh;
mod rekey;
mod run;
mod seal;
mod store;
mod text;
mod tombstones;
mod user;

pub use access_log::{
    ACCESS_LOG_FILE, AccessAction, AccessLine, AccessLog, AccessLogCheck, MissingLines,
};
pub use age::{Recipient, seal_to};
pub use backup::back_up;
pub use busy::database_holder;
pub use checkpoint::{Checkpoint, ExtractState, StateChange};
pub use consent::{EndedTokens, REFUSED_IN_DOUBT};
pub use error::VaultError;
pub use file::{VAULT_FILE, VAULT_FORMAT};
pub use forget::ForgetIntent;
pub use full_read::FullRead;
pub use grant::{Forgotten, Grant, GrantChange, GrantState, NewGrant, Scopes, Stored, TokenPair};
pub use held::Held;
pub use key::{KeyOrigin, KeySource};
pub use key_again::KeyAgain;
pub use keyring::Keyring;
pub use lock::{LOCK_FILE, TokenLock};
pub use marks::VAULT_ID_FILE;

/// The target of the events that say something to whoever runs a command, not to who reads a log:
/// they are to be shown at any level of it.
pub const NOTICE: &str = "claimlake::notice";

pub use pending::PendingAuthorization;
pub use refresh::{OpenRefresh, RefreshIntent, RefreshStep, RefreshWritten, Refreshed};
pub use rekey::{RekeyStep, Rekeyed};
pub use run::{RunEnd, RunHistory, RunRecord};
pub use store::Vault;
pub use tombstones::Tombstones;
pub use user::user_name;
