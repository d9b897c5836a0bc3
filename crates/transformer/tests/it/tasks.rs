//! A transform in tasks: each is read by itself, and together they make the rows of one transform.

use std::collections::BTreeMap;

use claimlake_contract::{ApiVersion, NoProgress, Reject, ResourceType};
use claimlake_transformer::{
    Output, Plan, PlanInput, Task, TaskCounts, TransformError, run_task, tasks, transform,
};

use crate::scene::{Rows, Scene, append_rows, claim, rows_in};

/// What tasks made, table by table.
#[derive(Default)]
struct Made {
    tables: BTreeMap<String, Rows>,
    rejects: Vec<Reject>,
    counts: Vec<TaskCounts>,
}

/// Runs a task as another machine would: from its JSON.
fn run(scene: &Scene, task: &Task, made: &mut Made) {
    let text = serde_json::to_string(task).unwrap();
    let task: Task = serde_json::from_str(&text).unwrap();
    let data = scene.data.path();
    let counts = run_task(&task, &scene.plan(), data, &mut |output| {
        match output {
            Output::Rows(table, batch) => {
                append_rows(batch, made.tables.entry(table.to_owned()).or_default());
            }
            Output::Reject(reject) => made.rejects.push(reject.clone()),
        }
        Ok::<_, TransformError>(())
    });
    made.counts.push(counts.unwrap());
}

/// Three frames of claims, each as large as what is read at once, and a small run of v3.
fn landed() -> Scene {
    let scene = Scene::new();
    let long = "x".repeat(3 << 20);
    let frames: Vec<Vec<String>> = (0..3)
        .map(|frame| {
            vec![
                claim(&format!("a{frame}"), &format!(r#","use":"{long}""#)),
                claim(
                    &format!("b{frame}"),
                    r#","item":[{"sequence":1},{"sequence":2}]"#,
                ),
            ]
        })
        .collect();
    scene.land(&frames);
    let third = [
        vec![claim("c", r#","item":[{"sequence":3}]"#), "not json".into()],
        vec![claim("d", "")],
    ];
    scene.land_as(
        ApiVersion::V3,
        &ResourceType::explanation_of_benefit(),
        &third,
    );
    scene.land_as(ApiVersion::V3, &ResourceType::coverage(), &[vec!["{}"]]);
    scene
}

#[test]
fn tasks_make_the_rows_of_a_transform_with_the_same_landing_orders() {
    let scene = landed();
    for (bytes, count) in [(1, 4), (7 << 20, 2), (1 << 30, 1)] {
        let planned = tasks(&scene.runs(), &scene.plan(), bytes).unwrap();
        assert_eq!(planned.tasks.len(), count, "{bytes}");
        assert_eq!(planned.without_view, 1);
        assert_eq!(planned.landing_runs.len(), 1);
        assert!(planned.gone.is_none());
        let mut made = Made::default();
        for task in &planned.tasks {
            run(&scene, task, &mut made);
        }
        let staged = scene.transform();
        for table in ["claim", "item", "_keys"] {
            assert_eq!(made.tables[table], staged.rows(table), "{bytes} {table}");
        }
        assert_eq!(made.tables["claim"].len(), 8);
        assert_eq!(made.tables["item"].len(), 7);
        assert_eq!(made.rejects, staged.rejects());
        let resources: u64 = made.counts.iter().map(|counts| counts.resources).sum();
        let refused = made.counts.iter().map(|counts| counts.rejected_resources);
        assert_eq!((resources, refused.sum()), (9, 1_u64));
        std::fs::remove_dir_all(&staged.outcome.folder).unwrap();
    }
}

#[test]
fn a_task_that_runs_again_makes_the_same_rows_and_no_others() {
    let scene = landed();
    let planned = tasks(&scene.runs(), &scene.plan(), 1).unwrap();
    let (mut once, mut again) = (Made::default(), Made::default());
    run(&scene, &planned.tasks[1], &mut once);
    run(&scene, &planned.tasks[1], &mut again);
    assert_eq!(once.tables, again.tables);
    let ids: Vec<_> = once.tables["claim"].iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&Some("a1".to_owned()), &Some("b1".to_owned())]);
}

#[test]
fn a_damaged_frame_is_named_by_its_index_in_the_part() {
    let scene = landed();
    let planned = tasks(&scene.runs(), &scene.plan(), 1).unwrap();
    let run_of_claims = scene.runs().into_iter().find(|run| {
        run.manifest.api == ApiVersion::V2
            && run.manifest.resource == ResourceType::explanation_of_benefit()
    });
    let part = run_of_claims.unwrap().parts().next().unwrap();
    let frame = part.part.frames[1];
    let mut bytes = std::fs::read(&part.path).unwrap();
    bytes[usize::try_from(frame.offset).unwrap()] ^= 0xff;
    std::fs::write(&part.path, bytes).unwrap();
    let mut made = Made::default();
    for task in &planned.tasks {
        run(&scene, task, &mut made);
    }
    let damaged: Vec<u64> = made
        .counts
        .iter()
        .map(|counts| counts.damaged_frames)
        .collect();
    assert_eq!(damaged, [0, 1, 0, 0]);
    let reject = &made.rejects[0];
    assert!(
        reject.detail.starts_with("frame 1 (2 lines)"),
        "{}",
        reject.detail
    );
    assert_eq!(reject.line, 3);
    assert_eq!(made.tables["claim"].len(), 6);
    // What transform says of it.
    let outcome = transform(&scene.options(), &scene.plan(), &NoProgress).unwrap();
    assert_eq!(
        rows_in(&outcome.folder, "_keys"),
        made.tables["_keys"],
        "the other frames keep their orders"
    );
}

#[test]
fn a_plan_is_the_same_after_it_went_to_another_process_as_json() {
    let input = landed().input();
    let text = serde_json::to_string(&input).unwrap();
    let read: PlanInput = serde_json::from_str(&text).unwrap();
    let hash = |input: &PlanInput| Plan::compile(input).unwrap().hash().to_owned();
    assert_eq!(hash(&read), hash(&input));
    let other = PlanInput {
        decided_by: "another rule".into(),
        ..input.clone()
    };
    assert_ne!(hash(&other), hash(&input));
}
