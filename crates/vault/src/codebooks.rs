//! Codebooks of de-identified copies: the random codes that stand for identifiers, one codebook for each
//! recipient, and the places where copies are.
//!
//! A code is never made from what it stands for (45 CFR 164.514(c)): whoever makes a copy draws it at
//! random and stores it here. Forgetting a person removes their codes, and notes at which places rows
//! with these codes are still to be removed.

use claimlake_contract::{ApiVersion, PatientId, Person, hex};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::{Key, Keys, fill_random, keyed_hash};
use crate::sql::Sql;
use crate::{Vault, VaultError};

/// The kind of a patient's own code, which the rows of a copy have.
pub const PATIENT_CODE: &str = "patient";

/// A code and what it stands for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The kind of identifier; two kinds never share a code.
    pub kind: String,
    /// The identifier. PHI.
    pub value: String,
    /// What stands for it.
    pub code: String,
    /// The patient whose identifier it is, as `v2/<id>`; none for providers and the like.
    pub patient: Option<String>,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({}, redacted)", self.kind)
    }
}

/// A place with a de-identified copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// An absolute path.
    pub place: String,
    /// Who has it.
    pub recipient: String,
    /// How it was made.
    pub profile: String,
    /// When it was first made there, RFC 3339.
    pub made_at: String,
    /// Codes of forgotten patients whose rows are still to be removed there.
    pub to_remove: Vec<String>,
}

/// The patient as [`Code::patient`] names them.
#[must_use]
pub fn patient_of_code(api: ApiVersion, patient: &PatientId) -> String {
    format!("{api}/{}", patient.expose())
}

impl Vault {
    /// The random name of a recipient's codebook, which is made on first use.
    ///
    /// # Errors
    /// Where the vault cannot be read or written.
    pub fn codebook(&self, recipient: &str) -> Result<String, VaultError> {
        let operation = "making a codebook";
        let mut bytes = [0; 16];
        fill_random(&mut bytes)?;
        let now = self.now_text();
        self.write(operation, |connection| {
            connection.run(
                operation,
                "INSERT OR IGNORE INTO codebooks (recipient, codebook, created_at) VALUES (?1, ?2, ?3)",
                params![recipient, hex(&bytes), now],
            )?;
            let sql = "SELECT codebook FROM codebooks WHERE recipient = ?1";
            let found = connection.first(operation, sql, [recipient], |row| row.get(0))?;
            found.ok_or_else(|| VaultError::damaged("a codebook is missing"))
        })
    }

