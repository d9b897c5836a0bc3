//! Rows that are kept by period: a newer body replaces those of its own periods, in whatever order and
//! in however many loads bodies come.

mod histories;
mod scene;

use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person, ResourceType};
use claimlake_loader::{
    AbsentResources, ForgetRequest, LoadError, LoadOptions, forget, known_resources, load,
    person_in_lake, read_manifest,
};

use crate::basic::request;
use crate::lake_rows::rows;
use crate::staged_runs::run_id;
use scene::{Says, body, changes, coverages, loads, months, stage, try_load, without};

#[test]
fn a_newer_body_of_another_year_leaves_a_year_and_one_of_the_same_year_replaces_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let first = loads(data, 1, &[body(1, 10, &[2021, 2022])]);
    assert_eq!((first.new, first.changed_resources), (1, 0));
    let second = loads(data, 2, &[body(1, 20, &[2022, 2023])]);
    assert_eq!(
        (
            second.new,
            second.changed_resources,
            second.superseded_bodies
        ),
        (0, 1, 0)
    );
    assert_eq!(months(data), ["c1 2021 10", "c1 2022 20", "c1 2023 20"]);
    assert_eq!(coverages(data), ["c1 20"]);
    assert_eq!(changes(data), ["c1 changed", "c1 new"]);
    // A body of no period takes the place of such a body alone.
    loads(data, 3, &[body(1, 30, &[0])]);
    loads(data, 4, &[body(1, 40, &[0, 2022])]);
    assert_eq!(
        months(data),
        ["c1 - 40", "c1 2021 10", "c1 2022 40", "c1 2023 20"]
    );
}

#[test]
fn an_older_body_that_comes_later_brings_its_own_year_and_the_change_is_listed() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    loads(data, 1, &[body(1, 30, &[2023]), body(2, 30, &[2023])]);
    let later = loads(data, 2, &[body(1, 20, &[2022]), body(2, 20, &[2023])]);
    assert_eq!(
        (later.new, later.changed_resources, later.superseded_bodies),
        (0, 0, 2)
    );
    assert_eq!(months(data), ["c1 2022 20", "c1 2023 30", "c2 2023 30"]);
    assert_eq!(coverages(data), ["c1 30", "c2 30"]);
    // Who follows the changes must read its rows again; its content is as before.
    assert_eq!(changes(data), ["c1 changed", "c1 new", "c2 new"]);
    let rows = rows(&data.join("lake"), "changes");
    let changed = rows.iter().find(|row| row["kind"] == "changed").unwrap();
    assert_eq!(changed["hash_before"], changed["hash_after"]);
}

#[test]
fn bodies_that_come_again_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let bodies = [
        body(1, 10, &[2021]),
        body(1, 20, &[2022]),
        body(2, 10, &[2021]),
        without(2, 20, Says::Nothing),
        body(3, 10, &[2021]),
        without(3, 0, Says::Gone),
    ];
    loads(data, 1, &bodies);
    for (number, full) in [(2, false), (3, true), (4, true)] {
        let again = try_load(data, number, &bodies, full).unwrap();
        assert!(!again.changed, "{again:?}");
    }
    assert_eq!(months(data), ["c1 2021 10", "c1 2022 20"]);
}

#[test]
fn a_resource_that_is_gone_or_makes_no_rows_loses_all_years() {
    for says in [Says::Gone, Says::Nothing] {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        loads(data, 1, &[body(1, 10, &[2021]), body(2, 10, &[2021])]);
        loads(data, 2, &[body(1, 20, &[2022])]);
        loads(data, 3, &[without(1, 30, says.clone())]);
        assert_eq!(months(data), ["c2 2021 10"], "{says:?}");
        let kinds = ["c1 changed", "c1 new", "c1 vanished", "c2 new"];
        assert_eq!(changes(data), kinds, "{says:?}");
        // What comes after that is of its own years alone.
        let back = loads(data, 4, &[body(1, 40, &[2022])]);
        assert_eq!((back.new, back.gone, back.left_out), (1, 0, 0));
        assert_eq!(months(data), ["c1 2022 40", "c2 2021 10"], "{says:?}");
        // A body that is older than the one without rows does not come back, whatever its year.
        loads(data, 5, &[body(1, 25, &[2020])]);
        let mut all = vec!["c1 2022 40", "c2 2021 10"];
        if says == Says::Gone {
            all.insert(0, "c1 2020 25");
        }
        assert_eq!(months(data), all, "{says:?}");
    }
}

