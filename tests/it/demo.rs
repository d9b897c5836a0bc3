//! The demo from end to end: a sandbox within the process, extract, transform, load.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use parquet::record::{Field, Row};
use serde_json::Value;

use crate::command::{Bench, repository, words};
use crate::files::{files_and_folders, mode, names_below};
use crate::lake_rows;

/// The demo's pipeline, with its views by their whole path.
pub(crate) fn demo() -> String {
    let demo = fs::read_to_string(repository().join("pipelines/demo.toml")).unwrap();
    let globs = ["views/*.json", "sql/*.sql", "ccw.toml"];
    globs.into_iter().fold(demo, |demo, glob| {
        let whole = repository().join("pipelines").join(glob);
        let whole = whole.display().to_string();
        demo.replace(&format!("{glob:?}"), &format!("{whole:?}"))
    })
}

/// A small population, so that whole runs are quick.
pub(crate) fn pipeline(api: &str) -> String {
    of_size(&demo(), 3, 12)
        .replace("name = \"demo\"", "name = \"small\"")
        .replace("api = \"v2\"", &format!("api = \"{api}\""))
}

/// The demo's pipeline with so many patients, of so many claims each.
pub(crate) fn of_size(demo: &str, patients: u32, eobs: u32) -> String {
    demo.replace("patients = 12", &format!("patients = {patients}"))
        .replace("eobs = 60", &format!("eobs = {eobs}"))
}

/// What there is of the patients of `small.toml`.
#[derive(Debug, PartialEq, Eq)]
struct Population {
    /// What was paid for each claim, by its id, in cents; none where the claim does not say.
    claims: BTreeMap<String, Option<i64>>,
    items: usize,
    coverages: usize,
    patients: usize,
}

impl Population {
    /// As the sandbox writes them to a file: without a server, extract, transform or load.
    fn of_sandbox(bench: &Bench, api: &str) -> Self {
        let size = "sandbox generate --patients 3 --eobs 12 --seed 20 --api";
        let resources = bench.done(&[&words(size)[..], &[api]].concat()).events();
        let of = |name: &'static str| {
            let resources = resources.iter();
            resources.filter(move |resource| resource["resourceType"] == name)
        };
        let claims = of("ExplanationOfBenefit");
        let paid = |claim: &Value| match &claim["payment"]["amount"]["value"] {
            Value::Null => None,
            amount => Some(cents(&amount.to_string())),
        };
        let id = |claim: &Value| claim["id"].as_str().unwrap().to_owned();
        Self {
            items: claims
                .clone()
                .map(|claim| claim["item"].as_array().map_or(0, Vec::len))
                .sum(),
            claims: claims.map(|claim| (id(claim), paid(claim))).collect(),
            coverages: of("Coverage").count(),
            patients: of("Patient").count(),
        }
    }

    /// As the tables of a lake have them.
    fn of_lake(lake: &Path) -> Self {
        let rows = |table: &str| lake_rows::rows_below(&lake.join(table));
        let claim = |row: &Row| {
            let Field::Str(id) = lake_rows::cell(row, "eob_id") else {
                panic!("a claim without an id: {row}")
            };
            let paid = match lake_rows::cell(row, "payment_amount") {
                Field::Null => None,
                amount => Some(cents(&amount.to_string())),
            };
            (id.clone(), paid)
        };
        Self {
            claims: rows("eob").iter().map(claim).collect(),
            items: rows("eob_item").len(),
            coverages: rows("coverage").len(),
            patients: rows("patient").len(),
        }
    }
}

/// An amount in dollars as cents.
fn cents(amount: &str) -> i64 {
    let (dollars, rest) = amount.split_once('.').unwrap_or((amount, ""));
    assert!(rest.bytes().skip(2).all(|digit| digit == b'0'), "{amount}");
    let rest = format!("{rest:0<2}");
    format!("{dollars}{}", &rest[..2]).parse().unwrap()
}

/// Every file of the lake's current snapshot that readers see, with its size.
fn lake_files(data: &Path) -> BTreeMap<String, u64> {
    let root = data.join("lake/current").canonicalize().unwrap();
    let size = |name: String| {
        let bytes = root.join(&name).metadata().unwrap().len();
        (name, bytes)
    };
    names_below(&root).into_iter().map(size).collect()
}

#[test]
fn a_run_publishes_every_claim_and_a_second_run_changes_nothing() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v2"));
    let run = || {
        bench
            .done(&["--json", "--pipeline", "small.toml", "run"])
            .summary()
    };
    let first = run();
    let data = bench.path().join("data/small");
    let files = lake_files(&data);
    let population = Population::of_sandbox(&bench, "v2");
    assert_eq!(population.patients, 3);
    assert!(population.claims.values().flatten().sum::<i64>() > 0);
    assert_eq!(Population::of_lake(&data.join("lake/current")), population);
    let rows = &first["load"]["rows"];
    assert_eq!(first["extract"]["patients"], 3);
    assert_eq!(rows["eob"], population.claims.len());
    assert_eq!(rows["eob_item"], population.items);
    assert_eq!(rows["coverage"], population.coverages);
    assert_eq!(rows["patient"], 3);
    assert_eq!(first["transform"]["rejected_resources"], 0);
    assert_eq!(first["transform"]["rejected_cells"], 0);

    let second = run();
    assert_eq!(second["extract"]["resources"], 0);
    assert_eq!(second["transform"]["changed"], false);
    assert_eq!(second["load"]["changed"], false);
    assert_eq!(second["load"]["rows"], first["load"]["rows"]);
    assert_eq!(lake_files(&data), files);
}

