//! A shape while views are compiled into it: two nodes may turn out to be the same.
//!
//! A `repeat` makes a node that is below itself, and a choice read by its element (`value`) and by
//! its key (`valueQuantity`) must read the same below both. Nodes are therefore merged and copied
//! until nothing changes, and numbered only then.

use std::collections::{BTreeMap, HashSet};

use super::keys::Keys;
use super::shape::{Edge, Node, NodeId, ROOT, Shape, UNKNOWN};
use crate::fhirpath::choice_position;

/// What copies may add to the nodes that views step through.
const MAX_COPIES: usize = 1 << 12;

/// Nodes and keys as far as they are known.
#[derive(Debug)]
pub(super) struct ShapeBuilder {
    /// By position; a merged node keeps its place.
    nodes: Vec<Draft>,
    /// From this many nodes on, a node is merged with another one instead of being copied.
    most_nodes: usize,
    /// The numbers of the keys.
    pub(super) keys: Keys,
}

/// A node as far as it is known.
#[derive(Debug, Default)]
struct Draft {
    /// The node that this one became.
    merged_into: Option<usize>,
    /// Its keys.
    edges: Vec<DraftEdge>,
    /// Whether a column contains values from here.
    read: bool,
}

/// A key of a node, with what the finished edge will know.
#[derive(Debug, Clone)]
struct DraftEdge {
    /// The key as it is written in JSON.
    key: String,
    /// The node below it, before merging.
    child: usize,
    /// Whether its choices are read like itself.
    choices: bool,
    /// Whether only the reference evaluator knows what a value here means.
    needs_fallback: bool,
}

