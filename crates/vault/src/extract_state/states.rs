//! The state of each patient and resource type.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType, RunId};
use rusqlite::{Connection, params};

use super::checkpoints::write_checkpoint;
use super::full_read::{self, FullRead};
use super::known_resources::KnownResources;
use crate::seal::Keys;
use crate::sql::{Fields, Sql, count};
use crate::text::instant_text;
use crate::{Vault, VaultError};

/// The progress of one resource type of one patient.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractState {
    /// The grant it was read with.
    pub grant: GrantHandle,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// The last run that read, or tried to.
    pub run: RunId,
    /// When it did so.
    pub as_of: DateTime<Utc>,
    /// Its outcome.
    pub state: PatientState,
    /// Why it is in this state, as text without PHI.
    pub reason: Option<String>,
    /// Distinct resources the server gave in that run.
    pub served: u64,
    /// Those of them that were new or changed and landed.
    pub landed: u64,
    /// When the patient was last complete; `None` if never.
    pub complete_at: Option<DateTime<Utc>>,
    /// When everything of the patient was last read completely; `None` if never.
    pub full_at: Option<DateTime<Utc>>,
    /// The greatest `meta.lastUpdated` of all complete reads.
    pub watermark: Option<DateTime<Utc>>,
    /// How many resources are known.
    pub known_count: u64,
}

/// One row to write: the state, its checkpoint and the resources that are known now.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// The state.
    pub state: ExtractState,
    /// The resources that are known from now on; `None` leaves them as they are.
    pub known: Option<KnownResources>,
    /// What is remembered about full reads; `None` keeps the previous value.
    pub full_read: Option<FullRead>,
    /// The checkpoint as JSON, in the format of the landing crate; stored encrypted.
    pub checkpoint: Option<String>,
}

const STATES: [PatientState; 8] = [
    PatientState::Complete,
    PatientState::Incomplete,
    PatientState::SuspectEmpty,
    PatientState::NeedsConsent,
    PatientState::Parked,
    PatientState::Refused,
    PatientState::ForeignResource,
    PatientState::Failed,
];

impl Vault {
    /// Writes the changes in one transaction: all of them are durable when this returns, or none.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn record_extract(&self, changes: &[StateChange]) -> Result<(), VaultError> {
        let keys = self.keys();
        self.write("writing checkpoints", |connection| {
            changes
                .iter()
                .try_for_each(|change| write_change(connection, keys, change))
        })
    }

    /// The state of every grant and resource type.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn extract_states(&self) -> Result<Vec<ExtractState>, VaultError> {
        extract_states(&self.connection())
    }

    /// Calls `visit` with the state of every grant and resource type, by grant, without keeping them.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn each_extract_state(
        &self,
        mut visit: impl FnMut(ExtractState),
    ) -> Result<(), VaultError> {
        let read = each_state(&self.connection(), |row| read_state(row).map(&mut visit));
        read.map(drop)
    }

    /// The resources of a patient that have landed, of one type.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn known_resources(
        &self,
        grant: &GrantHandle,
        resource: &ResourceType,
    ) -> Result<KnownResources, VaultError> {
        let sealed: Option<Option<Vec<u8>>> = self.connection().first(
            "reading the known resources",
            "SELECT held FROM extract_states WHERE handle = ?1 AND resource = ?2",
            [grant.as_str(), resource.as_str()],
            |row| row.get(0),
        )?;
        let Some(sealed) = sealed.flatten() else {
            return Ok(KnownResources::default());
        };
        let plain = self
            .keys()
            .seal
            .open(&known_place(grant, resource), &sealed);
        plain
            .and_then(|plain| KnownResources::from_bytes(&plain))
            .ok_or_else(|| {
                let what = format!("the known resources of grant {grant} do not open");
                VaultError::damaged(what)
            })
    }

    /// Forgets which resources of a patient have landed, so that the next run reads and lands
    /// everything again.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn forget_known_resources(
        &self,
        grant: &GrantHandle,
        resource: &ResourceType,
    ) -> Result<(), VaultError> {
        let operation = "forgetting the known resources";
        self.write(operation, |connection| {
            ["extract_states", "full_reads"]
                .iter()
                .try_for_each(|table| {
                    let sql = format!("DELETE FROM {table} WHERE handle = ?1 AND resource = ?2");
                    let key = [grant.as_str(), resource.as_str()];
                    connection.run(operation, &sql, key).map(drop)
                })
        })
    }
}

