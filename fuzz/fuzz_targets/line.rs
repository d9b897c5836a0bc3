//! A line of NDJSON that a stranger wrote: what the fast engine reads, the plain one reads too,
//! and both make as many rows.
#![no_main]

use std::sync::{Arc, LazyLock};

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::engine::{LineRefusal, PlanInput, ResourcePlan, ResourceWorker};
use claimlake_viewdef::json::{self, PADDING};
use claimlake_viewdef::reference;
use libfuzzer_sys::fuzz_target;

const VIEWS: &[(&str, &str)] = &[
    ("eob", include_str!("../../pipelines/views/eob.json")),
    (
        "eob_item",
        include_str!("../../pipelines/views/eob_item.json"),
    ),
    (
        "eob_coding",
        include_str!("../../pipelines/views/eob_coding.json"),
    ),
    (
        "eob_contained",
        include_str!("../../pipelines/views/eob_contained.json"),
    ),
    (
        "eob_extension",
        include_str!("../../pipelines/views/eob_extension.json"),
    ),
];

static READ: LazyLock<(Vec<ViewDefinition>, Arc<ResourcePlan>)> = LazyLock::new(|| {
    let views: Vec<(String, ViewDefinition)> = VIEWS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), ViewDefinition::from_text(text).unwrap()))
        .collect();
    let plan = ResourcePlan::compile(&PlanInput {
        resource: "ExplanationOfBenefit",
        constants: &[],
        context: &[],
        views: views.clone(),
        order: None,
        drop_where: None,
    })
    .unwrap();
    let views = views.into_iter().map(|(_, view)| view).collect();
    (views, Arc::new(plan))
});

fuzz_target!(|text: &str| {
    let line = text.lines().next().unwrap_or_default();
    let (views, plan) = &*READ;
    let mut worker = ResourceWorker::new(Arc::clone(plan), Vec::new(), None);
    let mut buffer = line.as_bytes().to_vec();
    buffer.extend(std::iter::repeat_n(b'\n', PADDING));
    let read = worker.read(&buffer, 0, line.len(), 0);
    let parsed = json::value(line.as_bytes());
    match (read, parsed) {
        (Ok(read), Ok(resource)) => {
            let mut rows = 0;
            let mut problems = 0;
            for view in views {
                match reference::evaluate(view, &resource) {
                    Ok(evaluation) => {
                        rows += evaluation.rows.len() as u64;
                        problems += evaluation.problems.len();
                    }
                    Err(_) => problems += 1,
                }
            }
            assert_eq!(read.rows, rows);
            assert_eq!(read.problems.len(), problems);
            let built: usize = worker
                .finish()
                .unwrap()
                .iter()
                .flatten()
                .map(|batch| batch.num_rows())
                .sum();
            assert_eq!(built as u64, rows);
        }
        (Ok(_), Err(fault)) => panic!("read what is refused: {fault}"),
        (Err(LineRefusal::NotJson), Ok(_)) => panic!("refused what is JSON"),
        // Of several faults each reader tells the one it comes to first.
        (
            Err(LineRefusal::DuplicateKey | LineRefusal::TooDeep | LineRefusal::LoneSurrogate),
            Ok(_),
        ) => {
            panic!("refused what is read")
        }
        (Err(_), _) => {}
    }
});
