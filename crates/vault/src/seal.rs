//! Sealing of single values (XChaCha20-Poly1305) and keyed hashes (HMAC-SHA-256, RFC 2104).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VaultError;

const NONCE_LENGTH: usize = 24;
const BLOCK: usize = 64;

/// 32 secret bytes; zeroized when dropped, not shown by `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

impl Key {
    #[cfg(test)]
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn random() -> Result<Self, VaultError> {
        let mut bytes = [0; 32];
        fill_random(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for one purpose, from which neither this one nor another purpose's can be had.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        Self(keyed_hash(self, &[purpose.as_bytes()]))
    }

    /// Seals `plain`; only the same `place` opens it again, so that values cannot be swapped.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LENGTH];
        fill_random(&mut nonce)?;
        let sealed = XChaCha20Poly1305::new(&self.0.into())
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| VaultError::Invalid(format!("sealing {place}: value too long")))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`Key::seal`] made for the same `place`; none where key, place or bytes differ.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LENGTH)?;
        let nonce: [u8; NONCE_LENGTH] = nonce.try_into().ok()?;
        XChaCha20Poly1305::new(&self.0.into())
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: text,
                    aad: place.as_bytes(),
                },
            )
            .ok()
            .map(Zeroizing::new)
    }
}

/// HMAC-SHA-256 over the parts, each preceded by its length so that borders cannot move.
pub(crate) fn keyed_hash(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut message = Zeroizing::new(Vec::new());
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    hmac_sha256(&key.0, &message)
}

/// HMAC-SHA-256 with a key of one block or less.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    debug_assert!(key.len() <= BLOCK, "longer keys are hashed first");
    let mut inner_pad = Zeroizing::new([0x36_u8; BLOCK]);
    let mut outer_pad = Zeroizing::new([0x5c_u8; BLOCK]);
    for (index, byte) in key.iter().take(BLOCK).enumerate() {
        inner_pad[index] ^= byte;
        outer_pad[index] ^= byte;
    }
    let inner = Sha256::new()
        .chain_update(&inner_pad[..])
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(&outer_pad[..])
        .chain_update(inner)
        .finalize()
        .into()
}

/// Random bytes of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|error| VaultError::Invalid(format!("random bytes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{Key, hmac_sha256};

    #[test]
    fn a_sealed_value_opens_only_with_its_key_in_its_place_and_untouched() {
        let key = Key::new([7; 32]);
        let sealed = key.seal("grants.refresh_token:g1", b"token").unwrap();
        assert_eq!(
            key.open("grants.refresh_token:g1", &sealed).unwrap()[..],
            *b"token"
        );
        assert!(key.open("grants.refresh_token:g2", &sealed).is_none());
        assert!(
            Key::new([8; 32])
                .open("grants.refresh_token:g1", &sealed)
                .is_none()
        );
        let mut touched = sealed.clone();
        *touched.last_mut().unwrap() ^= 1;
        assert!(key.open("grants.refresh_token:g1", &touched).is_none());
        assert!(key.open("grants.refresh_token:g1", &sealed[..20]).is_none());
    }

    #[test]
    fn the_keyed_hash_is_hmac_sha256() {
        // Computed with Python's hmac module: hmac.new(bytes(range(32)), b"Hi There", "sha256").
        let key: [u8; 32] = std::array::from_fn(|index| index as u8);
        let hex: String = hmac_sha256(&key[..], b"Hi There")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "278639ec02309d3afded1b273f1349ba63b9089c12476d716bee3ecc94673e9e"
        );
    }

    #[test]
    fn debug_output_does_not_show_a_key() {
        assert_eq!(format!("{:?}", Key::new([1; 32])), "Key(redacted)");
    }
}