/// The state of every grant and resource type. Nothing of it is encrypted.
pub(crate) fn extract_states(connection: &Connection) -> Result<Vec<ExtractState>, VaultError> {
    each_state(connection, read_state)
}

fn each_state<T>(
    connection: &Connection,
    read: impl FnMut(&Fields<'_>) -> Result<T, VaultError>,
) -> Result<Vec<T>, VaultError> {
    connection.rows(
        "reading how far extraction has come",
        "SELECT handle, api, resource, run, as_of, state, reason, served, landed,
            complete_at, full_at, watermark, held_count
         FROM extract_states ORDER BY handle, resource",
        [],
        read,
    )
}

fn write_change(
    connection: &Connection,
    keys: &Keys,
    change: &StateChange,
) -> Result<(), VaultError> {
    let state = &change.state;
    let known = change.known.as_ref().map(|known| {
        let place = known_place(&state.grant, &state.resource);
        keys.seal.seal(&place, &known.to_bytes())
    });
    connection.run(
        "writing checkpoints",
        "INSERT INTO extract_states (handle, resource, api, run, as_of, state, reason, served,
            landed, complete_at, full_at, watermark, held_count, held)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (handle, resource) DO UPDATE SET api = excluded.api, run = excluded.run,
            as_of = excluded.as_of, state = excluded.state, reason = excluded.reason,
            served = excluded.served, landed = excluded.landed,
            complete_at = excluded.complete_at, full_at = excluded.full_at,
            watermark = excluded.watermark, held_count = excluded.held_count,
            held = coalesce(excluded.held, held)",
        params![
            state.grant.as_str(),
            state.resource.as_str(),
            state.api.as_str(),
            state.run.as_str(),
            instant_text(state.as_of),
            state.state.as_str(),
            state.reason,
            count(state.served),
            count(state.landed),
            state.complete_at.map(instant_text),
            state.full_at.map(instant_text),
            state.watermark.map(instant_text),
            count(state.known_count),
            known.transpose()?,
        ],
    )?;
    if let Some(read) = &change.full_read {
        full_read::write(connection, &state.grant, &state.resource, read)?;
    }
    match &change.checkpoint {
        Some(detail) => {
            let of = (&state.run, &state.grant, &state.resource);
            write_checkpoint(connection, keys, of, detail)
        }
        None => Ok(()),
    }
}

fn read_state(row: &Fields<'_>) -> Result<ExtractState, VaultError> {
    let state: String = row.get(5)?;
    let instant = |at| row.instant(at, "an extract state");
    Ok(ExtractState {
        grant: row.parsed(0, "an extract state's grant")?,
        api: row.parsed(1, "an extract state's API version")?,
        resource: row.parsed(2, "an extract state's resource")?,
        run: row.parsed(3, "an extract state's run")?,
        as_of: instant(4)?.ok_or_else(|| VaultError::damaged("an extract state has no date"))?,
        state: STATES
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| VaultError::damaged("an extract state is unknown"))?,
        reason: row.get(6)?,
        served: row.count(7)?,
        landed: row.count(8)?,
        complete_at: instant(9)?,
        full_at: instant(10)?,
        watermark: instant(11)?,
        known_count: row.count(12)?,
    })
}

/// What the sealed list of known resources is bound to.
pub(crate) fn known_place(grant: &GrantHandle, resource: &ResourceType) -> String {
    format!("extract_states.held:{grant}:{resource}")
}
