//! Keyed hashes that represent people without revealing who they are: in the access log, and as
//! tombstones of those who were forgotten.

use claimlake_contract::{ApiVersion, hex};

use crate::seal::{Key, keyed_hash};

/// The name of something in the access log.
pub(crate) fn pseudonym(key: &Key, kind: &str, text: &str) -> String {
    let parts = [b"pseudonym", kind.as_bytes(), text.as_bytes()];
    hex(&keyed_hash(key, &parts)[..12])
}

/// The name of a patient in the access log.
pub(crate) fn patient_name(key: &Key, api: ApiVersion, id: &str) -> String {
    pseudonym(key, "patient", &format!("{api}/{id}"))
}

/// The tombstone of a patient id.
pub(crate) fn id_tombstone(key: &Key, api: ApiVersion, id: &str) -> [u8; 32] {
    let parts: [&[u8]; 3] = [b"forgotten", api.as_str().as_bytes(), id.as_bytes()];
    keyed_hash(key, &parts)
}

/// The tombstone of a patient who was forgotten only according to the access log, by the name in
/// the log.
pub(crate) fn log_tombstone(key: &Key, name: &str) -> [u8; 32] {
    keyed_hash(key, &[b"forgotten by the access log", name.as_bytes()])
}

/// Both tombstones that a patient id can have.
pub(crate) fn tombstones_of(key: &Key, api: ApiVersion, id: &str) -> [[u8; 32]; 2] {
    let name = patient_name(key, api, id);
    [id_tombstone(key, api, id), log_tombstone(key, &name)]
}

/// The tombstone of an identifier, as `system|value` or, in older vaults, of the value without a
/// system.
pub(crate) fn identifier_tombstone(key: &Key, identifier: &str) -> [u8; 32] {
    keyed_hash(key, &[b"forgotten identifier", identifier.as_bytes()])
}
