//! The progress of full reads, by patient and resource type.

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, ResourceType};
use rusqlite::{Connection, params};

use crate::sql::{Sql, count};
use crate::text::instant_text;
use crate::{Vault, VaultError};

/// What is stored in addition to [`ExtractState`](crate::ExtractState), so that a full read can
/// tell what the server no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullRead {
    /// Full reads that were due before this time are not caught up on.
    pub counted_from: DateTime<Utc>,
    /// The widest consent that the known resources were read with: the scopes of this type.
    pub scopes: String,
    /// The requested sources of claims.
    pub sources: String,
    /// Whether resources that landed before this record existed have been compared with a full
    /// read.
    pub swept: bool,
    /// Resources found by searches other than the first one.
    pub beside: u64,
    /// Known resources that the last full read did not find, if there were too many to consider
    /// them gone at once.
    pub doubted: u64,
}

impl Vault {
    /// Calls `visit` with what is remembered of every grant and resource type, by grant, without
    /// keeping it.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn each_full_read(
        &self,
        mut visit: impl FnMut(GrantHandle, ResourceType, FullRead),
    ) -> Result<(), VaultError> {
        let read = self.connection().rows(
            "reading how far full reads have come",
            "SELECT handle, resource, counted_from, scopes, sources, swept, beside, doubted
             FROM full_reads ORDER BY handle, resource",
            [],
            |row| {
                let read = FullRead {
                    counted_from: row.required_instant(2, "a full read")?,
                    scopes: row.get(3)?,
                    sources: row.get(4)?,
                    swept: row.count(5)? != 0,
                    beside: row.count(6)?,
                    doubted: row.count(7)?,
                };
                let grant = row.parsed(0, "a full read's grant")?;
                visit(grant, row.parsed(1, "a full read's type")?, read);
                Ok(())
            },
        );
        read.map(drop)
    }
}

pub(super) fn write(
    connection: &Connection,
    grant: &GrantHandle,
    resource: &ResourceType,
    read: &FullRead,
) -> Result<(), VaultError> {
    connection
        .run(
            "writing checkpoints",
            "INSERT OR REPLACE INTO full_reads
                (handle, resource, counted_from, scopes, sources, swept, beside, doubted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                grant.as_str(),
                resource.as_str(),
                instant_text(read.counted_from),
                read.scopes,
                read.sources,
                read.swept,
                count(read.beside),
                count(read.doubted),
            ],
        )
        .map(drop)
}
