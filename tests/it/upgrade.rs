//! Data directories that an earlier build left, `fixtures/earlier_build`: its rules had version 2.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, Ended, repository};
use crate::current::bodies::found;
use crate::files::files;

const APIS: [&str; 2] = ["v2", "v3"];

/// Unpacks the data directory of an API, `d` in a folder of its own.
fn unpacked(api: &str) -> Bench {
    let bench = Bench::new();
    let packed = repository().join(format!("fixtures/earlier_build/{api}.tar.zst"));
    let packed = std::fs::File::open(packed).unwrap();
    let tar = zstd::stream::decode_all(packed).unwrap();
    let mut unpack = Command::new("tar");
    unpack
        .args(["--extract", "--file=-"])
        .current_dir(bench.path());
    Ended::fed(unpack.stdout(Stdio::piped()), tar).exits(0);
    std::fs::rename(bench.path().join(api), bench.path().join("d")).unwrap();
    // They are kept without their vaults: what landed says that there was one.
    let lost = bench.run(&["--data", "d", "grants", "list"]);
    lost.fails_with("claimlake --data d vault new");
    bench.done(&["--data", "d", "vault", "new", "--yes"]);
    bench
}

/// Runs a command against the sandbox's people of that build.
fn run(bench: &Bench, api: &str, arguments: &[&str]) -> Ended {
    let mut command = bench.command(&[&["--json", "--data", "d"], arguments].concat());
    for (name, value) in [
        ("API", api),
        ("PATIENTS", "2"),
        ("EOBS", "3"),
        ("SEED", "7"),
    ] {
        command.env(format!("CLAIMLAKE_SOURCE_{name}"), value);
    }
    Ended::of(&mut command)
}

fn done(bench: &Bench, api: &str, arguments: &[&str]) -> Ended {
    run(bench, api, arguments).exits(0)
}

/// A lake of an earlier build is no damage: `verify` warns of the rules it was made by, and only then.
fn warns_of_rules(bench: &Bench, api: &str) -> bool {
    let checks = done(bench, api, &["verify"]).checks();
    checks.iter().any(|check| check["name"] == "rules_version")
}

