//! What the views of a resource type read: a graph of the keys they step through, shared by all
//! views.
//!
//! The walk follows it to know which values to record, and adds the keys that no view reads, so
//! that they too are recognized quickly, counted, and refused if they occur twice. Each edge
//! remembers which key followed it last: bodies of one sender have their keys in the same order, so
//! the guess is nearly always right, and a key costs two comparisons of words.

use std::collections::{BTreeMap, HashSet};

use super::keys::{KeyCode, choice_of};
use crate::fhirpath::choice_position;
use crate::json::load;

/// Keys beyond this number are not remembered by one shape: no input makes it grow without end.
const MAX_EDGES: usize = 1 << 16;

/// Keys of one node beyond this number are not remembered: they are compared one by one.
const MAX_EDGES_OF_NODE: usize = 256;

/// A node of the shape, by its position.
pub(super) type NodeId = u32;

/// The node of the resource.
pub(super) const ROOT: NodeId = 0;

/// The node of everything that is not remembered.
pub(super) const UNKNOWN: NodeId = u32::MAX;

/// What is known of the objects at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The keys, those of the views first.
    pub(super) edges: Vec<Edge>,
    /// The key that came first in the last object.
    pub(super) first: u32,
    /// Whether an object may hold another one of the same node.
    pub(super) recursive: bool,
    /// Values under keys that are not remembered.
    pub(super) overflow: u64,
}

/// A key of an object.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// The first 16 bytes of the key in its quotes, and which of them there are.
    words: [u64; 2],
    masks: [u64; 2],
    /// The key in its quotes.
    quoted: Box<[u8]>,
    /// The code of what is recorded; 0 for what is not. Where the key ends in a type it is that of a choice.
    pub(super) code: KeyCode,
    /// The code of the key as an element, from which those of its choices are made.
    pub(super) element: KeyCode,
    /// The node of the value.
    pub(super) child: NodeId,
    /// Whether the key is recorded.
    pub(super) recorded: bool,
    /// Whether choices of the key are recorded as well.
    pub(super) choices: bool,
    /// Whether a value here leaves the resource to the reference evaluator.
    pub(super) needs_fallback: bool,
    /// Whether no column reads this or anything below.
    pub(super) unread: bool,
    /// How often it came.
    pub(super) count: u64,
    /// The object it came in last.
    pub(super) object: u64,
    /// The key that came after it last.
    pub(super) follower: u32,
}

impl Edge {
    /// An edge that no view reads yet.
    pub(super) fn new(key: &str) -> Self {
        let quoted = format!("\"{key}\"").into_bytes();
        let mut padded = quoted.clone();
        padded.resize(padded.len().max(16), 0);
        let mask = |from: usize| -> u64 {
            let length = quoted.len().saturating_sub(from).min(8);
            if length == 8 {
                u64::MAX
            } else {
                (1 << (8 * length)) - 1
            }
        };
        Self {
            words: [load(&padded, 0), load(&padded, 8)],
            masks: [mask(0), mask(8)],
            quoted: quoted.into(),
            code: 0,
            element: 0,
            child: UNKNOWN,
            recorded: false,
            choices: false,
            needs_fallback: false,
            unread: true,
            count: 0,
            object: 0,
            follower: 0,
        }
    }

    /// The length of the key in its quotes.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.quoted.len()
    }

    /// The key.
    pub(super) fn key(&self) -> &[u8] {
        &self.quoted[1..self.quoted.len() - 1]
    }

    /// Whether the key, in its quotes, is at `at`, whose first words are given.
    #[inline]
    pub(super) fn is_at(&self, buffer: &[u8], at: usize, words: [u64; 2]) -> bool {
        (words[0] & self.masks[0]) == self.words[0]
            && (words[1] & self.masks[1]) == self.words[1]
            && (self.quoted.len() <= 16
                || buffer.get(at + 16..at + self.quoted.len()) == Some(&self.quoted[16..]))
    }
}

/// The graph.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The resource's node is the first.
    pub(super) nodes: Vec<Node>,
    /// The number of edges of all nodes, which is limited whatever the input.
    pub(super) edges: usize,
    /// One more than the highest number of an element's name.
    pub(super) elements: usize,
}

