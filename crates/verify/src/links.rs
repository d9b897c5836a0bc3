//! Links within one ExplanationOfBenefit: sequence pointers of lines, and '#' references.

use crate::raw::{Name, Outline, Tree, local_references};

/// A line's pointer array and the array whose `sequence` it points to (FHIR R4, EOB.item).
const POINTERS: [(&str, &str); 4] = [
    ("diagnosisSequence", "diagnosis"),
    ("careTeamSequence", "careTeam"),
    ("procedureSequence", "procedure"),
    ("informationSequence", "supportingInfo"),
];

/// The links of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Pointers and references looked at.
    pub(crate) checked: u64,
    /// Those that lead nowhere.
    pub(crate) broken: u64,
    /// The JSON path of the first broken one's array.
    pub(crate) first_broken: Option<&'static str>,
}

impl Links {
    fn look(&mut self, resolves: bool, path: &'static str) {
        self.checked += 1;
        if !resolves {
            self.broken += 1;
            self.first_broken.get_or_insert(path);
        }
    }
}

/// Where links stand.
#[derive(Debug, Clone)]
pub(crate) struct LinkPaths {
    /// A pointer's name, its path, and the path of what it points to.
    pointers: Vec<(&'static str, Vec<Name>, Vec<Name>)>,
    contained: Vec<Name>,
}

impl LinkPaths {
    /// Asks `outline` for all that links are made of.
    pub(crate) fn new(outline: &mut Outline) -> Self {
        let mut want = |path: [&str; 2]| outline.want(Outline::ROOT, &path).1;
        Self {
            pointers: POINTERS
                .iter()
                .map(|(pointer, target)| {
                    (
                        *pointer,
                        want(["item", pointer]),
                        want([target, "sequence"]),
                    )
                })
                .collect(),
            contained: want(["contained", "id"]),
        }
    }

    /// Follows every link of an ExplanationOfBenefit.
    pub(crate) fn follow(&self, eob: &Tree, text: &[u8]) -> Links {
        let mut links = Links::default();
        let mut sequences: Vec<&[u8]> = Vec::new();
        for (pointer, from, to) in &self.pointers {
            sequences.clear();
            eob.each(Tree::ROOT, to, &mut |found| {
                sequences.push(eob.raw(found, text));
            });
            sequences.sort_unstable();
            eob.each(Tree::ROOT, from, &mut |pointed| {
                let resolves = sequences.binary_search(&eob.raw(pointed, text)).is_ok();
                links.look(resolves, pointer);
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

    use super::LinkPaths;
    use crate::raw::{Outline, Tree};

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
        let mut outline = Outline::new();
        let paths = LinkPaths::new(&mut outline);
        let (mut tree, text) = (Tree::default(), eob.to_string());
        tree.read(&outline, text.as_bytes()).unwrap();
        let links = paths.follow(&tree, text.as_bytes());
        assert_eq!((links.checked, links.broken), (6, 3));
        assert_eq!(links.first_broken, Some("diagnosisSequence"));
    }
}
