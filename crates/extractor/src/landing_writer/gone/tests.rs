use std::collections::BTreeSet;

use chrono::{TimeZone, Utc};
use claimlake_contract::{IdHash, PatientState, ResourceType};
use claimlake_vault::{FullRead, KnownResources};

use super::{Missing, compare, remember};
use crate::landing_writer::claim_kinds::ClaimKinds;
use crate::landing_writer::landed_before::LandedResource;
use crate::landing_writer::patient_commit::ResourceCommit;
use crate::landing_writer::search_pass::{SearchPass, Served};
use crate::landing_writer::search_scope::SearchScope;

const SOURCES: &str = "NCH,DDPS,FISS,MCS,VMS,CWF";

fn id(number: u8) -> IdHash {
    IdHash([number; 16])
}

fn served() -> Served {
    Served {
        content: [9; 16],
        last_updated: None,
    }
}

fn pass(ids: &[u8], kinds: ClaimKinds) -> SearchPass {
    SearchPass {
        seen: ids.iter().map(|one| (id(*one).0, served())).collect(),
        kinds,
        ..SearchPass::default()
    }
}

fn known_ids(ids: std::ops::Range<u8>, doubted: &[u8]) -> KnownResources {
    let mut known_ids = KnownResources::default();
    ids.for_each(|one| known_ids.insert(id(one).0, [9; 16]));
    doubted.iter().for_each(|one| known_ids.doubt(id(*one).0));
    known_ids
}

fn known() -> FullRead {
    FullRead {
        counted_from: Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap(),
        scopes: "all".into(),
        sources: SOURCES.into(),
        swept: true,
        beside: 0,
        doubted: 0,
    }
}

fn commit(scopes: &str, sources: &str, known: FullRead) -> ResourceCommit {
    ResourceCommit {
        resource: ResourceType::explanation_of_benefit(),
        reads: Vec::new(),
        state: PatientState::Complete,
        reason: None,
        full: true,
        total: None,
        previous: None,
        is_suspicious: false,
        asked: Some(SearchScope {
            scopes: scopes.into(),
            sources: sources.into(),
            known: Some(known),
        }),
    }
}

const ALL_KINDS: ClaimKinds = ClaimKinds {
    part_2: true,
    beyond_part_d: true,
    sources: BTreeSet::new(),
};

fn numbers(ids: &[IdHash]) -> Vec<u8> {
    ids.iter().map(|id| id.0[0]).collect()
}

#[test]
fn what_a_full_read_lacks_is_gone_unless_it_proves_nothing_or_is_too_much_at_once() {
    struct Case {
        what: &'static str,
        known_ids: u8,
        doubted: &'static [u8],
        main: std::ops::Range<u8>,
        beside: &'static [u8],
        beside_before: u64,
        gone: &'static [u8],
        in_doubt: &'static [u8],
        proves: bool,
    }
    let plain = |what, known_ids, main, gone, in_doubt| Case {
        what,
        known_ids,
        doubted: &[],
        main,
        beside: &[],
        beside_before: 0,
        gone,
        in_doubt,
        proves: true,
    };
    let cases = [
        plain("nothing is missing", 8, 0..8, &[], &[]),
        plain("one of eight", 8, 1..8, &[0], &[]),
        plain("two of eight are a quarter", 8, 2..8, &[0, 1], &[]),
        plain("three of eight", 8, 3..8, &[], &[0, 1, 2]),
        plain("one of two", 2, 1..2, &[0], &[]),
        plain("one of one, another came", 1, 5..6, &[0], &[]),
        plain("all of four, others came", 4, 5..9, &[], &[0, 1, 2, 3]),
        Case {
            doubted: &[0, 1, 2],
            ..plain("missing twice", 8, 3..8, &[0, 1, 2], &[])
        },
        Case {
            doubted: &[0, 1, 2],
            ..plain("some came back", 8, 2..8, &[0, 1], &[])
        },
        Case {
            doubted: &[0],
            ..plain("more than before", 9, 4..9, &[0], &[1, 2, 3])
        },
        Case {
            proves: false,
            ..plain("an empty answer", 2, 0..0, &[], &[])
        },
        Case {
            beside: &[20, 21],
            proves: false,
            ..plain("empty but for prior authorizations", 2, 0..0, &[], &[])
        },
        Case {
            beside_before: 1,
            ..plain("no prior authorizations any more", 9, 1..9, &[], &[0])
        },
        Case {
            beside: &[20],
            beside_before: 2,
            ..plain("fewer prior authorizations", 9, 1..9, &[0], &[])
        },
    ];
    for case in cases {
        let before = FullRead {
            beside: case.beside_before,
            ..known()
        };
        let commit = commit("all", SOURCES, before);
        let main: Vec<u8> = case.main.collect();
        let passes = [pass(&main, ALL_KINDS), pass(case.beside, ALL_KINDS)];
        let missing = compare(
            &commit,
            &passes,
            &known_ids(0..case.known_ids, case.doubted),
            &[],
        );
        assert_eq!(!missing.proves_nothing, case.proves, "{}", case.what);
        if case.proves {
            assert_eq!(numbers(&missing.gone), case.gone, "{}", case.what);
            assert_eq!(numbers(&missing.doubted), case.in_doubt, "{}", case.what);
        }
    }
}

