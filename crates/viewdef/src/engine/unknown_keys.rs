//! Walks an object when the shape cannot remember more keys: keys are compared one by one, and
//! every value is still checked. Only bodies made to fill the memory come here.

use std::collections::HashSet;

use super::outcome::LineRefusal;
use super::shape::{NodeId, UNKNOWN};
use super::walk::{Place, Walk};
use crate::json::{string_end, unescape};

impl Walk<'_> {
    /// A member whose key is not remembered.
    #[cold]
    pub(super) fn unknown_member(
        &mut self,
        node: NodeId,
        depth: u32,
        keys: &mut HashSet<Vec<u8>>,
    ) -> Result<(), LineRefusal> {
        if !keys.insert(self.plain_key()?) {
            return Err(LineRefusal::DuplicateKey);
        }
        if let Some(node) = self.shape.nodes.get_mut(node as usize) {
            node.overflow += 1;
        }
        self.unknown_value(depth)
    }

    /// The members of an object of which nothing is remembered.
    #[cold]
    pub(super) fn unknown_members(&mut self, depth: u32) -> Result<(), LineRefusal> {
        let mut keys = HashSet::new();
        loop {
            if !keys.insert(self.plain_key()?) {
                return Err(LineRefusal::DuplicateKey);
            }
            self.unknown_value(depth)?;
            if !self.object_goes_on()? {
                return Ok(());
            }
        }
    }

    /// Passes over a key: its text.
    fn plain_key(&mut self) -> Result<Vec<u8>, LineRefusal> {
        if self.byte() != b'"' {
            return Err(LineRefusal::NotJson);
        }
        let start = self.at + 1;
        let (end, _) = string_end(self.buffer, start)?;
        self.at = end + 1;
        Ok(unescape(self.buffer.get(start..end).unwrap_or_default()))
    }

    /// Passes over the colon and the value behind a key.
    fn unknown_value(&mut self, depth: u32) -> Result<(), LineRefusal> {
        self.space();
        if self.byte() != b':' {
            return Err(LineRefusal::NotJson);
        }
        self.at += 1;
        self.space();
        self.value(&mut Place {
            code: 0,
            node: UNKNOWN,
            edge: 0,
            parent: UNKNOWN,
            recorded: false,
            depth: depth + 1,
        })
    }
}