#[test]
fn everything_below_the_data_directory_is_its_owner_s_alone() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v2"));
    bench.done(&["--pipeline", "small.toml", "run"]);
    let found = files_and_folders(&bench.path().join("data/small"));
    assert!(found.len() > 100, "{}", found.len());
    for path in found {
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn the_same_patients_make_the_same_files_in_another_directory() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v3"));
    let parquet = |data: &str| -> Vec<String> {
        bench.done(&["--pipeline", "small.toml", "--data", data, "run"]);
        let files = lake_files(&bench.path().join(data));
        let tables = files.into_keys().filter(|name| name.starts_with("eob"));
        tables.collect()
    };
    let one = parquet("one");
    assert!(one.len() > 20, "{one:?}");
    assert_eq!(one, parquet("two"));
    let lake = bench.path().join("two/lake/current");
    assert_eq!(
        Population::of_lake(&lake),
        Population::of_sandbox(&bench, "v3")
    );
}

#[test]
fn the_stages_run_one_by_one_and_say_what_is_next() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v2"));
    for (stage, next) in [
        ("extract", "transform"),
        ("transform", "load"),
        ("load", "duckdb"),
    ] {
        let ended = bench.done(&["--pipeline", "small.toml", stage]);
        assert_eq!(ended.stdout, "");
        ended.says(next);
    }
}

#[test]
fn a_directory_of_one_source_refuses_another() {
    let bench = Bench::new();
    let small = pipeline("v2");
    bench.write("small.toml", &small);
    bench.write("other.toml", &small.replace("seed = 20", "seed = 21"));
    bench.done(&["--pipeline", "small.toml", "--data", "d", "extract"]);
    let ended = bench
        .run(&["--pipeline", "other.toml", "--data", "d", "extract"])
        .exits(2);
    ended.fails_with("--data");
}

#[test]
fn a_changed_view_is_read_over_all_of_landing() {
    let bench = Bench::new();
    let views = repository().join("pipelines/views");
    for view in fs::read_dir(&views).unwrap() {
        let view = view.unwrap();
        let text = fs::read_to_string(view.path()).unwrap();
        bench.write(&format!("views/{}", view.file_name().display()), &text);
    }
    let own = pipeline("v2").replace(
        &format!("{:?}", views.join("*.json").display().to_string()),
        "\"views/*.json\"",
    );
    bench.write("small.toml", &own);
    let run = || {
        bench
            .done(&["--json", "--pipeline", "small.toml", "run"])
            .summary()
    };
    let first = run();
    let text = fs::read_to_string(bench.path().join("views/patient.json")).unwrap();
    let mut view: Value = serde_json::from_str(&text).unwrap();
    let added =
        serde_json::json!({"column": [{"name": "sex_as_sent", "path": "gender", "type": "code"}]});
    view["select"].as_array_mut().unwrap().push(added);
    bench.write("views/patient.json", &view.to_string());
    let second = run();
    assert_eq!(second["transform"]["full"], true);
    assert_eq!(second["load"]["changed"], true);
    assert_eq!(
        second["load"]["rows"]["patient"],
        first["load"]["rows"]["patient"]
    );
    let manifest = bench.path().join("data/small/lake/current/manifest.json");
    assert!(
        fs::read_to_string(manifest)
            .unwrap()
            .contains("sex_as_sent")
    );
}

#[test]
fn status_says_what_is_there_and_rollback_goes_back() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v2"));
    let small = ["--pipeline", "small.toml"];
    let command = |more: &[&str]| bench.done(&[&small, more].concat());
    command(&["run"]);
    let status = command(&["status"]).stdout;
    assert!(status.contains("landing    v2 Coverage"), "{status}");
    assert!(status.contains("snapshot 1"), "{status}");
    assert!(command(&["snapshots"]).stdout.contains("current"));
    command(&["snapshots", "rollback", "1"]);
    let refused = bench.run(&[&small[..], &["load"]].concat()).exits(1);
    refused.fails_with("--unpin");
    command(&["transform"]);
    command(&["load", "--unpin"]);
}

#[test]
fn a_second_run_is_refused_before_it_takes_over_the_consents_of_the_first() {
    let bench = Bench::new();
    bench.write("small.toml", &pipeline("v2"));
    bench.done(&["--pipeline", "small.toml", "run"]);
    let consents = || {
        let listed = ["--pipeline", "small.toml", "grants", "list"];
        bench.done(&listed).stdout
    };
    let before = consents();
    assert_eq!(before.lines().count(), 3);
    // As the first run holds it while it reads.
    let lock = bench.path().join("data/small/.landing.lock");
    let lock = fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    for command in ["run", "extract"] {
        let refused = bench.run(&["--pipeline", "small.toml", command]).exits(1);
        let error = refused.error_line();
        assert!(error.contains("another claimlake is writing"), "{error}");
    }
    assert_eq!(consents(), before);
    drop(lock);
    bench.done(&["--pipeline", "small.toml", "run"]);
    assert_ne!(consents(), before);
}