/// The kinds of changes of the claims that were written for this, counted: the sandbox's people may
/// have other claims now.
fn kinds(bench: &Bench, api: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for row in done(bench, api, &["changes"]).events() {
        let is_own = ["new", "replaced", "staged"]
            .map(Value::from)
            .contains(&row["resource_id"]);
        if let (Some(kind), true) = (row["kind"].as_str(), is_own) {
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
    kinds
}

/// What is said of the claims that were written for this, by the ends of their ids.
fn said(bench: &Bench, api: &str) -> Vec<(String, Option<bool>)> {
    let found = found(&bench.path().join("d/lake"));
    let own = ["new", "replaced", "staged"].map(|id| format!("{api} {id}"));
    let known = own
        .into_iter()
        .filter_map(|key| Some((key.clone(), *found.get(&key)?)));
    known.collect()
}

fn mended(api: &str) -> Vec<(String, Option<bool>)> {
    let current = [("new", true), ("replaced", false), ("staged", true)];
    current
        .map(|(id, current)| (format!("{api} {id}"), Some(current)))
        .into()
}

#[test]
fn load_alone_refuses_what_an_earlier_build_staged_and_a_plain_run_makes_all_anew() {
    for api in APIS {
        let bench = unpacked(api);
        // By the former rule nothing was current where the replaced version was updated last.
        let before = [("new", false), ("replaced", false)];
        assert_eq!(
            said(&bench, api),
            before.map(|(id, current)| (format!("{api} {id}"), Some(current)))
        );
        let kinds_before = kinds(&bench, api);
        assert!(warns_of_rules(&bench, api));
        let refused = run(&bench, api, &["load"]).exits(1);
        refused.fails_with("by the rules of another version of claimlake");
        refused.fails_with("`claimlake --data d transform`");
        // What is to be done next can be done.
        let status = bench.run(&["--data", "d", "status"]);
        status.prints("claimlake --data d transform");
        done(&bench, api, &["run"]);
        assert_eq!(said(&bench, api), mended(api));
        // The staged claim is new. What changed by the rule alone is not among the changes.
        let mut expected = kinds_before;
        *expected.entry("new".to_owned()).or_default() += 1;
        assert_eq!(kinds(&bench, api), expected);
        assert!(!warns_of_rules(&bench, api));
        // Later loads go on by the same rule, and the rest as well.
        done(&bench, api, &["run"]);
        assert_eq!(said(&bench, api), mended(api));
    }
}

#[test]
fn a_lake_of_an_earlier_build_is_not_loaded_on_where_nothing_is_staged() {
    for api in APIS {
        let bench = unpacked(api);
        std::fs::remove_dir_all(bench.path().join("d/staged")).unwrap();
        let refused = run(&bench, api, &["load"]).exits(1);
        refused.fails_with("transform`, then load again");
        done(&bench, api, &["transform"]);
        done(&bench, api, &["load"]);
        assert_eq!(said(&bench, api), mended(api));
        done(&bench, api, &["verify"]);
    }
}

#[test]
fn a_pinned_lake_of_an_earlier_build_stays_as_it_is_until_it_is_let_go() {
    for api in APIS {
        let bench = unpacked(api);
        done(&bench, api, &["snapshots", "rollback", "1"]);
        let refused = run(&bench, api, &["run"]).exits(1);
        refused.fails_with("--unpin");
        assert!(said(&bench, api).is_empty());
        done(&bench, api, &["load", "--unpin"]);
        assert_eq!(said(&bench, api), mended(api));
        // Back to a snapshot of the earlier build: its groups and new ones are never mixed.
        done(&bench, api, &["snapshots", "rollback", "1"]);
        run(&bench, api, &["load", "--unpin"]).exits(1);
        done(&bench, api, &["transform"]);
        done(&bench, api, &["load", "--unpin"]);
        assert_eq!(said(&bench, api), mended(api));
        done(&bench, api, &["verify"]);
    }
}

#[test]
fn a_person_is_forgotten_in_a_lake_of_an_earlier_build_and_the_next_run_makes_it_anew() {
    for api in APIS {
        let bench = unpacked(api);
        done(&bench, api, &["forget", "--yes", "--offline", "synthetic"]);
        assert!(said(&bench, api).is_empty());
        done(&bench, api, &["run"]);
        assert!(said(&bench, api).is_empty());
        assert!(!found(&bench.path().join("d/lake")).is_empty());
        done(&bench, api, &["verify"]);
    }
}

/// Changes the first owner that a file of an earlier build names.
fn damage_owner(path: &Path) {
    use arrow_array::cast::AsArray as _;
    let file = std::fs::File::open(path).unwrap();
    let mut reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    let batch = reader.next().unwrap().unwrap();
    let owner = batch.column(0).as_fixed_size_binary().value(0).to_vec();
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes
        .windows(16)
        .position(|window| *window == *owner)
        .unwrap();
    bytes[at + 7] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn owners_of_rows_that_an_earlier_build_kept_without_hashes_are_verified_and_made_anew() {
    for api in APIS {
        let bench = unpacked(api);
        assert!(warns_of_rules(&bench, api));
        let snapshot = bench.path().join("d/lake/current").canonicalize().unwrap();
        let owners = files(&snapshot.join("keys/rows/eob"));
        let manifest = std::fs::read_to_string(snapshot.join("manifest.json")).unwrap();
        assert!(!manifest.contains("keys/rows"));
        for (what, damage) in [
            ("flipped", damage_owner as fn(&Path)),
            ("empty", |path| std::fs::write(path, "").unwrap()),
            ("deleted", |path| std::fs::remove_file(path).unwrap()),
        ] {
            let whole = std::fs::read(&owners[0]).unwrap();
            damage(&owners[0]);
            let verified = run(&bench, api, &["verify"]);
            assert_eq!(verified.exit, 1, "{what}");
            let named = owners[0]
                .strip_prefix(&snapshot)
                .unwrap()
                .display()
                .to_string();
            let summary = verified.summary()["verify"].to_string();
            assert!(summary.contains(&named), "{what}: {summary}");
            std::fs::write(&owners[0], whole).unwrap();
        }
        damage_owner(&owners[0]);
        done(&bench, api, &["run"]);
        assert!(!warns_of_rules(&bench, api));
        let made = bench.path().join("d/lake/current").canonicalize().unwrap();
        assert_ne!(made, snapshot);
        assert!(!made.join("keys/rows/eob").exists());
        let manifest = std::fs::read_to_string(made.join("manifest.json")).unwrap();
        assert!(manifest.contains("keys/rows/ExplanationOfBenefit/"));
    }
}
