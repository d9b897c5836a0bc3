//! One name, one patient: every command that takes a patient takes any of their ids, refuses a name
//! of several with the choices, and says of an unknown one what is taken and where to look.

use serde_json::Value;

use crate::command::{Bench, Ended, a_patient};
use crate::servers::{Sandbox, location};

/// Two people who consented, of whom everything has landed.
struct Scene {
    bench: Bench,
    sandbox: Sandbox,
    /// As `grants list` says.
    grants: Vec<Value>,
}

impl Scene {
    fn new(external_ids: [&str; 2]) -> Self {
        let bench = Bench::new();
        let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "2"]);
        for external_id in external_ids {
            let start = ["authorize", "--start", "--external-id", external_id];
            let started = sandbox.run(&bench, &start).exits(0);
            let callback = location(started.stdout.trim());
            let finish = ["authorize", "--finish", &callback];
            sandbox.run(&bench, &finish).exits(0);
        }
        let mut scene = Self {
            bench,
            sandbox,
            grants: Vec::new(),
        };
        assert_eq!(scene.run(&["extract"]).exit, 0);
        let listed = scene.run(&["grants", "list"]);
        let lines = listed.stdout.lines();
        let grants: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        scene.grants = external_ids
            .iter()
            .enumerate()
            .map(|(number, id)| {
                let mut of_id = grants.iter().filter(|one| one["external_id"] == *id);
                of_id.nth(if external_ids[0] == external_ids[1] {
                    number
                } else {
                    0
                })
            })
            .map(|grant| grant.unwrap().clone())
            .collect();
        scene
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.sandbox.command(&self.bench, arguments))
    }

    fn text(&self, of: usize, key: &str) -> &str {
        self.grants[of][key].as_str().unwrap()
    }

    /// Every name of a person: from grants, and from the Patient that landed.
    fn names(&self, of: usize) -> Vec<String> {
        let patient = self.text(of, "patient");
        let landed = crate::forget::scene::landed(&self.bench.path().join("d"));
        let mut landed = landed.iter().filter(|one| one["resourceType"] == "Patient");
        let landed = landed.find(|one| one["id"] == patient).unwrap();
        let mut identifiers = landed["identifier"].as_array().unwrap().iter();
        let is_current = |one: &&Value| {
            let is_mbi = one["system"].as_str().unwrap().ends_with("us-mbi");
            is_mbi && !one.to_string().contains("historic")
        };
        let mbi = identifiers.find(is_current).unwrap();
        let (system, mbi) = (
            mbi["system"].as_str().unwrap(),
            mbi["value"].as_str().unwrap(),
        );
        assert_eq!(mbi.len(), 11);
        vec![
            patient.to_owned(),
            format!("v2:{patient}"),
            format!("  {patient} "),
            self.text(of, "external_id").to_owned(),
            self.text(of, "handle").to_owned(),
            mbi.to_owned(),
            format!("{system}|{mbi}"),
            // As on the card.
            format!("{}-{}-{}", &mbi[..4], &mbi[4..7], &mbi[7..]).to_lowercase(),
        ]
    }

    fn token(&self, name: &str) -> String {
        let lent = self.run(&["token", name]);
        assert_eq!(lent.exit, 0, "{name}: {}", lent.stderr);
        let lent: Value = serde_json::from_str(lent.stdout.trim()).unwrap();
        lent["access_token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_name_of_a_patient_means_the_same_patient_to_every_command() {
    let scene = Scene::new(["-my-own", "4711"]);
    let (patient, handle) = (scene.text(0, "patient"), scene.text(0, "handle"));
    let token = scene.token(handle);
    assert_ne!(token, scene.token(scene.text(1, "handle")));
    for name in &scene.names(0) {
        assert_eq!(scene.token(name), token, "{name}");
        let extracted = scene.run(&["--json", "extract", "--patient", name]);
        assert_eq!(extracted.exit, 0, "{name}: {}", extracted.stderr);
        assert_eq!(extracted.summary()["extract"]["patients"], 1, "{name}");
        let traced = scene.run(&["--json", "trace", name]);
        assert_eq!(traced.exit, 0, "{name}: {}", traced.stderr);
        let first: Value = serde_json::from_str(traced.stdout.lines().next().unwrap()).unwrap();
        assert_eq!(first["resource"], "Patient", "{name}");
        assert_eq!(first["person"]["grant"], handle, "{name}");
        let shown = scene.run(&["access-log", "show", "--patient", name]);
        assert_eq!(shown.exit, 0, "{name}: {}", shown.stderr);
        assert!(shown.stdout.contains(handle), "{name}: {}", shown.stdout);
        assert!(!shown.stdout.contains(scene.text(1, "handle")), "{name}");
        // It asks first, and lists whom it is about.
        let asked = scene.run(&["forget", name]);
        assert_eq!(asked.exit, 2, "{name}: {}", asked.stderr);
        assert!(asked.error_line().contains("add --yes"), "{name}");
        let listed = format!("patient    v2:{patient},");
        assert!(asked.stdout.contains(&listed), "{name}: {}", asked.stdout);
        assert_eq!(asked.stdout.matches("patient    ").count(), 1, "{name}");
    }
    // Two names of one patient are one patient.
    let names = scene.names(0);
    let twice = [
        "--json",
        "extract",
        "--patient",
        &names[0],
        "--patient",
        &names[5],
    ];
    let extracted = scene.run(&twice);
    assert_eq!(extracted.summary()["extract"]["patients"], 1);
    for (name, flags) in [(patient, &[][..]), (patient, &["--quiet"])] {
        let arguments = [&["grants", "revoke", name], flags].concat();
        scene.run(&arguments).exits(0);
    }
    let revoked = scene.run(&["extract", "--patient", patient]).exits(2);
    revoked.fails_with("is revoked");
    // By what landing alone knows.
    let mbi = &scene.names(1)[5];
    let revoked = scene.run(&["grants", "revoke", mbi]).exits(0);
    revoked.says(scene.text(1, "handle"));
}

/// The commands that take a patient, without the patient.
const COMMANDS: [&[&str]; 6] = [
    &["token"],
    &["grants", "revoke"],
    &["extract", "--patient"],
    &["trace"],
    &["forget", "--offline", "--yes"],
    &["access-log", "show", "--patient"],
];

#[test]
fn a_name_of_two_patients_is_refused_with_the_choices() {
    let scene = Scene::new(["shared", "shared"]);
    for command in COMMANDS {
        let refused = scene.run(&[command, &["shared"]].concat()).exits(2);
        let error = refused.error_line();
        for one in [0, 1] {
            let (handle, patient) = (scene.text(one, "handle"), scene.text(one, "patient"));
            let is_offered =
                error.contains(handle) || refused.stdout.contains(&format!("v2:{patient}"));
            assert!(is_offered, "{command:?}: {error}");
            // Ids are PHI.
            assert!(!refused.stderr.contains(patient), "{command:?}");
        }
    }
    // The choices work.
    scene.token(scene.text(0, "handle"));
    let typed = format!("v2:{}", scene.text(1, "patient"));
    assert_eq!(scene.run(&["trace", &typed]).exit, 0);
    let listed = scene.run(&["grants", "list"]);
    assert_eq!(
        listed.stdout.matches("\"active\"").count(),
        2,
        "nobody was touched"
    );
}

#[test]
fn an_external_id_that_is_an_id_of_another_patient_is_refused_by_those_that_end_something() {
    let scene = Scene::new(["one", "two"]);
    let other = scene.text(1, "patient").to_owned();
    let grants = scene.run(&["grants", "export", "--reveal-secrets"]).stdout;
    let grants = grants.replace("\"one\"", &format!("{other:?}"));
    scene.bench.write("grants.ndjson", &grants);
    let elsewhere = |arguments: &[&str]| {
        let arguments = [&["--data", "e"], arguments].concat();
        scene.run(&arguments)
    };
    elsewhere(&["grants", "import", "grants.ndjson"]).exits(0);
    for command in COMMANDS.into_iter().filter(|command| command != &["trace"]) {
        elsewhere(&[command, &[&other]].concat()).exits(2);
    }
    let typed = format!("v2:{other}");
    elsewhere(&["forget", "--offline", "--yes", &typed]).exits(0);
    let left = elsewhere(&["grants", "list"]).stdout;
    assert_eq!(left.lines().count(), 1);
    assert!(!left.contains(&format!("\"patient\":{other:?}")));
}

#[test]
fn an_id_of_both_api_versions_is_refused_where_nothing_says_that_it_is_one_patient() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "1"]);
    let grants = ["v2", "v3"]
        .map(|api| format!(r#"{{"patient":"-7","api":"{api}","refresh_token":"refresh-{api}"}}"#));
    bench.write("grants.ndjson", &grants.join("\n"));
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    run(&["grants", "import", "grants.ndjson"]).exits(0);
    let refused = run(&["forget", "--offline", "--yes", "-7"]).exits(2);
    assert_eq!(refused.stdout, "candidate  v2:-7\ncandidate  v3:-7\n");
    run(&["forget", "--offline", "--yes", "v3:-7"]).exits(0);
    let left = run(&["grants", "list"]).stdout;
    assert!(
        left.lines().count() == 1 && left.contains("\"v2\""),
        "{left}"
    );
}

#[test]
fn a_patient_who_came_by_import_has_no_grant_and_is_said_to_have_none() {
    let scene = Scene::new(["one", "two"]);
    scene.bench.write("patient.ndjson", &a_patient("-77"));
    scene
        .run(&["import", "--api", "v2", "patient.ndjson"])
        .exits(0);
    for command in &COMMANDS[..3] {
        let refused = scene.run(&[command, &["-77"][..]].concat()).exits(2);
        refused.fails_with("without a grant");
    }
    assert_eq!(scene.run(&["trace", "-77"]).exit, 0);
}

#[test]
fn an_unknown_name_is_answered_with_what_is_taken_and_where_to_look() {
    let scene = Scene::new(["one", "two"]);
    for name in ["-17", "v3:-17", "9ZZ9-ZZ9-ZZ99", "somebody else"] {
        for command in COMMANDS {
            let unknown = scene.run(&[command, &[name]].concat());
            assert_eq!(unknown.exit, 2, "{command:?} {name}: {}", unknown.stderr);
            let error = unknown.error_line();
            for words in [
                "patient ids",
                "MBIs",
                "external ids",
                "grant handles",
                "grants list",
            ] {
                assert!(error.contains(words), "{command:?}: {error}");
            }
            assert!(!error.contains(name), "{command:?}: {error}");
        }
    }
    // An id of the other version differs from one that nobody has.
    let here = format!("v3:{}", scene.text(0, "patient"));
    assert_eq!(scene.run(&["token", &here]).exit, 2);
}
