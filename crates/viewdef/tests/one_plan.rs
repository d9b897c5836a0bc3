//! All views of a pipeline in one plan say what each says alone: they share keys, filters and what is
//! remembered of a resource.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::definition::ViewDefinition;
use serde_json::{Value, json};
use support::damage::Damage;
use support::engines::differences_of_plan;
use support::{pipeline_views, real_bodies};

#[test]
fn all_views_of_a_resource_type_in_one_plan_agree_with_each_alone() {
    let Some(bodies) = real_bodies() else { return };
    let views = pipeline_views();
    let mut damage = Damage::seeded(21);
    let damaged: Vec<Value> = bodies.iter().map(|body| damage.applied(body, 3)).collect();
    for resource in ["ExplanationOfBenefit", "Coverage", "Patient"] {
        let of_type: Vec<_> = views
            .iter()
            .filter(|(_, view)| view.resource == resource)
            .map(|(name, view)| (name.clone(), view.clone()))
            .collect();
        for (bodies, is_whole) in [(&bodies, true), (&damaged, false)] {
            let (compared, are_fast, differences) = differences_of_plan(&of_type, bodies);
            assert!(differences.is_empty(), "{resource}: {}", differences[0]);
            assert!(compared > 0, "{resource}");
            assert!(
                !is_whole || are_fast == compared,
                "{resource}: {are_fast} of {compared}"
            );
        }
    }
}

/// `usedMoney` is a member of one view and a choice of `used` in the other.
#[test]
fn a_key_that_is_a_member_and_a_choice_is_both() {
    let resource = json!({"resourceType": "Patient", "id": "p", "list": [
        {"usedMoney": {"value": 1.5}}, {"usedQuantity": {"value": 2}}]});
    let paths = ["usedMoney.value", "used.ofType(Money).value", "used.value"];
    let views: Vec<(String, ViewDefinition)> = paths
        .iter()
        .map(|path| {
            let view = json!({"resource": "Patient", "select": [{"forEach": "list",
                "column": [{"name": "c", "path": path, "type": "decimal"}]}]});
            (path.to_string(), ViewDefinition::from_json(&view).unwrap())
        })
        .collect();
    for pair in [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]] {
        let both = pair.map(|at| views[at].clone());
        let (compared, are_fast, differences) =
            differences_of_plan(&both, std::slice::from_ref(&resource));
        assert_eq!((compared, are_fast), (1, 1), "{pair:?}");
        assert!(differences.is_empty(), "{pair:?}: {}", differences[0]);
    }
}
