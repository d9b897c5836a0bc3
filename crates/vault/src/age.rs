//! Encrypts to a recipient's public key in the age format, version 1
//! (<https://age-encryption.org/v1>): an export is opened with the `age` program and the
//! recipient's key, not with this program.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf;
use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::seal::{fill_random, hmac_sha256};

const CHUNK: usize = 64 * 1024;
const PREFIX: &str = "age";

/// A public key to seal to: `age1…`, as `age-keygen` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl FromStr for Recipient {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode_bech32(text.trim()).map(Self).ok_or_else(|| {
            VaultError::Invalid(
                "the recipient is not an age public key: they begin with age1 and are printed \
                     by age-keygen"
                    .into(),
            )
        })
    }
}

/// Seals `plain` to `recipient`, as ASCII: the text is opened by `age --decrypt -i KEY_FILE`.
///
/// # Errors
/// Where the recipient's key is no point that a secret can be shared with.
pub fn seal_to(recipient: &Recipient, plain: &[u8]) -> Result<String, VaultError> {
    let mut file_key = Zeroizing::new([0_u8; 16]);
    fill_random(&mut file_key[..])?;
    let mut sealed = header(recipient, &file_key)?.into_bytes();
    let mut nonce = [0_u8; 16];
    fill_random(&mut nonce)?;
    sealed.extend_from_slice(&nonce);
    let payload_key = derive(&file_key[..], &nonce, b"payload")?;
    seal_payload(&payload_key, plain, &mut sealed)?;
    Ok(armor(&sealed))
}

fn header(recipient: &Recipient, file_key: &[u8; 16]) -> Result<String, VaultError> {
    let failed = |_| VaultError::Invalid("sealing to the recipient: its key cannot be used".into());
    let random = SystemRandom::new();
    let ephemeral = EphemeralPrivateKey::generate(&X25519, &random).map_err(failed)?;
    let share = ephemeral.compute_public_key().map_err(failed)?;
    let salt = [share.as_ref(), &recipient.0].concat();
    let theirs = UnparsedPublicKey::new(&X25519, recipient.0);
    let wrap_key = agree_ephemeral(ephemeral, &theirs, |secret| {
        derive(secret, &salt, b"age-encryption.org/v1/X25519")
    })
    .map_err(failed)??;
    let wrapped = ChaCha20Poly1305::new((&*wrap_key).into())
        .encrypt(&Nonce::default(), &file_key[..])
        .map_err(|_| VaultError::Invalid("sealing to the recipient".into()))?;
    let mut header = format!(
        "age-encryption.org/v1\n-> X25519 {}\n{}\n---",
        STANDARD_NO_PAD.encode(share),
        STANDARD_NO_PAD.encode(wrapped)
    );
    let mac = hmac_sha256(&*derive(file_key, &[], b"header")?, header.as_bytes());
    header.push(' ');
    header.push_str(&STANDARD_NO_PAD.encode(mac));
    header.push('\n');
    Ok(header)
}

/// STREAM: chunks of 64 KiB, each with its number and whether it is the last.
fn seal_payload(key: &[u8; 32], plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), VaultError> {
    let cipher = ChaCha20Poly1305::new(key.into());
    let count = plain.len().div_ceil(CHUNK).max(1);
    let mut chunks = plain.chunks(CHUNK);
    for number in 0..count {
        let mut nonce = [0_u8; 12];
        nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
        nonce[11] = u8::from(number + 1 == count);
        let chunk = cipher
            .encrypt(&Nonce::from(nonce), chunks.next().unwrap_or_default())
            .map_err(|_| VaultError::Invalid("sealing to the recipient".into()))?;
        sealed.extend_from_slice(&chunk);
    }
    Ok(())
}

/// 32 bytes of HKDF-SHA-256 (RFC 5869). The key is zeroized; the library's own states are not.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut key = Zeroizing::new([0; 32]);
    extracted
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|expanded| expanded.fill(&mut key[..]))
        .map_err(|_| VaultError::Invalid("sealing to the recipient: deriving a key".into()))?;
    Ok(key)
}

fn armor(sealed: &[u8]) -> String {
    let text = STANDARD.encode(sealed);
    let mut armored = String::from("-----BEGIN AGE ENCRYPTED FILE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        armored.push_str(line);
        armored.push('\n');
        rest = after;
    }
    armored.push_str("-----END AGE ENCRYPTED FILE-----\n");
    armored
}

/// The 32 bytes of an `age1…` text (BIP 173); `None` if its checksum or length is wrong.
fn decode_bech32(text: &str) -> Option<[u8; 32]> {
    const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let data = text.strip_prefix(PREFIX)?.strip_prefix('1')?;
    let values: Vec<u8> = data
        .bytes()
        .map(|letter| {
            let at = LETTERS.iter().position(|known| *known == letter)?;
            u8::try_from(at).ok()
        })
        .collect::<Option<_>>()?;
    let high = PREFIX.bytes().map(|letter| letter >> 5);
    let low = PREFIX.bytes().map(|letter| letter & 31);
    let checked = high.chain([0]).chain(low).chain(values.iter().copied());
    if bech32_checksum(checked) != 1 {
        return None;
    }
    let payload = values.get(..values.len().checked_sub(6)?)?;
    let mut bytes = Vec::with_capacity(32);
    let (mut bits, mut pending) = (0_u32, 0_u32);
    for value in payload {
        pending = (pending << 5) | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((pending >> bits) & 0xff).ok()?);
            pending &= (1 << bits) - 1;
        }
    }
    (bits < 5 && pending == 0).then_some(bytes)?.try_into().ok()
}

fn bech32_checksum(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}

#[cfg(test)]
mod tests;
