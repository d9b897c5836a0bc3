//! A grant: one beneficiary's consent to one app.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret, exposed_secret};
use serde::{Deserialize, Serialize};

/// A grant without its tokens.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its random name: the only one that logs and errors use.
    pub handle: GrantHandle,
    /// The version in whose id space `patient` is.
    pub api: ApiVersion,
    /// The person, once the server has said who it is.
    pub patient: Option<PatientId>,
    /// Where the grant was moved to `api`: the version before, and the person's id there.
    pub earlier: Option<(ApiVersion, PatientId)>,
    /// The app's own name of the person.
    pub external_id: Option<String>,
    /// Whether it can be used.
    pub state: GrantState,
    /// Why it is in that state, without PHI.
    pub reason: Option<String>,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// When the person consented, or when the grant was first seen.
    pub consented_at: DateTime<Utc>,
    /// When the consent ends: none for research grants and where the server did not tell.
    pub grant_expires_at: Option<DateTime<Utc>>,
    /// What the patient allows.
    pub scopes: Scopes,
    /// Whether it ends with its first access token, so that it is never refreshed.
    pub one_time: bool,
    /// When the access token in the vault ends.
    pub access_expires_at: Option<DateTime<Utc>>,
    /// Increases by one with every new token pair.
    pub generation: u64,
    /// When the last refresh succeeded.
    pub refreshed_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// The person's id in each API version that the token endpoint has named it in.
    pub fn ids(&self) -> impl Iterator<Item = (ApiVersion, &PatientId)> {
        let now = self.patient.as_ref().map(|patient| (self.api, patient));
        let earlier = self.earlier.as_ref().map(|(api, patient)| (*api, patient));
        now.into_iter().chain(earlier)
    }
}

/// Whether a grant can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Tokens can be obtained.
    Active,
    /// The server refused a refresh without a reason: the grant has ended, or the app may not use
    /// the API version. It is tried again.
    Doubtful,
    /// It has ended; the person must consent again.
    NeedsConsent,
    /// It was revoked from here.
    Revoked,
}

impl GrantState {
    /// The name in the vault, in files and in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            GrantState::Active => "active",
            GrantState::Doubtful => "doubtful",
            GrantState::NeedsConsent => "needs_consent",
            GrantState::Revoked => "revoked",
        }
    }

    /// Whether tokens are requested with it.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, GrantState::Active | GrantState::Doubtful)
    }

    /// A state as in the vault's column; [`GrantState::Doubtful`] is kept in another column.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::NeedsConsent, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

impl fmt::Display for GrantState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of OAuth scopes: the server sends them in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Whether a scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether resources of a type may be searched: `.read`, `.rs` or `.s`.
    #[must_use]
    pub fn allow_search(&self, resource_type: &str) -> bool {
        ["read", "rs", "s"]
            .iter()
            .any(|access| self.contains(&format!("patient/{resource_type}.{access}")))
    }
}

impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&str> for Scopes {
    fn from(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

/// A pair of tokens with its dates, as the token endpoint or a grant file gave it. Serialized, the
/// tokens are exposed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenPair {
    /// The access token; `None` if a grant file held only the refresh token.
    #[serde(with = "exposed_secret::option")]
    pub access_token: Option<Secret>,
    /// When the access token was issued.
    pub access_issued_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub access_expires_at: Option<DateTime<Utc>>,
    /// The refresh token; `None` if the server gives none.
    #[serde(with = "exposed_secret::option")]
    pub refresh_token: Option<Secret>,
}

/// A grant to be stored. Its serialized form contains the tokens: it is only for the broker's
/// socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewGrant {
    /// The version in whose id space `patient` is.
    pub api: ApiVersion,
    /// The person, where the server said who it is.
    pub patient: Option<PatientId>,
    /// The app's own name of the person.
    pub external_id: Option<String>,
    /// What the patient allows.
    pub scopes: Scopes,
    /// When the consent ends.
    pub grant_expires_at: Option<DateTime<Utc>>,
    /// Whether it ends with its first access token.
    pub one_time: bool,
    /// Its tokens.
    pub tokens: TokenPair,
}

/// What to do about patients who were forgotten here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// They are refused.
    Refused,
    /// They have consented again: their tombstone is removed.
    TakenBack,
}

/// The result of storing a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The grant.
    pub handle: GrantHandle,
    /// What happened to it.
    pub change: GrantChange,
}

/// What happened to a grant that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantChange {
    /// It is new.
    Inserted,
    /// A newer consent replaced the tokens.
    Renewed,
    /// The vault has, or once had, this refresh token: nothing to do.
    Unchanged,
    /// The vault's consent is newer: nothing was changed.
    OlderIgnored,
}
