//! A FHIRPath expression that a stranger wrote, over a resource with something of everything.
#![no_main]

use claimlake_viewdef::ErrorKind;
use claimlake_viewdef::fhirpath::{Constants, parse};
use claimlake_viewdef::reference;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;

static RESOURCE: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "resourceType": "Patient",
        "id": "p1",
        "active": true,
        "birthDate": "1970-06",
        "_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]},
        "name": [{"use": "usual", "family": "Baum", "given": ["A", "B"]}, {"text": "x"}],
        "extension": [{"url": "u", "valueDecimal": 1.50}, {"url": "u", "valueInteger": -3},
            {"url": "v", "valuePeriod": {"start": "2020", "end": "2020-02-03T04:05:06Z"}}],
        "link": [{"other": {"reference": "Patient/p2"}}],
    })
});

fuzz_target!(|source: &str| {
    match parse(source, &Constants::new()) {
        Ok(expression) => {
            assert!(source.get(expression.span.start..expression.span.end).is_some());
            let _ = reference::evaluate_path(&expression, &RESOURCE, &[]);
        }
        Err(error) => match error.kind() {
            ErrorKind::Expression { character } => {
                assert!(character <= source.chars().count() + 1);
            }
            other => panic!("{other:?}"),
        },
    }
});
