//! Links within one ExplanationOfBenefit: sequence pointers of lines, and '#' references.

use std::collections::HashSet;

use serde_json::Value;

use crate::grain::elements_at;

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

/// Follows every link of `eob`.
pub(crate) fn links_of(eob: &Value) -> Links {
    let mut links = Links::default();
    for (pointer, target) in POINTERS {
        let sequences: HashSet<String> = elements_at(eob, &[target, "sequence"])
            .into_iter()
            .map(Value::to_string)
            .collect();
        for pointed in elements_at(eob, &["item", pointer]) {
            links.look(sequences.contains(&pointed.to_string()), pointer);
        }
    }
    let contained: HashSet<&str> = elements_at(eob, &["contained", "id"])
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    visit_references(eob, &mut |reference| {
        if let Some(id) = reference.strip_prefix('#') {
            links.look(contained.contains(id.trim_start_matches('#')), "reference");
        }
    });
    links
}

fn visit_references<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str)) {
    match value {
        Value::Array(list) => list
            .iter()
            .for_each(|element| visit_references(element, visit)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "reference" => visit(text),
                    other => visit_references(other, visit),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::links_of;

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
        let links = links_of(&eob);
        assert_eq!((links.checked, links.broken), (6, 3));
        assert_eq!(links.first_broken, Some("diagnosisSequence"));
    }
}
