//! Sealing of single values (XChaCha20-Poly1305) and keyed hashes (HMAC-SHA-256, RFC 2104).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ring::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VaultError;

const NONCE_LENGTH: usize = 24;

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

    /// Opens what [`Key::seal`] made for the same `place`; `None` if key, place or bytes differ.
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
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.0));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    array(context.sign().as_ref())
}

/// HMAC-SHA-256 (RFC 2104) of one message.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    array(hmac::sign(&key, message).as_ref())
}

/// A tag of SHA-256, which always has 32 bytes.
fn array(tag: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag);
    bytes
}

/// What the values of a vault are sealed and looked up with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// The key as given; only for handing it to the broker.
    pub(crate) master: Key,
    /// Seals values.
    pub(crate) seal: Key,
    /// Hashes values that are looked up. It stays the same when the vault is given another key.
    pub(crate) lookup: Key,
}

/// Random bytes of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(|error| VaultError::Invalid(format!("random bytes: {error}")))
}

#[cfg(test)]
mod tests {
    use claimlake_contract::hex;

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
    fn hmac_has_the_values_of_rfc_4231() {
        for (key, message, expected) in [
            (
                &[0x0b; 20][..],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let tag = hmac_sha256(key, message.as_bytes());
            assert_eq!(hex(&tag), expected, "{message}");
        }
    }

    #[test]
    fn keys_and_values_of_vaults_that_exist_are_the_same() {
        // By Python: hmac.new(bytes([7] * 32), struct.pack(">Q", len(p)) + p, "sha256") for the
        // purpose p.
        let key = Key::new([7; 32]).derive("claimlake vault seal 1");
        let derived = "81b574d0f583c36619fc6a0cc5dd5a3868040cb250cccf26429162e3076ec0fc";
        assert_eq!(hex(key.bytes()), derived);
        // Sealed by the version whose HMAC was its own.
        let sealed = "a9e353b27da6f94223d5906ec673a686f5ad7a310fcea99d\
                      4c8e02169e7161cc10e7c8b7133ab1921a18d3c20f";
        let sealed: Vec<u8> = (0..sealed.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&sealed[at..at + 2], 16).unwrap())
            .collect();
        let opened = key.open("grants.refresh_token:g1", &sealed).unwrap();
        assert_eq!(opened[..], *b"token");
    }

    #[test]
    fn debug_output_does_not_show_a_key() {
        assert_eq!(format!("{:?}", Key::new([1; 32])), "Key(redacted)");
    }
}
