//! A ViewDefinition that a stranger wrote, in the first line, over the resource in the second: it
//! is refused with a reason, or both engines make as many rows and name as many problems.
#![no_main]

use std::sync::Arc;

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::engine::{PlanInput, ResourcePlan, ResourceWorker};
use claimlake_viewdef::json::{self, PADDING};
use claimlake_viewdef::reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (view, resource) = text.split_once('\n').unwrap_or((text, "{}"));
    let resource = resource.lines().next().unwrap_or_default();
    let view = match ViewDefinition::from_text(view) {
        Ok(view) => view,
        Err(error) => {
            assert!(!error.faults().is_empty());
            return;
        }
    };
    let columns = view.columns().len();
    let Ok(value) = json::value(resource.as_bytes()) else {
        return;
    };
    let evaluation = reference::evaluate(&view, &value);
    if let Ok(evaluation) = &evaluation {
        for row in &evaluation.rows {
            assert_eq!(row.len(), columns);
        }
        for problem in &evaluation.problems {
            assert!(problem.column < columns);
        }
    }
    // Without the columns that all tables have, a plan refuses a few names only.
    let Ok(plan) = ResourcePlan::compile(&PlanInput {
        resource: &view.resource,
        constants: &[],
        context: &[],
        views: vec![("table".to_owned(), view.clone())],
        order: None,
        drop_where: None,
    }) else {
        return;
    };
    let mut worker = ResourceWorker::new(Arc::new(plan), Vec::new(), None);
    let mut buffer = resource.as_bytes().to_vec();
    buffer.extend(std::iter::repeat_n(b'\n', PADDING));
    let Ok(read) = worker.read(&buffer, 0, resource.len(), 0) else {
        return;
    };
    match evaluation {
        Ok(evaluation) => {
            assert_eq!(read.rows, evaluation.rows.len() as u64);
            assert_eq!(read.problems.len(), evaluation.problems.len());
        }
        Err(_) => assert_eq!((read.rows, read.problems.len()), (0, 1)),
    }
    let built: usize = worker
        .finish()
        .unwrap()
        .iter()
        .flatten()
        .map(|batch| batch.num_rows())
        .sum();
    assert_eq!(built as u64, read.rows);
});