impl Shape {
    /// Adds a key that no view reads, or a choice of an element that a view reads, and returns its
    /// position in the node; `None` if no more keys are remembered.
    pub(super) fn learn(&mut self, node: NodeId, key: &str) -> Option<u32> {
        let known = self.nodes.get(node as usize)?;
        if self.edges >= MAX_EDGES || known.edges.len() >= MAX_EDGES_OF_NODE {
            return None;
        }
        let mut edge = Edge::new(key);
        for element in known.edges.iter().filter(|edge| edge.choices) {
            let name = std::str::from_utf8(element.key()).unwrap_or_default();
            if let Some(position) = choice_position(name, key) {
                edge.code = choice_of(element.element, position);
                edge.child = element.child;
                edge.recorded = element.recorded;
                edge.unread = element.unread;
                break;
            }
        }
        // The sibling of a primitive (`_birthDate`) holds its id and extensions.
        let beside = key
            .strip_prefix('_')
            .and_then(|bare| self.recorded(node, bare));
        if let Some(value) = beside {
            edge.needs_fallback = true;
            let read_below = self
                .nodes
                .get(value as usize)
                .is_some_and(|value| value.edges.iter().any(|edge| !edge.unread));
            if read_below {
                edge.child = value;
                edge.unread = false;
            }
        }
        self.edges += 1;
        let edges = &mut self.nodes.get_mut(node as usize)?.edges;
        edges.push(edge);
        u32::try_from(edges.len() - 1).ok()
    }

    /// The node below a key that is recorded, or a choice of one that is.
    fn recorded(&self, node: NodeId, key: &str) -> Option<NodeId> {
        let edges = self
            .nodes
            .get(node as usize)
            .map_or(&[][..], |node| &node.edges);
        let found = edges.iter().find(|edge| {
            let name = std::str::from_utf8(edge.key()).unwrap_or_default();
            edge.recorded && (name == key || edge.choices && choice_position(name, key).is_some())
        });
        found.map(|edge| edge.child)
    }

    /// The node of the value under an edge; made where nothing was below it yet.
    pub(super) fn child(&mut self, node: NodeId, edge: u32) -> NodeId {
        let next = u32::try_from(self.nodes.len()).unwrap_or(UNKNOWN);
        let found = self
            .nodes
            .get_mut(node as usize)
            .and_then(|node| node.edges.get_mut(edge as usize));
        match found {
            Some(edge) if edge.child == UNKNOWN && next != UNKNOWN => {
                edge.child = next;
                self.nodes.push(Node::default());
                next
            }
            Some(edge) => edge.child,
            None => UNKNOWN,
        }
    }

    /// The topmost paths that came and that no column reads, each with how often it came.
    pub(super) fn unread(&self) -> BTreeMap<String, u64> {
        let mut paths = BTreeMap::new();
        self.collect_unread(ROOT, "", &mut HashSet::new(), &mut paths);
        paths
    }

    /// Adds the unread paths below a node; `above` ends a graph that repeats.
    fn collect_unread(
        &self,
        node: NodeId,
        prefix: &str,
        above: &mut HashSet<NodeId>,
        paths: &mut BTreeMap<String, u64>,
    ) {
        let Some(found) = self.nodes.get(node as usize) else {
            return;
        };
        if !above.insert(node) {
            return;
        }
        if found.overflow > 0 {
            *paths.entry(format!("{prefix}*")).or_default() += found.overflow;
        }
        for edge in found.edges.iter().filter(|edge| edge.count > 0) {
            let path = format!("{prefix}{}", String::from_utf8_lossy(edge.key()));
            if edge.unread {
                *paths.entry(path).or_default() += edge.count;
            } else {
                self.collect_unread(edge.child, &format!("{path}."), above, paths);
            }
        }
        above.remove(&node);
    }

    /// Forgets all counts.
    pub(super) fn forget_counts(&mut self) {
        for node in &mut self.nodes {
            node.overflow = 0;
            for edge in &mut node.edges {
                edge.count = 0;
            }
        }
    }
}
