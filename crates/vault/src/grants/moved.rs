//! A consent that moves to another version of the API: the tokens are those of one consent, and the
//! patient has another id there. Both ids stay.

use claimlake_contract::{ApiVersion, GrantHandle, PatientId};
use rusqlite::{Connection, params};

use super::grant::Grant;
use super::row::place;
use crate::seal::Keys;
use crate::sql::Sql;
use crate::{Vault, VaultError};

const MOVING: &str = "moving a grant to another API version";

/// Puts a grant into the id space of another version. Whose it is there is not known yet: storing the
/// tokens must not depend on that.
pub(super) fn move_to(
    connection: &Connection,
    keys: &Keys,
    grant: &Grant,
    api: ApiVersion,
) -> Result<(), VaultError> {
    let handle = grant.handle.as_str();
    if let Some(patient) = &grant.patient {
        write_earlier(connection, keys, &grant.handle, grant.api, patient)?;
    }
    connection.run(
        MOVING,
        "UPDATE grants SET api = ?2, patient = NULL, patient_lookup = NULL WHERE handle = ?1",
        params![handle, api.as_str()],
    )?;
    // How far reading everything again had come is about the other version's resources.
    connection.run(MOVING, "DELETE FROM full_reads WHERE handle = ?1", [handle])?;
    Ok(())
}

pub(super) fn write_earlier(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    api: ApiVersion,
    patient: &PatientId,
) -> Result<(), VaultError> {
    let sealed = keys.seal.seal(
        &place("earlier_patient", handle),
        patient.expose().as_bytes(),
    )?;
    connection.run(
        MOVING,
        "UPDATE grants SET earlier_api = ?2, earlier_patient = ?3 WHERE handle = ?1",
        params![handle.as_str(), api.as_str(), sealed],
    )?;
    Ok(())
}

impl Vault {
    /// Names the patient of a grant that was moved. The tokens are stored already: where the patient
    /// cannot be named now, the server is asked again later.
    pub(super) fn name_moved(&self, handle: &GrantHandle, patient: Option<&PatientId>) {
        let Some(patient) = patient else { return };
        if let Err(error) = self.name_patient(handle, patient) {
            tracing::warn!(grant.handle = %handle, error = %error, "the person of a grant could not be noted");
        }
    }
}

#[cfg(test)]
mod tests;