    /// All codes of a recipient.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn codes(&self, recipient: &str) -> Result<Vec<Code>, VaultError> {
        let seal = &self.keys().seal;
        self.connection().rows(
            "reading a codebook",
            "SELECT lookup, sealed FROM codes WHERE recipient = ?1",
            [recipient],
            |row| {
                let (lookup, sealed): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let plain = seal.open(&code_place(recipient, &lookup), &sealed);
                let code = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
                code.ok_or_else(|| VaultError::damaged("a line of a codebook does not open"))
            },
        )
    }

    /// Stores codes, durably; a code that is there already stays.
    ///
    /// # Errors
    /// Where the vault cannot be written; [`VaultError::Forgotten`] where a patient was forgotten here.
    pub fn add_codes(&self, recipient: &str, codes: &[Code]) -> Result<(), VaultError> {
        let operation = "storing a codebook";
        let keys = self.keys();
        self.write(operation, |connection| {
            for code in codes {
                let lookup = code_lookup(&keys.lookup, recipient, &code.kind, &code.value);
                let person = code.patient.as_deref();
                let person = person.map(|patient| person_lookup(&keys.lookup, patient));
                let plain = serde_json::to_vec(code).map(Zeroizing::new);
                let plain =
                    plain.map_err(|error| VaultError::Invalid(format!("{operation}: {error}")))?;
                let sealed = keys.seal.seal(&code_place(recipient, &lookup), &plain)?;
                connection.run(
                    operation,
                    "INSERT OR IGNORE INTO codes (recipient, lookup, person, sealed)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![recipient, lookup, person, sealed],
                )?;
            }
            Ok(())
        })
    }

    /// Notes that a copy is about to be made at a place.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn add_copy(&self, place: &str, recipient: &str, profile: &str) -> Result<(), VaultError> {
        let operation = "noting the place of a copy";
        let now = self.now_text();
        self.write(operation, |connection| {
            connection.run(
                operation,
                "INSERT INTO copies (place, recipient, profile, made_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (place) DO UPDATE SET recipient = ?2, profile = ?3",
                params![place, recipient, profile, now],
            )?;
            Ok(())
        })
    }

    /// The places of all copies, with what is still to be removed there.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn copies(&self) -> Result<Vec<Copy>, VaultError> {
        let operation = "reading the places of copies";
        let connection = self.connection();
        let mut copies = connection.rows(
            operation,
            "SELECT place, recipient, profile, made_at FROM copies ORDER BY place",
            [],
            |row| {
                Ok(Copy {
                    place: row.get(0)?,
                    recipient: row.get(1)?,
                    profile: row.get(2)?,
                    made_at: row.get(3)?,
                    to_remove: Vec::new(),
                })
            },
        )?;
        for copy in &mut copies {
            copy.to_remove = connection.rows(
                operation,
                "SELECT code FROM copy_removals WHERE place = ?1 ORDER BY code",
                [&copy.place],
                |row| row.get(0),
            )?;
        }
        Ok(copies)
    }

    /// Notes that the rows with these codes are gone from a place.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn removed_from_copy(&self, place: &str, codes: &[String]) -> Result<(), VaultError> {
        let operation = "noting what was removed from a copy";
        self.write(operation, |connection| {
            for code in codes {
                connection.run(
                    operation,
                    "DELETE FROM copy_removals WHERE place = ?1 AND code = ?2",
                    params![place, code],
                )?;
            }
            Ok(())
        })
    }

    /// Takes a place off the list: there is no copy any more. Whether it was on it.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn drop_copy(&self, place: &str) -> Result<bool, VaultError> {
        let operation = "taking a copy off the list";
        self.write(operation, |connection| {
            let sql = "DELETE FROM copies WHERE place = ?1";
            connection.run(operation, sql, [place]).map(|rows| rows > 0)
        })
    }
}

/// Removes the codes of a person. At each place of the recipients, the rows with the patient's code are
/// to be removed from then on.
pub(crate) fn remove_codes(
    connection: &Connection,
    keys: &Keys,
    person: &Person,
    now: &str,
) -> Result<(), VaultError> {
    let operation = "removing a person from the codebooks";
    for (api, id) in &person.ids {
        let lookup = person_lookup(&keys.lookup, &patient_of_code(*api, id));
        let lines = connection.rows(
            operation,
            "SELECT recipient, lookup, sealed FROM codes WHERE person = ?1",
            [lookup],
            |row| {
                let (recipient, line): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let sealed: Vec<u8> = row.get(2)?;
                let plain = keys.seal.open(&code_place(&recipient, &line), &sealed);
                let code = plain.and_then(|plain| serde_json::from_slice::<Code>(&plain).ok());
                let damaged = || VaultError::damaged("a line of a codebook does not open");
                Ok((recipient, code.ok_or_else(damaged)?))
            },
        )?;
        for (recipient, code) in lines {
            if code.kind == PATIENT_CODE {
                connection.run(
                    operation,
                    "INSERT OR IGNORE INTO copy_removals (place, code, since)
                     SELECT place, ?2, ?3 FROM copies WHERE recipient = ?1",
                    params![recipient, code.code, now],
                )?;
            }
        }
        connection.run(operation, "DELETE FROM codes WHERE person = ?1", [lookup])?;
    }
    Ok(())
}

fn code_lookup(key: &Key, recipient: &str, kind: &str, value: &str) -> [u8; 32] {
    let parts = ["code", recipient, kind, value].map(str::as_bytes);
    keyed_hash(key, &parts)
}

fn person_lookup(key: &Key, patient: &str) -> [u8; 32] {
    keyed_hash(key, &[b"patient of a code", patient.as_bytes()])
}

/// What a line is sealed for.
pub(crate) fn code_place(recipient: &str, lookup: &[u8]) -> String {
    format!("codes.sealed:{recipient}:{}", hex(lookup))
}

#[cfg(test)]
mod tests;