#[test]
fn a_read_that_asks_for_less_than_the_one_before_proves_nothing() {
    // Scopes and sources that are asked for, and that were before.
    for (asked, before, proves) in [
        (("all", SOURCES), ("all", SOURCES), true),
        (("all", SOURCES), ("category=a", SOURCES), true),
        (("category=a", SOURCES), ("all", SOURCES), false),
        (
            ("category=a", SOURCES),
            ("category=a category=b", SOURCES),
            false,
        ),
        (
            ("category=b category=a", SOURCES),
            ("category=a", SOURCES),
            true,
        ),
        (("all", "NCH,DDPS"), ("all", SOURCES), false),
        (("all", SOURCES), ("all", "DDPS,NCH"), true),
    ] {
        let known = FullRead {
            scopes: before.0.into(),
            sources: before.1.into(),
            ..known()
        };
        let commit = commit(asked.0, asked.1, known);
        let passes = [pass(&[1, 2, 3, 4, 5], ALL_KINDS)];
        let missing = compare(&commit, &passes, &known_ids(0..6, &[]), &[]);
        assert_eq!(!missing.proves_nothing, proves, "{asked:?} {before:?}");
    }
}

#[test]
fn scopes_count_by_what_a_search_finds_with_them() {
    let of = |scopes: &str| {
        let claims = ResourceType::explanation_of_benefit();
        SearchScope::scopes_of(scopes.split(' '), &claims)
    };
    for all in [
        "",
        "patient/Patient.read patient/ExplanationOfBenefit.rs",
        "patient/ExplanationOfBenefit.read openid",
        "patient/*.rs",
        "patient/ExplanationOfBenefit.rs?category=x patient/ExplanationOfBenefit.s",
    ] {
        assert_eq!(of(all), "all", "{all}");
    }
    let some =
        "patient/ExplanationOfBenefit.rs?category=y patient/ExplanationOfBenefit.rs?category=x";
    assert_eq!(of(some), "category=x category=y");
}

