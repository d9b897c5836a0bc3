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
    /// Where members are.
    pub(super) members: MemberIndex,
    /// Made when they are asked for; nothing where a key is no small integer.
    pub(super) maps: Vec<OnceCell<Option<KeyedElements>>>,
    /// By the position of an element on the tape, a bit for each condition that it meets.
    pub(super) masks: Vec<RefCell<Vec<u64>>>,
    /// Of the elements of a member, which conditions they meet.
    pub(super) member_pivots: Vec<RefCell<KnownElements>>,
    /// Of lists that several columns look into.
    pub(super) lists: Vec<RefCell<KnownList>>,
    /// Of the conditions that several programs ask for.
    pub(super) conditions: Vec<LastAnswer<Option<bool>>>,
    /// Of the unions that several programs ask for.
    pub(super) unions: Vec<LastAnswer<Option<Position>>>,
    /// Of the conditions that are the same for all elements; nothing where one was not asked for yet.
    pub(super) truths: Vec<Cell<Option<Option<bool>>>>,
    /// Of the items that are the same for all elements; nothing where one was not asked for yet.
    pub(super) items: Vec<Cell<Option<FoundItem>>>,
}

/// The elements of a member that was looked at last, as far as they meet any condition of a group.
#[derive(Debug, Default)]
pub(super) struct KnownElements {
    /// What has the member; nothing before it was asked for.
    pub(super) from: Option<Position>,
    /// The elements, with a bit for each condition that they meet.
    pub(super) elements: Vec<(Position, u64)>,
    /// The bits of all elements.
    pub(super) all: u64,
}

/// The items that some steps found last.
#[derive(Debug, Default)]
pub(super) struct KnownList {
    /// What they began with, and the element that makes the row; nothing before it was asked for.
    pub(super) of: Option<(Position, Position)>,
    pub(super) items: Vec<Position>,
}

/// No item, the one item, or `Err` where there are several.
pub(super) type FoundItem = Result<Option<Position>, Several>;

/// Several items where one is wanted.
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
