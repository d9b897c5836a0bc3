//! How far extraction has come: checkpoints of the run under way, and the state of each grant.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType, RunId};
use rusqlite::{Connection, Row, params};

use crate::error::Doing;
use crate::held::Held;
use crate::store::Keys;
use crate::text::{instant_text, parse_instant};
use crate::{FullRead, Vault, VaultError, full_read};

/// What one resource type of one person has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractState {
    /// The grant it was read with.
    pub grant: GrantHandle,
    /// The API version.
    pub api: ApiVersion,
    /// The resource type.
    pub resource: ResourceType,
    /// The run that tried last.
    pub run: RunId,
    /// When it did.
    pub as_of: DateTime<Utc>,
    /// What came of it.
    pub state: PatientState,
    /// Why, in words without PHI.
    pub reason: Option<String>,
    /// Distinct resources the server gave in that run.
    pub served: u64,
    /// Those of them that were new or changed and landed.
    pub landed: u64,
    /// When the person was complete last.
    pub complete_at: Option<DateTime<Utc>>,
    /// When the person was last read as a whole, and complete.
    pub full_at: Option<DateTime<Utc>>,
    /// The greatest `meta.lastUpdated` of all complete reads.
    pub watermark: Option<DateTime<Utc>>,
    /// How many resources are held.
    pub held_count: u64,
}

/// One row to write: the state, and where it landed, its checkpoint and what is now held.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// The state.
    pub state: ExtractState,
    /// What is held from now on; `None` leaves it as it is.
    pub held: Option<Held>,
    /// What is remembered of full reads; `None` leaves it as it is.
    pub full_read: Option<FullRead>,
    /// The checkpoint: JSON of the landing crate's words, sealed here.
    pub checkpoint: Option<String>,
}

/// A checkpoint of a run that is not sealed.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The grant.
    pub grant: GrantHandle,
    /// The resource type.
    pub resource: ResourceType,
    /// What was given as [`StateChange::checkpoint`].
    pub detail: String,
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

    /// What is held of a person in one resource type.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn held(&self, grant: &GrantHandle, resource: &ResourceType) -> Result<Held, VaultError> {
        let doing = "reading what is held";
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT held FROM extract_states WHERE handle = ?1 AND resource = ?2")
            .doing(doing)?;
        let mut rows = statement
            .query(params![grant.as_str(), resource.as_str()])
            .doing(doing)?;
        let sealed: Option<Vec<u8>> = match rows.next().doing(doing)? {
            Some(row) => row.get(0).doing(doing)?,
            None => None,
        };
        let Some(sealed) = sealed else {
            return Ok(Held::default());
        };
        let damaged = || VaultError::damaged(format!("what grant {grant} holds does not open"));
        let plain = self
            .keys()
            .seal
            .open(&held_place(grant, resource), &sealed)
            .ok_or_else(damaged)?;
        Held::from_bytes(&plain).ok_or_else(damaged)
    }

    /// Forgets what is held of a person, so that the next run reads and lands everything again.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn forget_held(
        &self,
        grant: &GrantHandle,
        resource: &ResourceType,
    ) -> Result<(), VaultError> {
        let doing = "forgetting what is held";
        self.write(doing, |connection| {
            connection
                .execute(
                    "DELETE FROM extract_states WHERE handle = ?1 AND resource = ?2",
                    params![grant.as_str(), resource.as_str()],
                )
                .doing(doing)?;
            full_read::forget(connection, grant, resource)
        })
    }

    /// The runs that have checkpoints: under way, or killed.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn checkpointed_runs(&self) -> Result<Vec<RunId>, VaultError> {
        let doing = "reading checkpoints";
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT DISTINCT run FROM checkpoints ORDER BY run")
            .doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            runs.push(parsed(row, 0, "a checkpoint's run")?);
        }
        Ok(runs)
    }

    /// The checkpoints of a run.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn checkpoints(&self, run: &RunId) -> Result<Vec<Checkpoint>, VaultError> {
        let doing = "reading checkpoints";
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "SELECT handle, resource, detail FROM checkpoints WHERE run = ?1
                 ORDER BY handle, resource",
            )
            .doing(doing)?;
        let mut rows = statement.query([run.as_str()]).doing(doing)?;
        let mut checkpoints = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let grant: GrantHandle = parsed(row, 0, "a checkpoint's grant")?;
            let resource: ResourceType = parsed(row, 1, "a checkpoint's resource")?;
            let sealed: Vec<u8> = row.get(2).doing(doing)?;
            let detail = self
                .keys()
                .seal
                .open(&checkpoint_place(run, &grant, &resource), &sealed)
                .and_then(|plain| String::from_utf8(plain.to_vec()).ok())
                .ok_or_else(|| VaultError::damaged("a checkpoint does not open"))?;
            checkpoints.push(Checkpoint {
                grant,
                resource,
                detail,
            });
        }
        Ok(checkpoints)
    }

    /// Removes the checkpoints of a run: it is sealed.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn drop_checkpoints(&self, run: &RunId) -> Result<(), VaultError> {
        let doing = "removing checkpoints";
        self.write(doing, |connection| {
            connection
                .execute("DELETE FROM checkpoints WHERE run = ?1", [run.as_str()])
                .doing(doing)
                .map(|_| ())
        })
    }
}

