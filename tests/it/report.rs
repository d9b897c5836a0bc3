//! The report: over nothing, over one claim, over the demo, and over a lake that it must refuse.

use std::fs;

use crate::command::Bench;
use crate::files::{edit_manifest, files};

const CLAIM: &str = r#"{"resourceType":"ExplanationOfBenefit","id":"carrier--1","meta":{"lastUpdated":"2026-01-02T03:04:05Z"},"status":"active","type":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":"CARRIER"}]},"patient":{"reference":"Patient/-10000010254618"},"billablePeriod":{"start":"2024-03-04","end":"2024-03-04"},"payment":{"amount":{"value":1234.56,"currency":"USD"}}}"#;

fn with_one_claim() -> Bench {
    let bench = Bench::new();
    bench.load("d", "claim.ndjson", CLAIM);
    bench
}

fn report(bench: &Bench, more: &[&str]) -> String {
    let arguments = [&["--data", "d", "report", "--output", "-"], more].concat();
    bench.done(&arguments).stdout
}

#[test]
fn a_report_over_nothing_says_that_nothing_is_there() {
    let bench = Bench::new();
    let ended = bench.done(&["--data", "d", "report"]);
    ended.says("nothing is published yet");
    let page = fs::read_to_string(bench.path().join("d/report.html")).unwrap();
    assert!(page.contains("nothing is published yet"), "{page}");
    assert!(page.contains("No Medicare Advantage (Part C) claims"));
}

#[test]
fn one_claim_is_masked_unless_asked() {
    let bench = with_one_claim();
    let masked = report(&bench, &[]);
    let first = masked.lines().next().unwrap();
    assert!(
        first.contains("holds no protected health information"),
        "{first}"
    );
    assert!(!masked.contains("$1,235"), "{masked}");
    assert!(masked.contains("<b>1–10</b><span>patients with claims</span>"));
    assert!(masked.contains("not shown: too few patients"));
    let whole = report(&bench, &["--unmasked"]);
    let first = whole.lines().next().unwrap();
    assert!(
        first.contains("This report holds protected health information"),
        "{first}"
    );
    assert!(whole.contains("<b>$1,235</b><span>paid by Medicare</span>"));
    assert!(whole.contains("2024-03: $1,235, 1 claim<"));
    for page in [masked, whole] {
        assert!(!page.contains("10000010254618") && !page.contains("carrier--1"));
    }
}

/// By kind: the payments of its claims, none where a claim says nothing of one, and what is shown.
#[test]
fn a_payment_that_no_claim_states_is_not_known_and_never_nothing() {
    let none: &[Option<&str>] = &[None, None, None];
    for (payments, paid, more) in [
        (none, "not known", None),
        (&[Some("0"), Some("0.00")], "$0", None),
        (
            &[Some("10.50"), None, Some("20.00")],
            "$31",
            Some("payment known of 2"),
        ),
        (&[Some("5"), Some("-5")], "$0", None),
        (&[Some("0"), None], "$0", Some("payment known of 1")),
        (&[Some("-3.00")], "−$3", None),
    ] {
        let bench = Bench::new();
        let lines = payments.iter().enumerate().map(|(id, payment)| {
            let claim = CLAIM
                .replace("carrier--1", &format!("pde-{id}"))
                .replace("CARRIER", "PDE");
            let amount = r#""payment":{"amount":{"value":1234.56,"currency":"USD"}}"#;
            assert!(claim.contains(amount));
            claim.replace(
                amount,
                &match payment {
                    Some(value) => amount.replace("1234.56", value),
                    None => r#""payment":{"date":"2024-03-05"}"#.to_owned(),
                },
            ) + "\n"
        });
        bench.load("d", "claim.ndjson", &lines.collect::<String>());
        let page = report(&bench, &["--unmasked"]);
        let shown = format!("<b>PDE</b><br><span class=\"paid\">{paid}</span>");
        assert!(page.contains(&shown), "{payments:?}: {page}");
        let tile = format!("<b>{paid}</b><span>paid by Medicare");
        assert!(page.contains(&tile), "{payments:?}: {page}");
        let month = format!("2024-03: {paid}, {} claim", payments.len());
        assert!(page.contains(&month), "{payments:?}: {page}");
        assert_eq!(
            page.contains("payment known of"),
            more.is_some(),
            "{payments:?}"
        );
        assert!(more.is_none_or(|more| page.contains(more)), "{payments:?}");
        if paid == "not known" {
            assert!(!page.contains("$0"), "{page}");
        }
    }
}

#[test]
fn the_file_fetches_nothing() {
    let bench = with_one_claim();
    let page = report(&bench, &[]);
    for fetched in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn text_from_resources_is_no_markup() {
    let bench = Bench::new();
    bench.load("d", "claim.ndjson", &CLAIM.replace("CARRIER", "<b>&x"));
    let page = report(&bench, &["--unmasked"]);
    assert!(
        page.contains("&lt;b&gt;&amp;x") && !page.contains("<b>&x"),
        "{page}"
    );
}

#[test]
fn reconciliation_is_reported_and_decides_the_exit_code() {
    let bench = with_one_claim();
    assert!(report(&bench, &[]).contains("Not asked"));
    assert!(report(&bench, &["--verify"]).contains("<b>Yes.</b>"));
    let mut parts = files(&bench.path().join("d/landing"));
    parts.retain(|path| path.extension().is_some_and(|kind| kind == "zst"));
    let mut bytes = fs::read(&parts[0]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&parts[0], bytes).unwrap();
    bench
        .run(&["--data", "d", "report", "--verify", "--output", "r.html"])
        .exits(1);
    let page = fs::read_to_string(bench.path().join("r.html")).unwrap();
    assert!(page.contains("<p class=\"wrong\">No.</p>"));
}

#[test]
fn a_lake_of_another_version_is_refused() {
    let bench = with_one_claim();
    let folder = bench.path().join("d/lake/snapshots/1");
    edit_manifest(&folder, |manifest| manifest["format"] = 2.into());
    let ended = bench.run(&["--data", "d", "report"]).exits(1);
    ended.fails_with("it has format 2, and this version of claimlake reads 1");
    assert!(!bench.path().join("d/report.html").exists());
}
