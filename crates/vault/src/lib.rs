//! Grants at rest: sealed tokens, the journal of refreshes, extract state and runs, in one SQLite
//! file (WAL, `synchronous=FULL`, `secure_delete`).
//!
//! Speaks no HTTP. Tokens are written by the holder of the [`TokenLock`] only; everything else by
//! anyone. The order of calls around a refresh, which survives a kill at any point:
//!
//! ```
//! use std::sync::Arc;
//!
//! use claimlake_contract::{ApiVersion, PatientId, Secret, SystemClock};
//! use claimlake_vault::{
//!     GrantState, KeySource, NewGrant, Refreshed, Scopes, TokenLock, TokenPair, Vault,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = tempfile::tempdir()?;
//! let key = KeySource::given(Secret::new("5".repeat(64)));
//! let vault = Vault::open(data.path(), &key, Arc::new(SystemClock))?;
//! let _lock = TokenLock::try_acquire(data.path())?.ok_or("somebody else has the tokens")?;
//! let tokens = |refresh_token: &str| TokenPair {
//!     access_token: None,
//!     access_issued_at: None,
//!     access_expires_at: None,
//!     refresh_token: Some(Secret::new(refresh_token)),
//! };
//! let stored = vault.insert_or_renew(&NewGrant {
//!     api: ApiVersion::V3,
//!     patient: Some(PatientId::new("-20140000008325")),
//!     external_id: None,
//!     scopes: Scopes::from("patient/Coverage.read"),
//!     grant_expires_at: None,
//!     one_time: false,
//!     tokens: tokens("first"),
//! })?;
//!
//! // The intent is on disk before the token is posted, the answer before it is used.
//! let intent = vault.begin_refresh(&stored.handle)?;
//! assert_eq!(intent.earlier_attempts, 0);
//! let refreshed = Refreshed {
//!     tokens: tokens("second"),
//!     scopes: None,
//!     patient: None,
//!     grant_expires_at: None,
//! };
//! vault.finish_refresh(&stored.handle, &refreshed)?;
//! assert_eq!(vault.open_refresh(&stored.handle)?, None);
//! assert_eq!(vault.grant(&stored.handle)?.state, GrantState::Active);
//! # Ok(())
//! # }
//! ```

mod access_log;
mod age;
mod backup;
mod busy;
mod codebooks;
mod error;
mod extract_state;
mod file;
mod files;
mod finished;
mod forget;
mod grants;
mod head;
mod key;
mod key_lookup;
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
pub use codebooks::{Code, Copy, PATIENT_CODE, patient_of_code};
pub use error::{VaultError, VaultErrorKind};
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
pub use key_lookup::KeyLookup;
pub use keyring::Keyring;
pub use lock::TokenLock;
pub use pending::PendingAuthorization;
pub use rekey::{RekeyStep, Rekeyed};
pub use run_history::{RunEnd, RunHistory, RunRecord};
pub use store::Vault;
pub use tombstones::Tombstones;
pub use user::user_name;

/// The target of log events that are meant for the user of a command: they are shown at every log
/// level.
pub const NOTICE: &str = "claimlake::notice";
