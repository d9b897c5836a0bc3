//! A resource that was walked, with what was found in it, until its rows are made.

use super::lookup::Shared;
use super::resource_cache::ResourceCache;
use super::tape::Tape;
use crate::column::{Cell, Scratch};

/// One resource of a group. Cells refer to its line and to its scratch.
#[derive(Debug)]
pub(super) struct Resource {
    /// Its values.
    pub(super) tape: Tape,
    /// Results that several programs need.
    pub(super) cache: ResourceCache,
    /// Texts and lists that are not in the line.
    pub(super) scratch: Scratch,
    /// The cells that all its rows begin with.
    pub(super) context_cells: Vec<Cell>,
}

impl Resource {
    /// Room for a resource; names of elements have numbers below `elements`.
    pub(super) fn new(shared: &Shared, elements: usize) -> Self {
        Self {
            tape: Tape::default(),
            cache: ResourceCache::new(shared, elements),
            scratch: Scratch::default(),
            context_cells: Vec::new(),
        }
    }
}
