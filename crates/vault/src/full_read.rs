//! How far reading everything again has come, by resource type of each person.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, ResourceType};
use rusqlite::{Connection, params};

use crate::error::Doing;
use crate::text::{instant_text, parse_instant};
use crate::{Vault, VaultError};

/// What is remembered beside [`ExtractState`](crate::ExtractState), so that a full read can tell
/// what the server no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullRead {
    /// Turns before this instant are not made up for.
    pub counted_from: DateTime<Utc>,
    /// The widest consent that what is held was read with: the scopes for this resource type.
    pub scopes: String,
    /// The sources of claims that were asked for.
    pub sources: String,
    /// Whether what landed before this was remembered has been compared with a full read.
    pub swept: bool,
    /// Resources that the searches beside the first one found.
    pub beside: u64,
    /// Resources that are held and that the last full read did not find: too many to believe it
    /// at once.
    pub doubted: u64,
}

const DOING: &str = "reading how far full reads have come";

impl Vault {
    /// What is remembered of full reads, by grant and resource type.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn full_reads(&self) -> Result<HashMap<(GrantHandle, ResourceType), FullRead>, VaultError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "SELECT handle, resource, counted_from, scopes, sources, swept, beside, doubted
                 FROM full_reads",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = HashMap::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let text = |at| row.get::<_, String>(at).doing(DOING);
            let number = |at| {
                let number = row.get::<_, i64>(at).doing(DOING)?;
                Ok::<_, VaultError>(number.unsigned_abs())
            };
            let damaged = |_| VaultError::damaged("a full read's grant or type is not readable");
            let grant: GrantHandle = text(0)?.parse().map_err(damaged)?;
            let resource: ResourceType = text(1)?.parse().map_err(damaged)?;
            let read = FullRead {
                counted_from: parse_instant(&text(2)?, "a full read")?,
                scopes: text(3)?,
                sources: text(4)?,
                swept: number(5)? != 0,
                beside: number(6)?,
                doubted: number(7)?,
            };
            found.insert((grant, resource), read);
        }
        Ok(found)
    }
}

pub(crate) fn write(
    connection: &Connection,
    grant: &GrantHandle,
    resource: &ResourceType,
    read: &FullRead,
) -> Result<(), VaultError> {
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO full_reads
                (handle, resource, counted_from, scopes, sources, swept, beside, doubted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                grant.as_str(),
                resource.as_str(),
                instant_text(read.counted_from),
                read.scopes,
                read.sources,
                read.swept,
                count(read.beside),
                count(read.doubted),
            ])
        })
        .doing("writing checkpoints")
        .map(|_| ())
}

/// What is held is forgotten: what landed has to be compared anew.
pub(crate) fn forget(
    connection: &Connection,
    grant: &GrantHandle,
    resource: &ResourceType,
) -> Result<(), VaultError> {
    connection
        .execute(
            "DELETE FROM full_reads WHERE handle = ?1 AND resource = ?2",
            params![grant.as_str(), resource.as_str()],
        )
        .doing("forgetting what is held")
        .map(|_| ())
}
