//! The looked-at members of one resource.

use std::borrow::Cow;

use super::outline::{Name, Outline, Spot};
use super::scan::{next, string_end, value_end};

/// A value of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Leaf,
    Object,
    Array,
}

/// A value with all within it up to `next`, the node behind them.
#[derive(Debug, Clone, Copy)]
struct Node {
    name: u16,
    kind: Kind,
    start: u32,
    end: u32,
    next: u32,
}

/// The name of what is no member.
const NO_NAME: u16 = u16::MAX;

/// Values in the order of the text; the buffer is used again for the next resource.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    needs_fallback: bool,
}

impl Tree {
    /// The resource.
    pub(crate) const ROOT: NodeId = NodeId(0);

    /// Reads the members of `outline` from the object `text`; `None` if it is not an object.
    pub(crate) fn read(&mut self, outline: &Outline, text: &[u8]) -> Option<()> {
        self.nodes.clear();
        self.needs_fallback = false;
        self.value(outline, Outline::ROOT, text, 0, NO_NAME)?;
        Some(())
    }

    /// Whether the arrays alone do not decide how many elements there are: an array contains a
    /// null, a member has a companion (`_item`), or a name is written with escapes. FHIR does not
    /// use these for elements that make rows.
    pub(crate) fn needs_fallback(&self) -> bool {
        self.needs_fallback
    }

    fn value(
        &mut self,
        outline: &Outline,
        spot: Spot,
        text: &[u8],
        start: usize,
        name: u16,
    ) -> Option<usize> {
        let position = self.nodes.len();
        let first = *text.get(start)?;
        let kind = match first {
            // FHIR has no arrays in arrays; what looks like one is one value.
            b'[' if name != NO_NAME => Kind::Array,
            b'{' => Kind::Object,
            b'n' => Kind::Null,
            _ => Kind::Leaf,
        };
        self.nodes.push(Node {
            name,
            kind,
            start: u32::try_from(start).ok()?,
            end: 0,
            next: 0,
        });
        let end = match kind {
            Kind::Array => self.elements(outline, spot, text, start + 1),
            Kind::Object if !outline.is_leaf(spot) => self.members(outline, spot, text, start + 1),
            _ => value_end(text, start),
        }?;
        let behind = u32::try_from(self.nodes.len()).ok()?;
        let node = self.nodes.get_mut(position)?;
        node.end = u32::try_from(end).ok()?;
        node.next = behind;
        Some(end)
    }

