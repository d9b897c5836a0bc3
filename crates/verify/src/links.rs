//! Links within one ExplanationOfBenefit: sequence pointers of lines, and '#' references.
//!
//! They are read from the landed body, so a link without a target was sent like that.

use claimlake_fhir::claim_links::{CONTAINED_ID, SEQUENCE_POINTERS};

use crate::raw::{Name, Outline, Tree, local_references};

/// The links of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Pointers and references looked at.
    pub(crate) checked: u64,
    /// Links without a target.
    pub(crate) broken: u64,
    /// The JSON path of the first broken one's array.
    pub(crate) first_broken: Option<&'static str>,
    /// Sequences that pointers may refer to.
    pub(crate) sequences: u64,
    /// Sequences that an earlier element has already: a pointer to one has several targets.
    pub(crate) repeated: u64,
    /// The array of the first repeated one.
    pub(crate) first_repeated: Option<&'static str>,
}

impl Links {
    fn look(&mut self, resolves: bool, path: &'static str) {
        self.checked += 1;
        if !resolves {
            self.broken += 1;
            self.first_broken.get_or_insert(path);
        }
    }

    fn count_repeated(&mut self, sorted: &[&[u8]], target: &'static str) {
        let neighbours = sorted.iter().zip(sorted.iter().skip(1));
        let repeated = neighbours.filter(|(one, next)| one == next).count() as u64;
        self.sequences += sorted.len() as u64;
        self.repeated += repeated;
        if repeated > 0 {
            self.first_repeated.get_or_insert(target);
        }
    }
}

#[derive(Debug, Clone)]
struct Pointer {
    name: &'static str,
    /// The array that it points into.
    target: &'static str,
    from: Vec<Name>,
    to: Vec<Name>,
}

/// The paths of links.
#[derive(Debug, Clone)]
pub(crate) struct LinkPaths {
    pointers: Vec<Pointer>,
    contained: Vec<Name>,
}

impl LinkPaths {
    /// Extends `outline` by all members that links consist of.
    pub(crate) fn new(outline: &mut Outline) -> Self {
        let mut want = |path: [&str; 2]| outline.want(Outline::ROOT, &path).1;
        Self {
            pointers: SEQUENCE_POINTERS
                .iter()
                .map(|(name, target)| Pointer {
                    name,
                    target,
                    from: want(["item", name]),
                    to: want([target, "sequence"]),
                })
                .collect(),
            contained: want(CONTAINED_ID),
        }
    }

    /// Follows every link of an ExplanationOfBenefit.
    pub(crate) fn follow(&self, eob: &Tree, text: &[u8]) -> Links {
        let mut links = Links::default();
        let mut sequences: Vec<&[u8]> = Vec::new();
        for pointer in &self.pointers {
            sequences.clear();
            eob.each(Tree::ROOT, &pointer.to, &mut |found| {
                sequences.push(eob.raw(found, text));
            });
            sequences.sort_unstable();
            links.count_repeated(&sequences, pointer.target);
            eob.each(Tree::ROOT, &pointer.from, &mut |pointed| {
                let resolves = sequences.binary_search(&eob.raw(pointed, text)).is_ok();
                links.look(resolves, pointer.name);
            });
        }
        let mut contained = Vec::new();
        eob.each(Tree::ROOT, &self.contained, &mut |id| {
            contained.extend(eob.string(id, text));
        });
        contained.sort_unstable();
        local_references(text, &mut |id| {
            let id = id.trim_start_matches('#');
            let resolves = contained.binary_search_by(|known| known.as_ref().cmp(id));
            links.look(resolves.is_ok(), "reference");
        });
        links
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LinkPaths, Links};
    use crate::raw::{Outline, Tree};

    fn follow(eob: &serde_json::Value) -> Links {
        let mut outline = Outline::new();
        let paths = LinkPaths::new(&mut outline);
        let (mut tree, text) = (Tree::default(), eob.to_string());
        tree.read(&outline, text.as_bytes()).unwrap();
        paths.follow(&tree, text.as_bytes())
    }

    #[test]
    fn pointers_and_local_references_are_followed() {
        let eob = json!({
            "contained": [{"id": "line-observation-6"}],
            "diagnosis": [{"sequence": 1}, {"sequence": 2}],
            "item": [
                {"diagnosisSequence": [1, 2]},
                {"diagnosisSequence": [3], "careTeamSequence": [1]},
            ],
            "supportingInfo": [
                {"valueReference": {"reference": "#line-observation-6"}},
                {"valueReference": {"reference": "#gone"}},
                {"valueReference": {"reference": "Patient/1"}},
            ],
        });
        let links = follow(&eob);
        assert_eq!((links.checked, links.broken), (6, 3));
        assert_eq!(links.first_broken, Some("diagnosisSequence"));
        assert_eq!((links.sequences, links.repeated), (2, 0));
    }

    #[test]
    fn a_sequence_that_two_elements_have_is_counted_once_in_its_own_array() {
        let eob = json!({
            "diagnosis": [{"sequence": 1}, {"sequence": 2}, {"sequence": 1}],
            "careTeam": [{"sequence": 1}, {"sequence": 3}, {"sequence": 3}],
            "procedure": [{"sequence": 1}],
            "item": [{"diagnosisSequence": [1], "careTeamSequence": [3]}],
        });
        let links = follow(&eob);
        assert_eq!((links.sequences, links.repeated), (7, 2));
        assert_eq!(links.first_repeated, Some("diagnosis"));
        assert_eq!((links.checked, links.broken), (2, 0));
    }
}
