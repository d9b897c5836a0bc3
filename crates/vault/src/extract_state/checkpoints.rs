//! Checkpoints: where each patient and resource type of a run is, until the run is sealed.

use claimlake_contract::{GrantHandle, ResourceType, RunId};
use rusqlite::{Connection, params};

use crate::seal::Keys;
use crate::sql::Sql;
use crate::{Vault, VaultError};

const READING: &str = "reading checkpoints";

/// A checkpoint of a run that is not sealed.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The grant.
    pub grant: GrantHandle,
    /// The resource type.
    pub resource: ResourceType,
    /// What was given as [`StateChange::checkpoint`](crate::StateChange::checkpoint).
    pub detail: String,
}

impl Vault {
    /// The runs that have checkpoints: in progress, or killed.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn checkpointed_runs(&self) -> Result<Vec<RunId>, VaultError> {
        self.connection().rows(
            READING,
            "SELECT DISTINCT run FROM checkpoints ORDER BY run",
            [],
            |row| row.parsed(0, "a checkpoint's run"),
        )
    }

    /// The checkpoints of a run.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn checkpoints(&self, run: &RunId) -> Result<Vec<Checkpoint>, VaultError> {
        self.connection().rows(
            READING,
            "SELECT handle, resource, detail FROM checkpoints WHERE run = ?1
             ORDER BY handle, resource",
            [run.as_str()],
            |row| {
                let grant: GrantHandle = row.parsed(0, "a checkpoint's grant")?;
                let resource: ResourceType = row.parsed(1, "a checkpoint's resource")?;
                let sealed: Vec<u8> = row.get(2)?;
                let place = checkpoint_place(run, &grant, &resource);
                let plain = self.keys().seal.open(&place, &sealed);
                let detail = plain.and_then(|plain| String::from_utf8(plain.to_vec()).ok());
                Ok(Checkpoint {
                    grant,
                    resource,
                    detail: detail
                        .ok_or_else(|| VaultError::damaged("a checkpoint does not open"))?,
                })
            },
        )
    }

    /// Removes the checkpoints of a run: it is sealed.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn drop_checkpoints(&self, run: &RunId) -> Result<(), VaultError> {
        let operation = "removing checkpoints";
        self.write(operation, |connection| {
            let sql = "DELETE FROM checkpoints WHERE run = ?1";
            connection.run(operation, sql, [run.as_str()]).map(drop)
        })
    }
}

pub(super) fn write_checkpoint(
    connection: &Connection,
    keys: &Keys,
    (run, grant, resource): (&RunId, &GrantHandle, &ResourceType),
    detail: &str,
) -> Result<(), VaultError> {
    let place = checkpoint_place(run, grant, resource);
    let sealed = keys.seal.seal(&place, detail.as_bytes())?;
    connection
        .run(
            "writing checkpoints",
            "INSERT OR REPLACE INTO checkpoints (run, handle, resource, detail)
             VALUES (?1, ?2, ?3, ?4)",
            params![run.as_str(), grant.as_str(), resource.as_str(), sealed],
        )
        .map(drop)
}

/// What the sealed detail of a checkpoint is bound to.
pub(crate) fn checkpoint_place(
    run: &RunId,
    grant: &GrantHandle,
    resource: &ResourceType,
) -> String {
    format!("checkpoints.detail:{run}:{grant}:{resource}")
}
