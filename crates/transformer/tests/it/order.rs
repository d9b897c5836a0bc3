//! Rows and files are the same however lines are cut into frames and however many threads run.

use claimlake_contract::StagedManifest;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::scene::{Scene, claim};

/// A line of a claim: sometimes with items, sometimes with a bad cell, sometimes no JSON at all.
fn line() -> impl Strategy<Value = String> {
    (0u32..500, 0usize..4, 0u8..8).prop_map(|(id, items, kind)| {
        let items: Vec<String> = (0..items)
            .map(|item| {
                format!(
                    r#"{{"sequence":{item},"productOrService":{{"coding":[{{"code":"c{id}"}}]}}}}"#
                )
            })
            .collect();
        let items = items.join(",");
        match kind {
            0 => format!("broken {id}"),
            1 => claim(&id.to_string(), r#","payment":{"amount":{"value":"text"}}"#),
            2 => claim(
                &id.to_string(),
                &format!(r#","other{id}":{{"a":1}},"item":[{items}]"#),
            ),
            _ => claim(
                &id.to_string(),
                &format!(r#","item":[{items}],"status":"s{id}""#),
            ),
        }
    })
}

fn staged(frames: &[Vec<String>], threads: usize) -> (StagedManifest, Vec<String>, String) {
    let mut scene = Scene::new();
    scene.threads = threads;
    scene.land(frames);
    let staged = scene.transform();
    let rows = ["claim", "item", "_keys"].map(|table| format!("{:?}", staged.rows(table)));
    let unread = format!("{:?}", staged.outcome.unread);
    let mut rows = rows.to_vec();
    rows.push(unread);
    (staged.outcome.manifest.clone(), rows, staged.rejects_text())
}

#[test]
fn frames_and_threads_do_not_change_rows() {
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: 24,
            failure_persistence: None,
            ..Config::default()
        },
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    let cuts = prop::collection::vec(1usize..6, 40);
    let input = (prop::collection::vec(line(), 1..40), cuts, 1usize..5);
    runner
        .run(&input, |(lines, cuts, threads)| {
            let whole = vec![lines.clone()];
            let mut cut = Vec::new();
            let mut rest = lines.as_slice();
            for length in cuts {
                if rest.is_empty() {
                    break;
                }
                let (frame, behind) = rest.split_at(length.min(rest.len()));
                cut.push(frame.to_vec());
                rest = behind;
            }
            let (one, rows, rejects) = staged(&whole, 1);
            let (other, cut_rows, cut_rejects) = staged(&cut, threads);
            prop_assert_eq!(rows, cut_rows);
            prop_assert_eq!(rejects, cut_rejects);
            prop_assert_eq!(one.resources, other.resources);
            prop_assert_eq!(one.rejected_cells, other.rejected_cells);
            prop_assert_eq!(one.pipeline_hash, other.pipeline_hash);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_same_landing_gives_the_same_files_byte_for_byte_on_any_number_of_threads() {
    // Enough for several chunks, so that threads can finish out of order.
    let filler = "x".repeat(40_000);
    let frames: Vec<Vec<String>> = (0..60)
        .map(|frame| {
            (0..10)
                .map(|line| {
                    let id = format!("{frame}-{line}");
                    claim(
                        &id,
                        &format!(r#","status":"{filler}","item":[{{"sequence":1}}]"#),
                    )
                })
                .collect()
        })
        .collect();
    let files = |threads| {
        let (manifest, ..) = staged(&frames, threads);
        assert!(manifest.tables.iter().all(|table| !table.files.is_empty()));
        manifest.tables
    };
    let one = files(1);
    assert_eq!(one, files(4));
    assert_eq!(one[0].files[0].rows, 600);
}
