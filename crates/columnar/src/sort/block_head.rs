//! The header of a block on disk: its length and its hash. Without the hash, most damage would be
//! read as other rows; and Arrow's reader of lists must not be given arbitrary bytes.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{ColumnarError, Result};

const LENGTH_BYTES: usize = 4;

/// The bytes of a head.
pub(crate) const HEAD_BYTES: usize = LENGTH_BYTES + 8;

/// The length (bytes) and XXH3 hash of a block. A header of an empty block ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHead {
    pub(crate) length: u32,
    hash: u64,
}

impl BlockHead {
    /// The header of a block.
    ///
    /// # Errors
    ///
    /// The block is larger than 4 GiB.
    pub(crate) fn of(block: &[u8]) -> Result<Self> {
        let length = u32::try_from(block.len()).map_err(|_| ColumnarError::RowTooLarge)?;
        let hash = xxh3_64(block);
        Ok(Self { length, hash })
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..LENGTH_BYTES].copy_from_slice(&self.length.to_le_bytes());
        bytes[LENGTH_BYTES..].copy_from_slice(&self.hash.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (length, hash) = bytes.split_at(LENGTH_BYTES);
        Self {
            length: u32::from_le_bytes(length.try_into().unwrap_or_default()),
            hash: u64::from_le_bytes(hash.try_into().unwrap_or_default()),
        }
    }
}