/// None of it is sealed.
pub(crate) fn extract_states(connection: &Connection) -> Result<Vec<ExtractState>, VaultError> {
    let doing = "reading where extraction stands";
    let mut statement = connection
        .prepare_cached(
            "SELECT handle, api, resource, run, as_of, state, reason, served, landed,
                complete_at, full_at, watermark, held_count
             FROM extract_states ORDER BY handle, resource",
        )
        .doing(doing)?;
    let mut rows = statement.query([]).doing(doing)?;
    let mut states = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        states.push(read_state(row)?);
    }
    Ok(states)
}

fn write_change(
    connection: &Connection,
    keys: &Keys,
    change: &StateChange,
) -> Result<(), VaultError> {
    let doing = "writing checkpoints";
    let state = &change.state;
    let sealed_held = change
        .held
        .as_ref()
        .map(|held| {
            let place = held_place(&state.grant, &state.resource);
            keys.seal.seal(&place, &held.to_bytes())
        })
        .transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO extract_states (handle, resource, api, run, as_of, state, reason, served,
                landed, complete_at, full_at, watermark, held_count, held)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (handle, resource) DO UPDATE SET api = excluded.api, run = excluded.run,
                as_of = excluded.as_of, state = excluded.state, reason = excluded.reason,
                served = excluded.served, landed = excluded.landed,
                complete_at = excluded.complete_at, full_at = excluded.full_at,
                watermark = excluded.watermark, held_count = excluded.held_count,
                held = coalesce(excluded.held, held)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
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
                count(state.held_count),
                sealed_held,
            ])
        })
        .doing(doing)?;
    if let Some(read) = &change.full_read {
        full_read::write(connection, &state.grant, &state.resource, read)?;
    }
    let Some(detail) = &change.checkpoint else {
        return Ok(());
    };
    let place = checkpoint_place(&state.run, &state.grant, &state.resource);
    let sealed_detail = keys.seal.seal(&place, detail.as_bytes())?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO checkpoints (run, handle, resource, detail)
             VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                state.run.as_str(),
                state.grant.as_str(),
                state.resource.as_str(),
                sealed_detail,
            ])
        })
        .doing(doing)?;
    Ok(())
}

fn read_state(row: &Row<'_>) -> Result<ExtractState, VaultError> {
    let doing = "reading where extraction stands";
    let state: String = row.get(5).doing(doing)?;
    let number = |at| {
        row.get::<_, i64>(at)
            .doing(doing)
            .map(|value| value.unsigned_abs())
    };
    let instant = |at| -> Result<Option<DateTime<Utc>>, VaultError> {
        row.get::<_, Option<String>>(at)
            .doing(doing)?
            .map(|text| parse_instant(&text, "an extract state"))
            .transpose()
    };
    Ok(ExtractState {
        grant: parsed(row, 0, "an extract state's grant")?,
        api: parsed(row, 1, "an extract state's API version")?,
        resource: parsed(row, 2, "an extract state's resource")?,
        run: parsed(row, 3, "an extract state's run")?,
        as_of: instant(4)?.ok_or_else(|| VaultError::damaged("an extract state has no date"))?,
        state: STATES
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| VaultError::damaged("an extract state is unknown"))?,
        reason: row.get(6).doing(doing)?,
        served: number(7)?,
        landed: number(8)?,
        complete_at: instant(9)?,
        full_at: instant(10)?,
        watermark: instant(11)?,
        held_count: number(12)?,
    })
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, at: usize, what: &str) -> Result<T, VaultError> {
    row.get::<_, String>(at)
        .doing("reading where extraction stands")?
        .parse()
        .map_err(|_| VaultError::damaged(format!("{what} is not readable")))
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn held_place(grant: &GrantHandle, resource: &ResourceType) -> String {
    format!("extract_states.held:{grant}:{resource}")
}

pub(crate) fn checkpoint_place(
    run: &RunId,
    grant: &GrantHandle,
    resource: &ResourceType,
) -> String {
    format!("checkpoints.detail:{run}:{grant}:{resource}")
}

#[cfg(test)]
pub(crate) mod tests;
