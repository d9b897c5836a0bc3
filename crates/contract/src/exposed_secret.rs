//! Secrets in serialized form, where that is what they are for: `#[serde(with = "exposed_secret")]`.
//!
//! [`Secret`] itself has no serialized form, so that none gets into a log or a file by accident.

use serde::{Deserialize, Deserializer, Serializer};

use crate::Secret;

/// Writes the text itself.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Reads a text, which is zeroized when dropped.
///
/// # Errors
///
/// What is no text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// The same for a secret that may be missing.
pub mod option {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Secret;

    /// Writes the text itself, or null.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(secret.expose()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a text or null.
    ///
    /// # Errors
    ///
    /// What is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}
