//! Sort keys as bytes, which sort as the rows do.

use arrow_schema::ArrowError;

use crate::group_key::GroupKey;

/// Bytes of a resource, at the end of each key.
const RESOURCE_BYTES: usize = 16;

/// The keys of the spans of a batch, one behind the other. Each ends with its resource.
#[derive(Debug, Default)]
pub(crate) struct SortKeys {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl SortKeys {
    /// Appends the key of rows that are `resource`'s and sort by `columns`.
    ///
    /// # Errors
    ///
    /// The keys would be larger than 4 GiB.
    pub(crate) fn push(&mut self, columns: &[u8], resource: GroupKey) -> Result<(), ArrowError> {
        let end = self.end_of(columns.len() + RESOURCE_BYTES).ok_or_else(|| {
            let reason = "a batch has more than 4 GiB in the columns that it is sorted by";
            ArrowError::InvalidArgumentError(reason.to_owned())
        })?;
        self.bytes.extend_from_slice(columns);
        self.bytes.extend_from_slice(&resource.to_bytes());
        self.ends.push(end);
        Ok(())
    }

    /// Where a key of so many bytes ends; `None` if that is more than can be counted.
    fn end_of(&self, len: usize) -> Option<u32> {
        u32::try_from(self.bytes.len().checked_add(len)?).ok()
    }

    /// Appends a key that shares its first `shared` bytes with the previous one and continues with
    /// `rest`; `None` if such a key is impossible.
    pub(crate) fn push_after(&mut self, shared: usize, rest: &[u8]) -> Option<GroupKey> {
        let start = self.bytes.len();
        let before = self.ends.len().checked_sub(1).map(|last| self.range(last));
        let before = before.unwrap_or(start..start);
        let len = shared.checked_add(rest.len())?;
        if shared > before.len() || len < RESOURCE_BYTES {
            return None;
        }
        let end = self.end_of(len)?;
        self.bytes
            .extend_from_within(before.start..before.start + shared);
        self.bytes.extend_from_slice(rest);
        self.ends.push(end);
        let resource = &self.bytes[self.bytes.len() - RESOURCE_BYTES..];
        Some(GroupKey::from_bytes(resource))
    }

    /// Gives back memory that more keys would need.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.range(index)]
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        start..self.ends[index] as usize
    }

    /// Bytes that the keys take.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + size_of_val(self.ends.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_begin_alike_come_back_and_end_with_their_resource() {
        let resources = [1_u8, 2, 2].map(|byte| GroupKey::from_bytes(&[byte; 16]));
        let mut keys = SortKeys::default();
        let columns: [&[u8]; 3] = [b"2024 A", b"2024 B", b"2025"];
        for (columns, resource) in columns.into_iter().zip(resources) {
            keys.push(columns, resource).unwrap();
        }
        let expected = [
            [b"2024 A".as_slice(), &[1; 16]].concat(),
            [b"2024 B".as_slice(), &[2; 16]].concat(),
            [b"2025".as_slice(), &[2; 16]].concat(),
        ];
        let mut again = SortKeys::default();
        for (index, (shared, resource)) in [0, 5, 3].into_iter().zip(resources).enumerate() {
            assert_eq!(keys.get(index), expected[index]);
            let rest = &expected[index][shared..];
            assert_eq!(again.push_after(shared, rest), Some(resource));
            assert_eq!(again.get(index), expected[index]);
        }
        // More than there is, and less than a resource.
        assert_eq!(again.push_after(21, b"rest"), None);
        assert_eq!(again.push_after(10, b"rest"), None);
    }
}
