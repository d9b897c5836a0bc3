use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, ResourceType};

use super::{Known, SearchPass};

fn claim(id: Option<&str>, updated: &str, paid: u32) -> String {
    let id = id.map_or(String::new(), |id| format!(r#""id":"{id}","#));
    let updated = match updated {
        "" => String::new(),
        updated => format!(r#""meta":{{"lastUpdated":"{updated}"}},"#),
    };
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit",{id}{updated}"payment":{paid},"patient":{{"reference":"Patient/-19"}}}}"#
    )
}

fn bundle(claims: &[String]) -> String {
    let entries: Vec<_> = claims
        .iter()
        .map(|claim| format!(r#"{{"resource":{claim}}}"#))
        .collect();
    format!(
        r#"{{"resourceType":"Bundle","entry":[{}]}}"#,
        entries.join(",")
    )
}

/// Reads a page at noon of 29 November 2026; the frames that land, with their lines.
fn frames(
    pass: &mut SearchPass,
    beside: Option<&SearchPass>,
    claims: &[String],
) -> Vec<(String, u64)> {
    let latest: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
    let resource = ResourceType::explanation_of_benefit();
    let patient = PatientId::new("-19");
    let known = Known {
        of: (ApiVersion::V3, &resource, &patient),
        landed: None,
        beside,
        latest,
    };
    let body = bundle(claims);
    let mut lines = pass.read(body.as_bytes(), &known).unwrap();
    assert_eq!(lines.page.ids.len(), claims.len());
    let frames = std::iter::from_fn(|| lines.next_frame(body.as_bytes()));
    let frames = frames.map(|(text, count)| (String::from_utf8(text).unwrap(), count));
    frames.collect()
}

/// The payments of the lines that land of a page.
fn read(pass: &mut SearchPass, beside: Option<&SearchPass>, claims: &[String]) -> Vec<u32> {
    let frames = frames(pass, beside, claims).into_iter();
    let text: String = frames.map(|(text, _)| text).collect();
    let payment = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        u32::try_from(line["payment"].as_u64().unwrap()).unwrap()
    };
    text.lines().map(payment).collect()
}

const EARLY: &str = "2026-11-01T00:00:00Z";
const LATE: &str = "2026-11-02T00:00:00-05:00";

#[test]
fn what_two_searches_serve_lands_once_and_of_two_bodies_the_newer() {
    // The id, time and payment of a claim, and of one that comes after it.
    type Claim = (Option<&'static str>, &'static str, u32);
    let one = Some("1");
    let cases: [(Claim, Claim, &[u32], u64); 9] = [
        ((one, EARLY, 1), (one, EARLY, 1), &[], 0),
        ((one, EARLY, 1), (Some("2"), EARLY, 2), &[2], 0),
        ((one, EARLY, 1), (one, LATE, 2), &[2], 1),
        ((one, LATE, 1), (one, EARLY, 2), &[], 1),
        ((one, EARLY, 1), (one, EARLY, 2), &[2], 1),
        ((one, EARLY, 1), (one, "", 2), &[], 1),
        ((one, "", 1), (one, "", 2), &[2], 1),
        ((None, EARLY, 1), (None, EARLY, 1), &[], 0),
        ((None, EARLY, 1), (None, EARLY, 2), &[2], 0),
    ];
    for (beside, then, lands, conflicts) in cases {
        let what = format!("{beside:?} {then:?}");
        let of = |(id, updated, paid): Claim| [claim(id, updated, paid)];
        // Of two searches, and of two pages of one search.
        let (mut first, mut second) = (SearchPass::default(), SearchPass::default());
        assert_eq!(read(&mut first, None, &of(beside)), [1]);
        assert_eq!(read(&mut second, Some(&first), &of(then)), lands, "{what}");
        assert_eq!(second.conflicts, conflicts, "{what}");
        assert_eq!(second.landed, lands.len() as u64);

        let mut pass = SearchPass::default();
        read(&mut pass, None, &of(beside));
        assert_eq!(read(&mut pass, None, &of(then)), lands, "{what}");
        assert_eq!(pass.conflicts, conflicts, "{what}");
    }
}

/// `meta.lastUpdated` of resources, the newest that is believed, and how many are not.
#[test]
fn the_newest_that_counts_is_never_ahead_of_the_clock() {
    const FUTURE: &str = "2099-01-01T00:00:00Z";
    const A_DAY_AHEAD: &str = "2026-11-30T12:00:00Z";
    const OF_ANOTHER_ZONE: &str = "2026-11-30T14:00:00+05:00";
    const SEVEN_DIGITS: &str = "2026-11-01T00:00:00.1234567Z";
    const FIRST_YEAR: &str = "0001-01-01T00:00:00Z";
    const NO_TIMES: &[&str] = &["", "yesterday", "2026-11-28", "2026-13-01T00:00:00Z", EARLY];
    let cases: [(&[&str], Option<&str>, u64); 11] = [
        (&[EARLY, FUTURE], Some(EARLY), 1),
        (&[FUTURE, "2098-01-01T00:00:00Z"], None, 2),
        (
            &["9999-12-31T23:59:59.9999999Z", LATE, EARLY],
            Some(LATE),
            1,
        ),
        // Up to a day ahead it is a clock that is a little off, or another zone.
        (&[EARLY, A_DAY_AHEAD], Some(A_DAY_AHEAD), 0),
        (&[EARLY, "2026-11-30T12:00:01Z"], Some(EARLY), 1),
        (&[EARLY, "2026-11-30T08:00:00-05:00"], Some(EARLY), 1),
        (&[EARLY, OF_ANOTHER_ZONE], Some(OF_ANOTHER_ZONE), 0),
        // As .NET writes them.
        (&[EARLY, SEVEN_DIGITS], Some(SEVEN_DIGITS), 0),
        (&[FIRST_YEAR], Some(FIRST_YEAR), 0),
        // What cannot be read says nothing.
        (NO_TIMES, Some(EARLY), 0),
        (&["yesterday"], None, 0),
    ];
    for (stated, newest, ahead) in cases {
        let claims = (0_u32..).zip(stated);
        let claims: Vec<_> = claims
            .map(|(number, updated)| claim(Some(&number.to_string()), updated, number))
            .collect();
        let mut pass = SearchPass::default();
        let landed = read(&mut pass, None, &claims);
        assert_eq!(landed.len(), claims.len(), "all of them land");
        let found = pass.newest.map(|(_, text)| text);
        let found = (found.as_deref(), pass.ahead);
        assert_eq!(found, (newest, ahead), "{stated:?}");
    }
}

#[test]
fn a_large_page_lands_in_frames_of_some_megabytes_each_of_whole_lines() {
    let claims: Vec<String> = ["a", "b", "c"]
        .into_iter()
        .map(|id| {
            let pad = format!("\"pad\":\"{}\",\"payment\"", "x".repeat(3 << 20));
            claim(Some(id), EARLY, 1).replace("\"payment\"", &pad)
        })
        .collect();
    let frames = frames(&mut SearchPass::default(), None, &claims);
    let counts: Vec<u64> = frames.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [2, 1]);
    let text: String = frames.into_iter().map(|(text, _)| text).collect();
    assert!(text.lines().eq(claims.iter().map(String::as_str)));
}
