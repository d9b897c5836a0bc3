//! The hash that represents a resource's id where the id itself must not be in the clear.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseIdError;

/// xxh3-128 (big-endian) of an id as the JSON text of it, quotes included; 32 hex digits in files.
///
/// It is derived from PHI: `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdHash(pub [u8; 16]);

impl fmt::Debug for IdHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdHash(redacted)")
    }
}

impl FromStr for IdHash {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(number) if is_hex => Ok(Self(number.to_be_bytes())),
            _ => Err(ParseIdError::new("not the hash of an id (32 hex digits)")),
        }
    }
}

impl TryFrom<String> for IdHash {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IdHash> for String {
    fn from(hash: IdHash) -> Self {
        format!("{:032x}", u128::from_be_bytes(hash.0))
    }
}

#[cfg(test)]
mod tests {
    use super::IdHash;

    #[test]
    fn a_hash_is_read_back_from_its_digits_and_nothing_else_is_a_hash() {
        let text = "0102030405060708090a0b0c0d0e0f10";
        let hash: IdHash = text.parse().unwrap();
        assert_eq!(
            hash.0,
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
        );
        assert_eq!(String::from(hash), text);
        for wrong in ["", "01", "+102030405060708090a0b0c0d0e0f10", &text[1..]] {
            assert!(wrong.parse::<IdHash>().is_err(), "{wrong}");
        }
        assert!(!format!("{hash:?}").contains("01"));
    }
}
