//! Grants at rest: sealed tokens, the journal of refreshes, checkpoints and runs, in one SQLite
//! file (WAL, `synchronous=FULL`, `secure_delete`).
//!
//! Speaks no HTTP. Tokens are written by the holder of the [`TokenLock`] only; everything else by
//! anyone.

mod access_log;
mod age;
mod backup;
mod busy;
mod error;
mod extract_state;
mod file;
mod files;
mod finished;
mod forget;
mod grants;
mod head;
mod key;
mod key_again;
mod key_place;
mod key_text;
mod keyring;
mod lock;
mod marks;
mod names;
mod old_keys;
mod opening;
mod pending;
mod process;
mod read_only;
mod rekey;
mod run_history;
mod seal;
mod sql;
mod store;
mod text;
mod tombstones;
mod user;

pub use access_log::{AccessAction, AccessLine, AccessLog, AccessLogCheck, MissingLines};
pub use age::{Recipient, seal_to};
pub use backup::back_up;
pub use busy::database_holder;
pub use error::VaultError;
pub use extract_state::{Checkpoint, ExtractState, FullRead, KnownResources, StateChange};
pub use file::VAULT_FORMAT;
pub use files::{ACCESS_LOG_FILE, LOCK_FILE, VAULT_FILE, VAULT_ID_FILE};
pub use forget::ForgetIntent;
pub use grants::{
    EndedTokens, Forgotten, Grant, GrantChange, GrantState, NewGrant, OpenRefresh,
    REFUSED_IN_DOUBT, RefreshIntent, RefreshStep, RefreshWritten, Refreshed, Scopes, Stored,
    TokenPair,
};
pub use key::{KeyOrigin, KeySource};
pub use key_again::KeyAgain;
pub use keyring::Keyring;
pub use lock::TokenLock;
pub use pending::PendingAuthorization;
pub use rekey::{RekeyStep, Rekeyed};
pub use run_history::{RunEnd, RunHistory, RunRecord};
pub use store::Vault;
pub use tombstones::Tombstones;
pub use user::user_name;

/// The target of the events that say something to whoever runs a command, not to who reads a log:
/// they are to be shown at any level of it.
pub const NOTICE: &str = "claimlake::notice";