impl ShapeBuilder {
    /// A graph of the resource alone.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Draft::default()],
            most_nodes: usize::MAX,
            keys: Keys::default(),
        }
    }

    /// The node that a node was merged into.
    fn find(&self, node: usize) -> usize {
        let mut node = node;
        while let Some(into) = self.nodes[node].merged_into {
            node = into;
        }
        node
    }

    /// The node below a key; made where there is none.
    pub(super) fn step(&mut self, node: usize, key: &str) -> usize {
        let node = self.find(node);
        if let Some(edge) = self.nodes[node].edges.iter().find(|edge| edge.key == key) {
            return self.find(edge.child);
        }
        let child = self.nodes.len();
        self.nodes.push(Draft::default());
        self.nodes[node].edges.push(DraftEdge {
            key: key.to_owned(),
            child,
            choices: false,
            needs_fallback: false,
        });
        child
    }

    /// The edge of a key; made where there is none.
    fn edge(&mut self, node: usize, key: &str) -> Option<&mut DraftEdge> {
        self.step(node, key);
        let node = self.find(node);
        self.nodes[node]
            .edges
            .iter_mut()
            .find(|edge| edge.key == key)
    }

    /// The node below a key or any choice of it.
    pub(super) fn step_any_choice(&mut self, node: usize, name: &str) -> usize {
        if let Some(edge) = self.edge(node, name) {
            edge.choices = true;
        }
        self.step(node, name)
    }

    /// A value under this key leaves the resource to the reference evaluator.
    pub(super) fn set_needs_fallback(&mut self, node: usize, key: &str) {
        if let Some(edge) = self.edge(node, key) {
            edge.needs_fallback = true;
        }
    }

    /// Records that a column contains the value of this node.
    pub(super) fn set_read(&mut self, node: usize) {
        let node = self.find(node);
        self.nodes[node].read = true;
    }

    /// Makes two nodes one.
    pub(super) fn merge(&mut self, one: usize, other: usize) -> usize {
        let (one, other) = (self.find(one), self.find(other));
        if one == other {
            return one;
        }
        let draft = std::mem::take(&mut self.nodes[other]);
        self.nodes[other].merged_into = Some(one);
        let into = self.find(one);
        self.nodes[into].read |= draft.read;
        for edge in draft.edges {
            let into = self.find(one);
            let known = self.nodes[into]
                .edges
                .iter_mut()
                .find(|known| known.key == edge.key);
            match known {
                Some(known) => {
                    known.choices |= edge.choices;
                    known.needs_fallback |= edge.needs_fallback;
                    let child = known.child;
                    self.merge(child, edge.child);
                }
                None => self.nodes[into].edges.push(edge),
            }
        }
        self.find(one)
    }

    /// What is read through an element is read through each of its choices as well.
    fn spread_choices(&mut self) {
        self.most_nodes = self.nodes.len() + MAX_COPIES;
        let mut done = HashSet::new();
        loop {
            let mut pair = None;
            'search: for (index, node) in self.nodes.iter().enumerate() {
                for element in node.edges.iter().filter(|edge| edge.choices) {
                    for edge in &node.edges {
                        let (from, to) = (self.find(element.child), self.find(edge.child));
                        if from != to
                            && choice_position(&element.key, &edge.key).is_some()
                            && !done.contains(&(index, edge.key.clone()))
                        {
                            pair = Some((index, edge.key.clone(), from, to));
                            break 'search;
                        }
                    }
                }
            }
            let Some((index, key, from, to)) = pair else {
                return;
            };
            done.insert((index, key));
            self.copy_into(from, to, &mut HashSet::new(), &mut Vec::new());
        }
    }

    /// `above` is what is being copied at the moment, and into what: where that comes again, a view
    /// repeats, and the copy is made to do so, too.
    fn copy_into(
        &mut self,
        from: usize,
        to: usize,
        done: &mut HashSet<(usize, usize)>,
        above: &mut Vec<(usize, usize)>,
    ) {
        let (from, to) = (self.find(from), self.find(to));
        if from == to || !done.insert((from, to)) {
            return;
        }
        if self.nodes.len() > self.most_nodes {
            // A view may repeat through its own choices without end: more is recorded than is read.
            self.merge(from, to);
            return;
        }
        above.push((from, to));
        self.nodes[to].read |= self.nodes[from].read;
        for edge in self.nodes[from].edges.clone() {
            let child = self.step(to, &edge.key);
            if let Some(copy) = self.edge(to, &edge.key) {
                copy.choices |= edge.choices;
                copy.needs_fallback |= edge.needs_fallback;
            }
            let original = self.find(edge.child);
            let again = above
                .iter()
                .find(|(from, to)| self.find(*from) == original || self.find(*to) == original);
            match again {
                Some((_, copy)) => {
                    let copy = *copy;
                    self.merge(copy, child);
                }
                None => self.copy_into(edge.child, child, done, above),
            }
        }
        above.pop();
    }

    /// The finished graph.
    pub(super) fn finish(mut self) -> Shape {
        self.spread_choices();
        let mut order = vec![self.find(0)];
        let mut ids: BTreeMap<usize, NodeId> = BTreeMap::from([(order[0], ROOT)]);
        let mut next = 0;
        while next < order.len() {
            for edge in self.nodes[order[next]].edges.clone() {
                let child = self.find(edge.child);
                ids.entry(child).or_insert_with(|| {
                    order.push(child);
                    u32::try_from(order.len() - 1).unwrap_or(UNKNOWN)
                });
            }
            next += 1;
        }
        let reaches_read: HashSet<usize> = order
            .iter()
            .copied()
            .filter(|node| self.reaches(*node, |draft| draft.read))
            .collect();
        let mut edges = 0;
        let mut nodes = Vec::with_capacity(order.len());
        for node in &order {
            let mut finished = Node {
                recursive: self.is_below_itself(*node),
                ..Node::default()
            };
            for draft in self.nodes[*node].edges.clone() {
                let child = self.find(draft.child);
                let mut edge = Edge::new(&draft.key);
                edge.element = self.keys.element(&draft.key);
                edge.code = self.keys.code(&draft.key);
                edge.child = ids.get(&child).copied().unwrap_or(UNKNOWN);
                edge.recorded = true;
                edge.choices = draft.choices;
                edge.needs_fallback = draft.needs_fallback;
                edge.unread = !reaches_read.contains(&child);
                edges += 1;
                finished.edges.push(edge);
            }
            nodes.push(finished);
        }
        Shape {
            nodes,
            edges,
            elements: self.keys.elements(),
        }
    }

    /// Whether a node or any node below it is wanted.
    fn reaches(&self, node: usize, wanted: impl Fn(&Draft) -> bool) -> bool {
        let mut open = vec![node];
        let mut seen = HashSet::new();
        while let Some(node) = open.pop() {
            if !seen.insert(node) {
                continue;
            }
            if wanted(&self.nodes[node]) {
                return true;
            }
            open.extend(
                self.nodes[node]
                    .edges
                    .iter()
                    .map(|edge| self.find(edge.child)),
            );
        }
        false
    }

    /// Whether an object of the node may contain another one of it.
    fn is_below_itself(&self, node: usize) -> bool {
        self.nodes[node]
            .edges
            .iter()
            .any(|edge| self.is_reachable(self.find(edge.child), node))
    }

    /// Whether a node is another one or below it.
    fn is_reachable(&self, from: usize, to: usize) -> bool {
        let mut open = vec![from];
        let mut seen = HashSet::new();
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            if seen.insert(node) {
                open.extend(
                    self.nodes[node]
                        .edges
                        .iter()
                        .map(|edge| self.find(edge.child)),
                );
            }
        }
        false
    }
}
