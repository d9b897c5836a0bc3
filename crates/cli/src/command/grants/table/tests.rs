use chrono::{DateTime, Utc};
use claimlake_consent::grants::ListedGrant;
use claimlake_contract::{ApiVersion, GrantHandle, PatientId};
use claimlake_vault::{Grant, GrantState, Scopes};

use super::table;

const HANDLES: [&str; 3] = [
    "g42f630a8b2bc5139",
    "g52335d94f07b9032",
    "g000000000000000a",
];

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn grant(number: usize, state: GrantState) -> ListedGrant {
    let handle: GrantHandle = HANDLES[number].parse().unwrap();
    let grant = Grant {
        earlier: None,
        handle,
        api: ApiVersion::V2,
        patient: Some(PatientId::new(format!("-2014000000000{number}"))),
        external_id: None,
        state,
        reason: None,
        state_since: instant("2026-11-30T01:28:32Z"),
        consented_at: instant("2026-11-30T01:28:32Z"),
        grant_expires_at: Some(instant("2027-12-30T01:28:32Z")),
        scopes: Scopes::default(),
        one_time: false,
        access_expires_at: None,
        generation: 1,
        refreshed_at: None,
    };
    ListedGrant {
        grant,
        days_left: Some(394),
        needs: None,
    }
}

fn some_grants() -> Vec<ListedGrant> {
    let mut ended = grant(1, GrantState::NeedsConsent);
    ended.grant.reason = Some("the server says that the consent is over: invalid_grant".into());
    ended.days_left = Some(-3);
    let mut nameless = grant(2, GrantState::Doubtful);
    (nameless.grant.patient, nameless.grant.grant_expires_at) = (None, None);
    nameless.days_left = None;
    vec![ended, grant(0, GrantState::Active), nameless]
}

#[test]
fn the_columns_are_aligned_and_fit_eighty_columns() {
    let expected = "\
grant             patient         api state         since      ends       days
g52335d94f07b9032 -20140000000001 v2  needs consent 2026-11-30 2027-12-30   -3
g42f630a8b2bc5139 -20140000000000 v2  active        2026-11-30 2027-12-30  394
g000000000000000a -               v2  doubtful      2026-11-30 -             -
g52335d94f07b9032: the server says that the consent is over: invalid_grant
";
    assert_eq!(table(&some_grants(), 80), expected);
}

#[test]
fn a_wide_terminal_shows_external_ids_beside_and_a_narrow_one_a_paragraph() {
    let mut grants = some_grants();
    grants[1].grant.external_id = Some("my-own-id".into());
    let wide = table(&grants, 120);
    let expected = "\
grant              patient          external id  api  state          since       ends        days
g52335d94f07b9032  -20140000000001  -            v2   needs consent  2026-11-30  2027-12-30    -3
g42f630a8b2bc5139  -20140000000000  my-own-id    v2   active         2026-11-30  2027-12-30   394
";
    assert!(wide.starts_with(expected), "{wide}");
    let usual = table(&grants, 80);
    let expected = "\
grant             patient         api state         since      ends       days
g52335d94f07b9032 -20140000000001 v2  needs consent 2026-11-30 2027-12-30   -3
g42f630a8b2bc5139 -20140000000000 v2  active        2026-11-30 2027-12-30  394
  external id  my-own-id
";
    assert!(usual.starts_with(expected), "{usual}");
    let narrow = table(&grants, 40);
    let expected = "\
g52335d94f07b9032 v2 needs consent
  patient      -20140000000001
  since        2026-11-30
  ends         2027-12-30
  days left    -3
  the server says that the consent is
    over: invalid_grant
g42f630a8b2bc5139 v2 active
  patient      -20140000000000
  external id  my-own-id
";
    assert!(narrow.starts_with(expected), "{narrow}");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_id_is_cut() {
    let mut grants = some_grants();
    grants[0].grant.external_id = Some("a-name-of-the-app-".repeat(6));
    grants[1].grant.reason = Some("word ".repeat(60));
    for width in [200, 120, 100, 80, 79, 60, 40, 20] {
        let shown = table(&grants, width);
        for line in shown.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        let all: String = shown.split_whitespace().collect();
        let whole = grants[0].grant.external_id.as_deref().unwrap();
        assert!(all.contains(whole), "{width}: {shown}");
    }
}

#[test]
fn control_characters_of_an_external_id_are_shown_and_not_obeyed() {
    let mut grants = some_grants();
    grants[0].grant.external_id = Some("\u{1b}[2Ja\r\nb\u{202e}c\u{9b}".into());
    for width in [200, 40] {
        let shown = table(&grants, width);
        let is_plain = |one: char| one == '\n' || !one.is_control() && one != '\u{202e}';
        assert!(shown.chars().all(is_plain), "{shown:?}");
        let all: String = shown.split_whitespace().collect();
        assert!(all.contains(r"\u{1b}[2Ja\r\nb\u{202e}c\u{9b}"), "{shown}");
    }
}
