//! A ViewDefinition that a stranger wrote, in the first line, over the resource in the second.
#![no_main]

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::oracle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (view, resource) = text.split_once('\n').unwrap_or((text, "{}"));
    let view = match ViewDefinition::from_text(view) {
        Ok(view) => view,
        Err(errors) => {
            assert!(!errors.0.is_empty());
            return;
        }
    };
    let columns = view.columns().len();
    let Ok(resource) = serde_json::from_str(resource) else {
        return;
    };
    if let Ok(evaluation) = oracle::evaluate(&view, &resource) {
        for row in &evaluation.rows {
            assert_eq!(row.len(), columns);
        }
        for problem in &evaluation.problems {
            assert!(problem.column < columns);
        }
    }
});
