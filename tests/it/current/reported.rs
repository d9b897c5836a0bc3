//! What `changes` and `verify` say of versions.

use serde_json::Value;

use super::bodies::body;
use super::lands;
use crate::command::Bench;

/// API, id and kind of the changes after a run.
fn changes(bench: &Bench, seen: &mut usize) -> Vec<String> {
    let changes = bench.done(&["--json", "--data", "d", "changes"]);
    let rows: Vec<Value> = changes
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|row: &Value| row["kind"].is_string() && row["resource_id"].is_string())
        .collect();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut new: Vec<String> = rows
        .iter()
        .skip(*seen)
        .map(|row| {
            format!(
                "{} {} {}",
                text(row, "source_api"),
                text(row, "resource_id"),
                text(row, "kind")
            )
        })
        .collect();
    *seen = rows.len();
    new.sort();
    new
}

/// By load: the bodies that come, and what `changes` says of them.
const LOADS: &[(&[&str], &[&str])] = &[
    (
        &[
            "v2 a at=1",
            "v2 x at=1 group=900",
            "v2 y at=1 group=900 from=2024-05-01 thru=2024-05-01",
            "v3 s at=1 system=SharedSystem final=FinalAction",
            "v3 o at=1 type=PDE code=1 system=DDPS",
        ],
        &[
            "v2 0a new",
            "v2 0x new",
            "v2 0y new",
            "v3 0o new",
            "v3 0s new",
        ],
    ),
    (
        // An adjusted version comes and the server has not marked the former one yet; a claim of a
        // constant group is cancelled, and no other claim of that group takes its place.
        &[
            "v2 b at=2",
            "v2 x at=2 group=900 status=cancelled",
            "v3 n at=2 system=NationalClaimsHistory final=FinalAction type=DME",
            "v3 p at=2 type=PDE code=2 system=DDPS",
        ],
        &[
            "v2 0b new",
            "v2 0x cancelled",
            "v3 0n new",
            "v3 0o superseded",
            "v3 0p new",
            "v3 0s superseded",
        ],
    ),
    (
        // The former version is marked, and is updated last. The event is deleted.
        &[
            "v2 a at=3 status=cancelled",
            "v2 x at=3 group=900",
            "v3 d at=3 type=PDE code=3 system=DDPS",
        ],
        &[
            "v2 0a superseded",
            "v2 0x changed",
            "v3 0d new",
            "v3 0p cancelled",
        ],
    ),
    (
        // The whole claim goes.
        &[
            "v2 b at=4 status=cancelled",
            "v3 n at=4 system=NationalClaimsHistory final=NotFinalAction type=DME",
        ],
        &["v2 0b cancelled", "v3 0n cancelled"],
    ),
    (
        // Reinstated.
        &[
            "v2 b at=5",
            "v3 n at=5 system=NationalClaimsHistory final=FinalAction type=DME",
        ],
        &["v2 0b changed", "v3 0n changed"],
    ),
];

#[test]
fn changes_say_what_was_superseded_cancelled_and_reinstated_by_the_same_rule() {
    let bench = Bench::new();
    let mut seen = 0;
    for (bodies, said) in LOADS {
        let bodies: Vec<_> = bodies.iter().map(|line| body(0, line)).collect();
        lands(&bench, &["--data", "d"], &bodies);
        assert_eq!(changes(&bench, &mut seen), *said);
    }
    // All of landing again: nothing happened.
    bench.done(&["--data", "d", "transform", "--full"]);
    bench.done(&["--data", "d", "load"]);
    assert!(changes(&bench, &mut seen).is_empty());
}

fn check(bench: &Bench, name: &str) -> (u64, u64, Vec<String>) {
    let verified = bench.done(&["--json", "--data", "d", "verify"]);
    let checks = verified.summary()["verify"]["checks"].clone();
    let checks = checks.as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    let places = check["places"].as_array().unwrap().iter();
    (
        check["checked"].as_u64().unwrap(),
        check["failed"].as_u64().unwrap(),
        places
            .map(|place| place.as_str().unwrap().to_owned())
            .collect(),
    )
}

#[test]
fn verify_warns_of_several_current_versions_and_of_pairs_of_two_types() {
    let bench = Bench::new();
    let bodies = [
        // Two active versions of one claim.
        "v2 a at=1",
        "v2 b at=2",
        // Not one claim: a constant group.
        "v2 x at=1 group=900 from=2024-05-01 thru=2024-05-01",
        "v2 y at=1 group=900 from=2024-06-01 thru=2024-06-01",
        // Pairs of one type, and of two; and one whose tag says itself that it is out.
        "v3 s at=1 system=SharedSystem final=FinalAction",
        "v3 n at=1 system=NationalClaimsHistory final=FinalAction",
        "v3 t at=1 ccn=2 system=SharedSystem final=FinalAction type=DME",
        "v3 m at=1 ccn=2 system=NationalClaimsHistory final=FinalAction",
        "v3 u at=1 ccn=3 system=SharedSystem final=NotFinalAction type=DME",
        "v3 l at=1 ccn=3 system=NationalClaimsHistory final=FinalAction",
    ];
    lands(&bench, &["--data", "d"], &bodies.map(|line| body(0, line)));
    let (claims, failed, places) = check(&bench, "one_current");
    assert_eq!((claims, failed), (4, 1), "{places:?}");
    assert!(places[0].contains("eob_type=CARRIER"), "{places:?}");
    assert!(
        places[0].ends_with(": 2 versions are current"),
        "{places:?}"
    );
    let (pairs, failed, places) = check(&bench, "final_claim_type");
    assert_eq!((pairs, failed), (2, 1), "{places:?}");
    let place = &places[0];
    assert!(
        place.contains("eob_type=DME/") && place.contains(" and eob/eob_type=CARRIER/"),
        "{place}"
    );
    let (rows, failed, _) = check(&bench, "is_current");
    assert_eq!((rows, failed), (10, 0));
    let (_, failed, _) = check(&bench, "current_rule");
    assert_eq!(failed, 0);
}
