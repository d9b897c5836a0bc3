//! Whose target it is. `claimlake.json` is the first file of a target and never changes.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{PublishError, Result};
use crate::state::STATE_FORMAT;
use crate::store::{Created, Store};

/// The file that says whose target it is.
pub(crate) const IDENTITY: &str = "claimlake.json";

/// The random id of a lake: 32 lower-case hex digits. A lake that is made anew from the same data
/// directory keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LakeId(String);

impl LakeId {
    /// An id from random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(claimlake_contract::hex(&bytes))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LakeId {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 32 && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err("a lake's id has 32 hex digits".to_owned()),
        }
    }
}

impl TryFrom<String> for LakeId {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<LakeId> for String {
    fn from(id: LakeId) -> Self {
        id.0
    }
}

impl fmt::Display for LakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    format: u32,
    lake: LakeId,
}

/// Whether the target belongs to this lake, by its identity file; `None` if it has none.
///
/// # Errors
/// Another lake's, or a file that cannot be read.
pub(crate) async fn check(store: &Store, lake: &LakeId) -> Result<Option<()>> {
    let Some(content) = store.read(IDENTITY).await? else {
        return Ok(None);
    };
    let identity: Identity = serde_json::from_slice(&content).map_err(|_| {
        PublishError::Foreign(format!(
            "{IDENTITY} of the target is not claimlake's: publish to another place"
        ))
    })?;
    if identity.format != STATE_FORMAT {
        return Err(other_format(identity.format));
    }
    if identity.lake != *lake {
        return Err(PublishError::Foreign(format!(
            "the target has the tables of another lake ({}; this one is {lake}): publish to another \
             place, or remove that lake there first; where it is the same lake, its data directory \
             was made anew: the id is in the file publish.json of the old one",
            identity.lake
        )));
    }
    Ok(Some(()))
}

fn content(lake: &LakeId) -> Vec<u8> {
    let identity = Identity {
        format: STATE_FORMAT,
        lake: lake.clone(),
    };
    let mut text = serde_json::to_vec(&identity).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Writes the identity file, which is there, once more, with another line break at its end: a store
/// that knows conditional writes refuses.
///
/// # Errors
/// The store replaced it. Two publishers would overwrite each other there.
pub(crate) async fn check_conditional_writes(store: &Store, lake: &LakeId) -> Result<()> {
    let mut text = content(lake);
    text.push(b'\n');
    match store.create(IDENTITY, Bytes::from(text)).await? {
        Created::Exists => Ok(()),
        Created::Yes => Err(PublishError::Foreign(
            "the store ignores conditional writes (If-None-Match), without which two publishers \
             overwrite each other: publish to another store, and remove what is at this place"
                .to_owned(),
        )),
    }
}

/// Claims the target for this lake.
pub(crate) async fn claim(store: &Store, lake: &LakeId) -> Result<()> {
    let text = content(lake);
    match store.create(IDENTITY, Bytes::from(text)).await? {
        Created::Yes => Ok(()),
        // Another process was first; it may be of this lake or of another.
        Created::Exists => check(store, lake).await.map(drop),
    }
}

pub(crate) fn other_format(format: u32) -> PublishError {
    PublishError::Foreign(format!(
        "the target has format {format}, and this version of claimlake knows {STATE_FORMAT}: update \
         claimlake, or publish to another place"
    ))
}
