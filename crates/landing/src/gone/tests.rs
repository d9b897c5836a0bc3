use std::ops::ControlFlow;

use claimlake_contract::{
    ApiVersion, GrantHandle, IdHash, LandingLayout, LandingOrigin, LandingPatient, NoProgress,
    PatientId, PatientState, ResourceType, RunId,
};
use claimlake_fhir::{id_hash, quoted_id};

use super::Gone;
use crate::{LandingWriter, WriterOptions, import, lines_of_patient, sealed_runs};

fn run(number: u32) -> RunId {
    format!("20261123T164012.345Z-{number:04x}")
        .parse()
        .unwrap()
}

fn hash(id: &str) -> IdHash {
    id_hash(format!("\"{id}\"").as_bytes())
}

fn line(id: &str) -> String {
    // The first `id` is not the resource's.
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","item":[{{"id":"x"}}],"id":"{id}","use":"claim"}}"#
    )
}

/// A person, what landed, and what was no longer found.
type Read<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

struct Zone {
    folder: tempfile::TempDir,
    layout: LandingLayout,
}

impl Zone {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = LandingLayout::in_data(&folder.path().join("data"));
        Self { folder, layout }
    }

    fn import(&self, number: u32, ids: &[&str]) {
        let input = self.folder.path().join("in.ndjson");
        let lines: Vec<String> = ids.iter().map(|id| line(id)).collect();
        std::fs::write(&input, lines.join("\n")).unwrap();
        let api = Some(ApiVersion::V2);
        import(&[input], api, &self.layout, &run(number), &NoProgress).unwrap();
    }

    fn extract(&self, number: u32, ids: &[&str], gone: &[&str]) {
        self.extract_people(number, &[("-1", ids, gone)]);
    }

    fn extract_people(&self, number: u32, people: &[Read<'_>]) {
        let eob = ResourceType::explanation_of_benefit();
        let mut writer = LandingWriter::create(
            &self.layout,
            ApiVersion::V2,
            &eob,
            &run(number),
            LandingOrigin::Extract,
            WriterOptions::default(),
        )
        .unwrap();
        let mut patients = Vec::new();
        for (patient, ids, gone) in people {
            let mut frames = Vec::new();
            if !ids.is_empty() {
                let text: String = ids.iter().map(|id| line(id) + "\n").collect();
                let frame = writer
                    .append_frame(text.as_bytes(), ids.len() as u64)
                    .unwrap();
                frames.push((frame.part, frame.index));
            }
            patients.push(LandingPatient {
                grant: GrantHandle::from_random([1; 8]),
                patient: PatientId::new(*patient),
                total: None,
                pages: 1,
                resources: ids.len() as u64,
                last_updated: None,
                state: PatientState::Complete,
                frames,
                gone: gone.iter().map(|id| hash(id)).collect(),
            });
        }
        writer.seal(patients).unwrap();
    }

    /// Of each run whether it left the body of `id` in force, had it landed one.
    fn counts(&self, id: &str, runs: std::ops::Range<u32>) -> Vec<bool> {
        let gone = Gone::of(&sealed_runs(&self.layout).unwrap(), |_| true);
        let eob = ResourceType::explanation_of_benefit();
        runs.map(|number| !gone.leaves_out(ApiVersion::V2, &eob, hash(id), &run(number)))
            .collect()
    }
}

#[test]
fn bodies_that_landed_before_a_resource_was_gone_do_not_count_and_later_ones_do() {
    let zone = Zone::new();
    zone.extract(1, &["a", "b"], &[]);
    zone.extract(2, &[], &["a"]);
    zone.extract(3, &["a"], &[]);
    zone.extract(4, &["c"], &["a"]);
    zone.extract(5, &["a"], &["b"]);
    assert_eq!(zone.counts("a", 1..6), [false, false, false, true, true]);
    assert_eq!(zone.counts("b", 1..6), [false, false, false, false, true]);
    assert_eq!(zone.counts("c", 1..6), [true; 5]);
    // By the runs that are looked at alone.
    let runs = sealed_runs(&zone.layout).unwrap();
    let gone = Gone::of(&runs, |sealed| sealed.manifest.run <= run(2));
    let eob = ResourceType::explanation_of_benefit();
    assert!(!gone.leaves_out(ApiVersion::V2, &eob, hash("a"), &run(3)));
    assert!(!gone.leaves_out(ApiVersion::V3, &eob, hash("a"), &run(1)));
    assert!(!gone.leaves_out(
        ApiVersion::V2,
        &ResourceType::coverage(),
        hash("a"),
        &run(1)
    ));
}

#[test]
fn what_was_imported_before_stays_whatever_a_full_read_lacks() {
    let zone = Zone::new();
    zone.extract(1, &["a", "b", "c"], &[]);
    zone.extract(2, &[], &["c"]);
    zone.import(3, &["a", "c", "d"]);
    zone.extract(4, &[], &["a", "b", "c"]);
    assert_eq!(zone.counts("a", 1..5), [true; 4]);
    assert_eq!(zone.counts("b", 1..5), [false, false, false, true]);
    // It was gone before it was imported: what landed before that does not come back.
    assert_eq!(zone.counts("c", 1..5), [false, true, true, true]);
}

