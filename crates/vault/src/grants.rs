//! Grants: one patient's consent to one app, its tokens, its states and the journal of refreshes.

mod grant;
mod moved;
mod refresh;
mod row;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use grant::{Forgotten, Grant, GrantChange, GrantState, NewGrant, Scopes, Stored, TokenPair};
pub use refresh::{OpenRefresh, RefreshIntent, RefreshStep, RefreshWritten, Refreshed};
pub(crate) use row::place;
pub use state::{EndedTokens, REFUSED_IN_DOUBT};