    /// Reads the elements of the array that `at` lies within; one after its end.
    fn elements(&mut self, outline: &Outline, spot: Spot, text: &[u8], at: usize) -> Option<usize> {
        let (mut byte, mut at) = next(text, at)?;
        if byte == b']' {
            return Some(at + 1);
        }
        loop {
            self.needs_fallback |= text.get(at) == Some(&b'n');
            at = self.value(outline, spot, text, at, NO_NAME)?;
            (byte, at) = next(text, at)?;
            match byte {
                b',' => (_, at) = next(text, at + 1)?,
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Reads the members of the object that `at` lies within; one after its end.
    fn members(&mut self, outline: &Outline, spot: Spot, text: &[u8], at: usize) -> Option<usize> {
        let (mut byte, mut at) = next(text, at)?;
        if byte == b'}' {
            return Some(at + 1);
        }
        loop {
            if byte != b'"' {
                return None;
            }
            let found = outline.find(spot, text, at + 1);
            let key_end = match found {
                Some((_, _, end)) => end,
                None => {
                    let end = string_end(text, at + 1)?;
                    let name = text.get(at + 1..end).unwrap_or_default();
                    let is_companion =
                        name.starts_with(b"_") && outline.find(spot, text, at + 2).is_some();
                    self.needs_fallback |= is_companion || memchr::memchr(b'\\', name).is_some();
                    end
                }
            };
            (byte, at) = next(text, key_end)?;
            if byte != b':' {
                return None;
            }
            (_, at) = next(text, at + 1)?;
            at = match found {
                Some((name, spot, _)) => self.value(outline, spot, text, at, name.0)?,
                None => value_end(text, at)?,
            };
            (byte, at) = next(text, at)?;
            match byte {
                b',' => (byte, at) = next(text, at + 1)?,
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Calls `visit` with each element at a path below `focus`, arrays opened on the way
    /// (FHIRPath, section 5.1).
    pub(crate) fn each(&self, focus: NodeId, path: &[Name], visit: &mut dyn FnMut(NodeId)) {
        let Some(node) = self.nodes.get(focus.0) else {
            return;
        };
        match node.kind {
            Kind::Null => {}
            Kind::Array => {
                for element in self.children(focus) {
                    self.below(element, path, visit);
                }
            }
            _ => self.below(focus, path, visit),
        }
    }

    fn below(&self, value: NodeId, path: &[Name], visit: &mut dyn FnMut(NodeId)) {
        let Some((name, rest)) = path.split_first() else {
            return visit(value);
        };
        if self.nodes.get(value.0).map(|node| node.kind) != Some(Kind::Object) {
            return;
        }
        for member in self.children(value) {
            if self
                .nodes
                .get(member.0)
                .is_some_and(|node| node.name == name.0)
            {
                self.each(member, rest, visit);
            }
        }
    }

    fn children(&self, of: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.nodes.get(of.0).map_or(0, |node| node.next as usize);
        let mut behind = of.0 + 1;
        std::iter::from_fn(move || {
            let child = behind;
            behind = self.nodes.get(child)?.next as usize;
            (child < end).then_some(NodeId(child))
        })
    }

    /// The first element at a path.
    pub(crate) fn first(&self, focus: NodeId, path: &[Name]) -> Option<NodeId> {
        let mut first = None;
        self.each(focus, path, &mut |found| {
            first.get_or_insert(found);
        });
        first
    }

    /// A value as it is written in the text.
    pub(crate) fn raw<'t>(&self, value: NodeId, text: &'t [u8]) -> &'t [u8] {
        self.nodes
            .get(value.0)
            .and_then(|node| text.get(node.start as usize..node.end as usize))
            .unwrap_or_default()
    }

    /// The text of a string; `None` if the value is something else.
    pub(crate) fn string<'t>(&self, value: NodeId, text: &'t [u8]) -> Option<Cow<'t, str>> {
        let raw = self.raw(value, text);
        let plain = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if memchr::memchr(b'\\', plain).is_some() {
            return serde_json::from_slice(raw).ok().map(Cow::Owned);
        }
        std::str::from_utf8(plain).ok().map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outline, Tree};

    #[test]
    fn only_what_is_asked_for_is_found_and_arrays_open_on_the_way() {
        let text = br#"{"x":{"a":[9]},"a":[{"b":[{"c":1},{"c":2,"d":3}]},{"b":{"c":null}},null,{"b":{"c":[4,null]}}]}"#;
        let mut outline = Outline::new();
        let (a, path_a) = outline.want(Outline::ROOT, &["a"]);
        let (_, path_bc) = outline.want(a, &["b", "c"]);
        let mut tree = Tree::default();
        tree.read(&outline, text).unwrap();
        let found = |path: &[_]| {
            let mut found = Vec::new();
            tree.each(Tree::ROOT, path, &mut |node| {
                found.push(String::from_utf8_lossy(tree.raw(node, text)).into_owned());
            });
            found
        };
        let path: Vec<_> = path_a.iter().chain(&path_bc).copied().collect();
        assert_eq!(found(&path), ["1", "2", "4", "null"]);
        assert_eq!(found(&path_a).len(), 4, "a null in an array is an element");
        assert_eq!(tree.read(&outline, b"[]"), Some(()));
        assert_eq!(tree.read(&outline, br#"{"a": "#), None);
    }

    #[test]
    fn what_arrays_alone_do_not_count_is_odd() {
        let mut outline = Outline::new();
        outline.want(Outline::ROOT, &["item", "note"]);
        let mut tree = Tree::default();
        let cases = [
            (
                r#"{"item":[{"note":[1]},{}],"_x":1,"x":[null],"item2":null}"#,
                false,
            ),
            (r#"{"item":null}"#, false),
            (r#"{"item":[null,{}]}"#, true),
            (r#"{"item":{"note":[1, null]}}"#, true),
            (r#"{"_item":[{}]}"#, true),
            (r#"{"item":[{"_note":[]}]}"#, true),
            (r#"{"it\u0065m":[{}]}"#, true),
        ];
        for (text, expected) in cases {
            tree.read(&outline, text.as_bytes()).unwrap();
            assert_eq!(tree.needs_fallback(), expected, "{text}");
        }
    }

    #[test]
    fn strings_are_unescaped_and_numbers_are_none() {
        let text = br#"{"a":"x\u0041","b":1,"c":"y"}"#;
        let mut outline = Outline::new();
        let mut tree = Tree::default();
        let names: Vec<_> = ["a", "b", "c"]
            .map(|name| outline.want(Outline::ROOT, &[name]).1)
            .into_iter()
            .collect();
        tree.read(&outline, text).unwrap();
        let string = |at: usize| {
            let node = tree.first(Tree::ROOT, &names[at]).unwrap();
            tree.string(node, text).map(|text| text.into_owned())
        };
        assert_eq!(
            [string(0), string(1), string(2)],
            [Some("xA".into()), None, Some("y".into())]
        );
    }
}