#[test]
fn what_another_person_has_by_now_is_not_gone() {
    const X: &[&str] = &["x"];
    const NONE: &[&str] = &[];
    // Runs in their order, and from which run on the bodies of `x` count.
    let cases: &[(&str, &[&[Read<'_>]], u32)] = &[
        ("it is gone", &[&[("-1", X, NONE)], &[("-1", NONE, X)]], 2),
        (
            "it moved, then the first person is read",
            &[&[("-1", X, NONE)], &[("-2", X, NONE)], &[("-1", NONE, X)]],
            1,
        ),
        (
            "both are read in one run",
            &[&[("-1", X, NONE)], &[("-1", NONE, X), ("-2", X, NONE)]],
            2,
        ),
        (
            "the first person is read before it comes",
            &[&[("-1", X, NONE)], &[("-1", NONE, X)], &[("-2", X, NONE)]],
            2,
        ),
        (
            "it moved and is gone there, too",
            &[
                &[("-1", X, NONE)],
                &[("-2", X, NONE)],
                &[("-1", NONE, X)],
                &[("-2", NONE, X)],
            ],
            4,
        ),
        (
            "it moved and is gone there before the first person is read",
            &[
                &[("-1", X, NONE)],
                &[("-2", X, NONE)],
                &[("-2", NONE, X)],
                &[("-1", NONE, X)],
            ],
            4,
        ),
        (
            "it moved and came back",
            &[
                &[("-1", X, NONE)],
                &[("-2", X, NONE)],
                &[("-1", X, NONE)],
                &[("-2", NONE, X)],
            ],
            1,
        ),
        (
            "it moved on to a third person",
            &[
                &[("-1", X, NONE)],
                &[("-2", X, NONE)],
                &[("-3", X, NONE)],
                &[("-2", NONE, X)],
                &[("-1", NONE, X)],
            ],
            1,
        ),
        (
            "two had it at once, one no longer has it",
            &[&[("-1", X, NONE), ("-2", X, NONE)], &[("-1", NONE, X)]],
            1,
        ),
        (
            "two had it at once, none has it any more",
            &[
                &[("-1", X, NONE), ("-2", X, NONE)],
                &[("-1", NONE, X)],
                &[("-2", NONE, X)],
            ],
            3,
        ),
        (
            "two had it at once and lose it in one run",
            &[
                &[("-1", X, NONE), ("-2", X, NONE)],
                &[("-1", NONE, X), ("-2", NONE, X)],
            ],
            2,
        ),
        (
            "another person had it before",
            &[&[("-2", X, NONE)], &[("-1", X, NONE)], &[("-1", NONE, X)]],
            3,
        ),
    ];
    for (what, runs, from) in cases {
        let zone = Zone::new();
        for (number, people) in (1..).zip(*runs) {
            zone.extract_people(number, people);
        }
        let all = u32::try_from(runs.len()).unwrap() + 1;
        let expected: Vec<bool> = (1..all).map(|number| number >= *from).collect();
        assert_eq!(zone.counts("x", 1..all), expected, "{what}");
        // Read run by run, as increments are, they say the same.
        let sealed = sealed_runs(&zone.layout).unwrap();
        let eob = ResourceType::explanation_of_benefit();
        let last = (1..all).filter(|number| {
            let gone = Gone::of(&sealed, |one| one.manifest.run == run(*number));
            gone.since(ApiVersion::V2, &eob, hash("x")).is_some()
        });
        assert_eq!(last.max().unwrap_or(1), *from, "{what}");
    }
}

#[test]
fn a_manifest_without_the_field_and_one_with_it_are_read() {
    let zone = Zone::new();
    zone.extract(1, &["a"], &[]);
    zone.extract(2, &[], &["a"]);
    let text = |number: u32| {
        let eob = ResourceType::explanation_of_benefit();
        let folder = zone.layout.run_folder(ApiVersion::V2, &eob, &run(number));
        std::fs::read_to_string(folder.join("manifest.json")).unwrap()
    };
    assert!(!text(1).contains("gone"), "{}", text(1));
    let manifest: serde_json::Value = serde_json::from_str(&text(2)).unwrap();
    assert_eq!(manifest["patients"][0]["gone"][0], String::from(hash("a")));
    assert_eq!(manifest["parts"], serde_json::json!([]));
    assert_eq!(sealed_runs(&zone.layout).unwrap().len(), 2);
}

#[test]
fn lines_of_a_patient_are_told_until_enough_and_the_id_is_the_resources() {
    let zone = Zone::new();
    zone.extract(1, &["a", "b", "c"], &[]);
    let runs = sealed_runs(&zone.layout).unwrap();
    let mut lines = Vec::new();
    let ended = lines_of_patient(&runs[0], &runs[0].manifest.patients[0], |line| {
        lines.push(quoted_id(line).unwrap().to_vec());
        match lines.len() {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert_eq!(lines, [b"\"a\"".to_vec(), b"\"b\"".to_vec()]);
    assert!(ended.is_break());
    assert_eq!(quoted_id(b"{\"id\":7}"), None);
    assert_eq!(quoted_id(b"[]"), None);
}
