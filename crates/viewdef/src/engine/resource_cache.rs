//! What was found once in a resource and is used by many cells; [`super::cached_lookups`],
//! [`super::pivot_masks`] and [`super::known_answers`] fill it.

use std::cell::{Cell, OnceCell, RefCell};

use super::known_answers::LastAnswer;
use super::lookup::Shared;
use super::member_index::MemberIndex;
use super::tape::Position;

/// Pairs of key and element, sorted.
pub(super) type KeyedElements = Vec<(u64, Position)>;

/// The answers for one resource, by the positions of [`Shared`].
#[derive(Debug, Default)]
pub(super) struct ResourceCache {
    /// The index of members by name.
    pub(super) members: MemberIndex,
    /// Made when they are first needed; `None` if a key is not a small integer.
    pub(super) maps: Vec<OnceCell<Option<KeyedElements>>>,
    /// For each group of conditions, by the position of an element on the tape: a bit for each
    /// condition that the element meets.
    pub(super) masks: Vec<RefCell<Vec<u64>>>,
    /// For each group of conditions on the elements of one member: which conditions these elements
    /// meet.
    pub(super) member_pivots: Vec<RefCell<KnownElements>>,
    /// The items of lists from which several columns take some.
    pub(super) lists: Vec<RefCell<KnownList>>,
    /// The last answer to each condition that several programs use.
    pub(super) conditions: Vec<LastAnswer<Option<bool>>>,
    /// The last answer to each union that several programs use.
    pub(super) unions: Vec<LastAnswer<Option<Position>>>,
    /// The answers to conditions that do not depend on the element; the outer `Option` is `None`
    /// until one is evaluated.
    pub(super) truths: Vec<Cell<Option<Option<bool>>>>,
    /// The items that do not depend on the element; `None` until one is looked for.
    pub(super) items: Vec<Cell<Option<FoundItem>>>,
}

/// The elements of the member that was looked at last, with the conditions of a group that they
/// meet.
#[derive(Debug, Default)]
pub(super) struct KnownElements {
    /// The object that has the member; `None` at first.
    pub(super) from: Option<Position>,
    /// The elements, with a bit for each condition that they meet.
    pub(super) elements: Vec<(Position, u64)>,
    /// The conditions that at least one element meets.
    pub(super) all: u64,
}

/// The items that some steps found last.
#[derive(Debug, Default)]
pub(super) struct KnownList {
    /// The item that the steps began with, and the element that makes the row; `None` at first.
    pub(super) of: Option<(Position, Position)>,
    pub(super) items: Vec<Position>,
}

/// No item, the one item, or `Err` where there are several.
pub(super) type FoundItem = Result<Option<Position>, Several>;

/// There are several items where one is required.
#[derive(Debug, Clone, Copy)]
pub(super) struct Several;

impl ResourceCache {
    /// An empty cache; names of elements have numbers below `elements`.
    pub(super) fn new(shared: &Shared, elements: usize) -> Self {
        Self {
            members: MemberIndex::new(elements),
            maps: shared.maps.iter().map(|_| OnceCell::new()).collect(),
            masks: shared
                .pivot_groups
                .iter()
                .map(|_| RefCell::default())
                .collect(),
            member_pivots: shared
                .member_pivots
                .iter()
                .map(|_| RefCell::default())
                .collect(),
            lists: shared.lists.iter().map(|_| RefCell::default()).collect(),
            conditions: shared.conditions.iter().map(|_| Cell::default()).collect(),
            unions: shared.unions.iter().map(|_| Cell::default()).collect(),
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
        self.members.clear();
        for map in &mut self.maps {
            map.take();
        }
        for masks in &mut self.masks {
            masks.get_mut().clear();
        }
        for known in &mut self.member_pivots {
            known.get_mut().from = None;
        }
        for list in &mut self.lists {
            list.get_mut().of = None;
        }
        for condition in &mut self.conditions {
            condition.set(None);
        }
        for union in &mut self.unions {
            union.set(None);
        }
        for truth in &mut self.truths {
            truth.set(None);
        }
        for item in &mut self.items {
            item.set(None);
        }
    }
}
