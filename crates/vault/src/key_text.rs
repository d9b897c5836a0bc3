//! A key as text: 64 hex digits, or base64.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use claimlake_contract::Secret;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::seal::Key;

/// Reads a key written as hex or base64; `origin` says in an error whose text it was.
pub(crate) fn parse_key(text: &str, origin: &str) -> Result<Key, VaultError> {
    let text = text.trim();
    let bytes = Zeroizing::new(if text.len() == 64 {
        decode_hex(text).unwrap_or_default()
    } else {
        STANDARD
            .decode(text)
            .or_else(|_| STANDARD_NO_PAD.decode(text))
            .or_else(|_| URL_SAFE_NO_PAD.decode(text))
            .unwrap_or_default()
    });
    Key::from_slice(&bytes).ok_or_else(|| VaultError::Key {
        reason: format!(
            "the vault key from {origin} is not 32 bytes in hex or base64 \
             (one is made by: openssl rand -hex 32)"
        ),
    })
}

/// A key as 64 hex digits.
pub(crate) fn key_text(key: &Key) -> Secret {
    Secret::new(claimlake_contract::hex(key.bytes()))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
