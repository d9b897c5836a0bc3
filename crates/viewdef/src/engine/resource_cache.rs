//! What was found once in a resource and is used by many cells; [`super::cached_filters`] fills it.

use std::cell::{Cell, OnceCell, RefCell};

use super::lookup::Shared;
use super::tape::Position;

/// Pairs of key and element, sorted.
pub(super) type KeyedElements = Vec<(u64, Position)>;

/// The answers for one resource, by the positions of [`Shared`].
#[derive(Debug, Default)]
pub(super) struct ResourceCache {
    /// Made when they are asked for; nothing where a key is no small integer.
    pub(super) maps: Vec<OnceCell<Option<KeyedElements>>>,
    /// By the position of an element on the tape, a bit for each condition that it meets.
    pub(super) masks: Vec<RefCell<Vec<u64>>>,
    /// Of the conditions that are the same for all elements; nothing where one was not asked for yet.
    pub(super) truths: Vec<Cell<Option<Option<bool>>>>,
    /// Of the items that are the same for all elements; nothing where one was not asked for yet.
    pub(super) items: Vec<Cell<Option<FoundItem>>>,
}

/// No item, the one item, or `Err` where there are several.
pub(super) type FoundItem = Result<Option<Position>, Several>;

/// Several items where one is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Several;

impl ResourceCache {
    /// An empty cache.
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            maps: shared.maps.iter().map(|_| OnceCell::new()).collect(),
            masks: shared
                .pivot_groups
                .iter()
                .map(|_| RefCell::default())
                .collect(),
            truths: shared
                .resource_conditions
                .iter()
                .map(|_| Cell::default())
                .collect(),
            items: shared
                .resource_items
                .iter()
                .map(|_| Cell::default())
                .collect(),
        }
    }

    /// Forgets the resource.
    pub(super) fn clear(&mut self) {
        for map in &mut self.maps {
            map.take();
        }
        for masks in &mut self.masks {
            masks.get_mut().clear();
        }
        for truth in &mut self.truths {
            truth.set(None);
        }
        for item in &mut self.items {
            item.set(None);
        }
    }
}
