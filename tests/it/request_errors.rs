//! What `extract` says where the server does not answer as it should: which request and why; of no
//! patient more than the grant's random name.

use crate::command::{Bench, Ended};
use crate::servers::{Sandbox, location};

/// A sandbox with two people, both of whom consented.
fn two_people(bench: &Bench, faults: &[&str]) -> Sandbox {
    let mut arguments = vec!["--patients", "2", "--eobs", "5"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    let sandbox = Sandbox::start(bench, &arguments);
    sandbox.consent(bench);
    let started = Ended::of(&mut sandbox.command(bench, &["authorize", "--start"]));
    let callback = location(started.stdout.trim());
    Ended::of(&mut sandbox.command(bench, &["authorize", "--finish", &callback])).exits(0);
    sandbox
}

/// Faults, what the error line says, and what it does not.
const CASES: &[(&[&str], &[&str], &[&str])] = &[
    (
        &["backend:status=404,only=coverage"],
        &[
            "2 of 2 patients incomplete: GET Coverage from offset 0, 50 a page: HTTP 404 (not found)",
            "while other resource types of the patient are answered",
            "and the same cause for 1 other patient",
        ],
        &["know the patient"],
    ),
    (
        &["backend:status=404"],
        &[
            "HTTP 404 (not found)",
            "the server does not know the patient",
        ],
        &["other resource types of the patient are answered"],
    ),
    (
        &[
            "html:status=200,patient=BBUser00000",
            "backend:status=404,patient=BBUser00001,only=coverage",
        ],
        &[
            "HTTP 200 without a usable Bundle: an HTML page where a FHIR Bundle is due (text/html), tried 3 times in ",
            "; GET Coverage from offset 0, 50 a page: HTTP 404 (not found)",
        ],
        &[],
    ),
];

#[test]
fn the_error_line_names_requests_statuses_and_causes_and_nobody() {
    for (faults, said, unsaid) in CASES {
        let bench = Bench::new();
        let sandbox = two_people(&bench, faults);
        let ended = sandbox.run(&bench, &["extract"]).exits(1);
        let line = ended.error_line();
        for part in *said {
            assert!(line.contains(part), "{faults:?}: {line}");
        }
        for part in *unsaid {
            assert!(!line.contains(part), "{faults:?}: {line}");
        }
        let listed = sandbox.run(&bench, &["grants", "list", "--json"]);
        let mut patients = 0;
        for line in listed.stdout.lines() {
            let grant: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(patient) = grant["patient"].as_str() {
                patients += 1;
                assert!(!ended.stderr.contains(patient), "an id is shown");
            }
        }
        assert_eq!(patients, 2, "{}", listed.stdout);
        assert!(!ended.stderr.contains("startIndex") && !ended.stderr.contains("_count="));
    }
}

#[test]
fn a_name_that_does_not_exist_and_a_port_that_refuses_are_told_apart() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "5"]);
    let mut refused = sandbox.command(&bench, &["extract"]);
    drop(sandbox);
    let ended = Ended::of(&mut refused).exits(1);
    let line = ended.error_line();
    assert!(line.contains("the connection was refused"), "{line}");
    assert!(!line.contains("(name, route or TLS)"), "{line}");
}