#[test]
fn the_keys_of_years_are_no_resources_and_are_forgotten_with_their_patient() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let ended = without(2, 20, Says::Nothing);
    loads(
        data,
        1,
        &[body(1, 10, &[2021, 2022]), body(2, 10, &[2021]), ended],
    );
    let known = || {
        let snapshot = data.join("lake/current");
        let mut known = Vec::new();
        let manifest = read_manifest(&snapshot).unwrap();
        known_resources(&snapshot, &manifest, |found, _| {
            known.push(format!("{} {}", found.resource_type, found.resource_id));
        })
        .unwrap();
        known.sort();
        (known, manifest.keys.unwrap().rows)
    };
    let both = ["Coverage c1".to_owned(), "Coverage c2".to_owned()];
    assert_eq!(known(), (both.to_vec(), 5));
    // Named by itself, without its patient.
    let named = (ApiVersion::V2, ResourceType::coverage(), "c1".to_owned());
    let nobody = Person::default();
    let found = person_in_lake(&data.join("lake"), &nobody, &[named]).unwrap();
    assert_eq!((found.resources, found.rows["coverage_month"]), (1, 2));
    let person = Person {
        ids: [(ApiVersion::V2, PatientId::new("p1"))].into(),
        ..Person::default()
    };
    let request = ForgetRequest {
        lake: data.join("lake"),
        person,
        resources: Vec::new(),
        run: run_id(2),
        options: LoadOptions::default(),
        published_at: "2026-01-01T00:00:02Z".to_owned(),
    };
    forget(&request, &NoProgress).unwrap();
    assert_eq!(known(), (Vec::new(), 0));
    assert!(months(data).is_empty());
}

#[test]
fn a_year_that_landing_has_lost_refuses_a_full_load_and_other_rules_do_not() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    loads(data, 1, &[body(1, 10, &[2021]), body(1, 20, &[2022])]);
    let lost = [body(1, 20, &[2022])];
    let refused = try_load(data, 2, &lost, true);
    assert!(matches!(refused, Err(LoadError::Absent { missing: 1 })));
    let staged = stage(data, 3, &lost, true, "view");
    let mut asked = request(&data.join("lake"), 3, &[staged]);
    asked.options.absent = AbsentResources::Drop;
    let dropped = load(&asked, &NoProgress).unwrap();
    assert_eq!((dropped.dropped, dropped.unchanged), (0, 1));
    assert_eq!(months(data), ["c1 2022 20"]);
    assert_eq!(changes(data), ["c1 changed", "c1 new"]);
    // Another view finds other years in the same bodies.
    let staged = stage(data, 4, &[body(1, 20, &[])], true, "other");
    load(&request(&data.join("lake"), 4, &[staged]), &NoProgress).unwrap();
    assert!(months(data).is_empty());
}

#[test]
fn a_rebuild_of_damaged_keys_finds_no_news_in_years_and_in_their_ends() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let bodies = [
        body(1, 10, &[2021]),
        body(1, 20, &[2022]),
        body(2, 10, &[2021]),
        without(2, 20, Says::Nothing),
    ];
    loads(data, 1, &bodies);
    let keys = data.join("lake/current/keys/keys.arrow");
    let whole = std::fs::read(&keys).unwrap();
    std::fs::write(&keys, &whole[..whole.len() / 2]).unwrap();
    let staged = stage(data, 2, &bodies, true, "view");
    let mut rebuild = request(&data.join("lake"), 2, &[staged]);
    rebuild.options.rebuild = true;
    let rebuilt = load(&rebuild, &NoProgress).unwrap();
    assert_eq!(
        (rebuilt.new, rebuilt.changed_resources, rebuilt.unchanged),
        (0, 0, 1)
    );
    assert_eq!(months(data), ["c1 2021 10", "c1 2022 20"]);
    assert_eq!(changes(data), ["c1 new"]);
    // Older bodies of an ended year stay out, as the keys say again.
    loads(data, 3, &[body(2, 15, &[2020]), body(1, 5, &[2020])]);
    assert_eq!(months(data), ["c1 2020 5", "c1 2021 10", "c1 2022 20"]);
}