#[test]
fn a_kind_of_claims_that_the_answer_has_none_of_may_only_be_withheld() {
    let part_2 = || ALL_KINDS;
    let plain = || ClaimKinds {
        part_2: false,
        ..ALL_KINDS
    };
    let part_d = ClaimKinds::default;
    let of = |sources: &[&str]| ClaimKinds {
        sources: sources.iter().map(|one| (*one).to_owned()).collect(),
        ..ALL_KINDS
    };
    // What was served, what is missing, whether that is gone.
    let cases = [
        (plain(), part_2(), false),
        (part_2(), part_2(), true),
        (part_2(), plain(), true),
        (part_d(), plain(), false),
        (part_d(), part_d(), true),
        (plain(), part_d(), true),
        (part_d(), part_2(), false),
        (of(&["NCH"]), of(&["FISS"]), false),
        (of(&["NCH"]), of(&["NCH"]), true),
        (of(&["NCH", "FISS"]), of(&["FISS"]), true),
        (of(&["NCH", "DDPS"]), of(&["CWF"]), false),
        // Of the shared systems one fails, another is there.
        (of(&["Shared", "MCS"]), of(&["Shared", "FISS"]), false),
        (of(&["Shared", "MCS"]), of(&["Shared"]), true),
        (of(&[]), of(&["NationalClaimsHistory"]), false),
        (of(&["NCH"]), of(&[]), true),
    ];
    for (served, kinds, is_gone) in cases {
        let commit = commit("all", SOURCES, known());
        let what = format!("{served:?} {kinds:?}");
        let landed = [LandedResource {
            id: id(0),
            content: [3; 16],
            kinds,
        }];
        let passes = [pass(&[1, 2, 3, 4], served)];
        let missing: Missing = compare(&commit, &passes, &known_ids(0..5, &[]), &landed);
        let found = (missing.gone.len(), missing.withheld.len());
        let expected = if is_gone { (1, 0) } else { (0, 1) };
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn what_landed_before_and_is_not_known_is_compared_once() {
    let unswept = FullRead {
        swept: false,
        sources: String::new(),
        ..known()
    };
    let commit = commit("all", "", unswept);
    let landed = [LandedResource {
        id: id(7),
        content: [3; 16],
        kinds: ClaimKinds::of(b"{}"),
    }];
    let passes = [pass(&[0, 1, 2, 3], ClaimKinds::default())];
    let before = known_ids(0..4, &[]);
    assert!(super::needs_bodies(&commit, &passes, &before));
    let missing = compare(&commit, &passes, &before, &landed);
    assert_eq!(numbers(&missing.gone), [7]);
    let now = Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap();
    let read = remember(&commit, &passes, Some(&missing), now).unwrap();
    assert!(read.swept);
    assert_eq!(read.counted_from, known().counted_from);
}

#[test]
fn a_suspicious_answer_says_of_nothing_that_it_is_gone() {
    let now = Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap();
    // What came of eight, what was in doubt before, how many are not proven to be gone.
    let cases: [(&[u8], &[u8], u64); 4] = [
        (&[1, 2, 3, 4, 5, 6, 7], &[], 1),
        (&[0, 1, 2], &[], 5),
        (&[1, 2, 3, 4, 5, 6, 7], &[0], 1),
        (&[0, 1, 2, 3, 4, 5, 6, 7, 8], &[], 0),
    ];
    for (came, doubted, unproven) in cases {
        let mut commit = commit("all", SOURCES, known());
        commit.is_suspicious = true;
        let passes = [pass(came, ALL_KINDS)];
        let missing = compare(&commit, &passes, &known_ids(0..8, doubted), &[]);
        assert_eq!(missing.unproven, unproven, "{came:?}");
        assert_eq!(missing.proves_nothing, unproven > 0, "{came:?}");
        // The next run reads everything again.
        let read = remember(&commit, &passes, Some(&missing), now).unwrap();
        assert_eq!(read.doubted, unproven, "{came:?}");
    }
}

#[test]
fn kinds_are_found_in_the_text_of_a_body() {
    let part_2 = br#"{"meta":{"security":[{"code":"42CFRPart2"}],"tag":[{"code":"NationalClaimsHistory"}]}}"#;
    let part_d = br#"{"meta":{"tag":[{"code":"DDPS"}]}}"#;
    let (part_2, part_d) = (ClaimKinds::of(part_2), ClaimKinds::of(part_d));
    assert!(part_2.part_2 && part_2.beyond_part_d);
    assert!(!part_d.part_2 && !part_d.beyond_part_d);
    let of = |meta: &str| {
        let sources = ClaimKinds::of(format!(r#"{{"id":"a","meta":{meta}}}"#).as_bytes()).sources;
        Vec::from_iter(sources).join(" ")
    };
    let tag = r#"[{"system":"https://x/System-Type","code":"SharedSystem"},
        {"system":"https://x/Final-Action","code":"FinalAction"},{"code":1},7]"#;
    assert_eq!(of(r#"{"source":"NCH#abc"}"#), "NCH");
    let both = of(&format!(r#"{{"source":"MCS","tag":{tag}}}"#));
    assert_eq!(both, "MCS SharedSystem");
    for none in [
        "{}",
        "7",
        r#"{"source":7}"#,
        r##"{"source":"#abc"}"##,
        r#"{"tag":[]}"#,
    ] {
        assert_eq!(of(none), "", "{none}");
    }
}
