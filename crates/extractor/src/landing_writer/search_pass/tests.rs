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

/// Reads a page at noon of 29 November 2026; the payments of the lines that land.
fn read(pass: &mut SearchPass, beside: Option<&SearchPass>, claims: &[String]) -> Vec<u32> {
    let latest: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
    let resource = ResourceType::explanation_of_benefit();
    let patient = PatientId::new("-19");
    let known = Known {
        of: (ApiVersion::V3, &resource, &patient),
        held: None,
        beside,
        latest,
    };
    let body = bundle(claims);
    let mut lines = pass.read(body.as_bytes(), &known).unwrap();
    assert_eq!(lines.page.ids.len(), claims.len());
    let mut text = String::new();
    while let Some((frame, count)) = lines.next_frame(body.as_bytes()) {
        assert_eq!(
            frame.iter().filter(|byte| **byte == b'\n').count(),
            count as usize
        );
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
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
    for (beside, then, lands, conflicts) in [
        (
            claim(Some("1"), EARLY, 1),
            claim(Some("1"), EARLY, 1),
            vec![],
            0,
        ),
        (
            claim(Some("1"), EARLY, 1),
            claim(Some("2"), EARLY, 2),
            vec![2],
            0,
        ),
        (
            claim(Some("1"), EARLY, 1),
            claim(Some("1"), LATE, 2),
            vec![2],
            1,
        ),
        (
            claim(Some("1"), LATE, 1),
            claim(Some("1"), EARLY, 2),
            vec![],
            1,
        ),
        (
            claim(Some("1"), EARLY, 1),
            claim(Some("1"), EARLY, 2),
            vec![2],
            1,
        ),
        (
            claim(Some("1"), EARLY, 1),
            claim(Some("1"), "", 2),
            vec![],
            1,
        ),
        (claim(Some("1"), "", 1), claim(Some("1"), "", 2), vec![2], 1),
        (claim(None, EARLY, 1), claim(None, EARLY, 1), vec![], 0),
        (claim(None, EARLY, 1), claim(None, EARLY, 2), vec![2], 0),
    ] {
        // Of two searches, and of two pages of one search.
        let (mut first, mut second) = (SearchPass::default(), SearchPass::default());
        assert_eq!(read(&mut first, None, std::slice::from_ref(&beside)), [1]);
        let found = read(&mut second, Some(&first), std::slice::from_ref(&then));
        assert_eq!(
            (found, second.conflicts),
            (lands.clone(), conflicts),
            "{beside} {then}"
        );
        assert_eq!(second.landed, lands.len() as u64);

        let mut one = SearchPass::default();
        read(&mut one, None, &[beside]);
        assert_eq!(read(&mut one, None, &[then]), lands);
        assert_eq!(one.conflicts, conflicts);
    }
}

/// `meta.lastUpdated` of resources, the newest that is believed, and how many are not.
#[test]
fn the_newest_that_counts_is_never_ahead_of_the_clock() {
    for (stated, newest, ahead) in [
        (&[EARLY, "2099-01-01T00:00:00Z"][..], Some(EARLY), 1),
        (&["2099-01-01T00:00:00Z", "2098-01-01T00:00:00Z"], None, 2),
        (
            &["9999-12-31T23:59:59.9999999Z", LATE, EARLY],
            Some(LATE),
            1,
        ),
        // Up to a day ahead it is a clock that is a little off, or another zone.
        (
            &[EARLY, "2026-11-30T12:00:00Z"],
            Some("2026-11-30T12:00:00Z"),
            0,
        ),
        (&[EARLY, "2026-11-30T12:00:01Z"], Some(EARLY), 1),
        (&[EARLY, "2026-11-30T08:00:00-05:00"], Some(EARLY), 1),
        (
            &[EARLY, "2026-11-30T14:00:00+05:00"],
            Some("2026-11-30T14:00:00+05:00"),
            0,
        ),
        // Seven digits, as .NET writes them.
        (
            &[EARLY, "2026-11-01T00:00:00.1234567Z"],
            Some("2026-11-01T00:00:00.1234567Z"),
            0,
        ),
        (&["0001-01-01T00:00:00Z"], Some("0001-01-01T00:00:00Z"), 0),
        // What cannot be read says nothing.
        (
            &["", "yesterday", "2026-11-28", "2026-13-01T00:00:00Z", EARLY],
            Some(EARLY),
            0,
        ),
        (&["yesterday"], None, 0),
    ] {
        let claims = (0_u32..).zip(stated);
        let claims: Vec<_> = claims
            .map(|(number, updated)| claim(Some(&number.to_string()), updated, number))
            .collect();
        let mut pass = SearchPass::default();
        let landed = read(&mut pass, None, &claims);
        assert_eq!(landed.len(), claims.len(), "all of them land");
        let found = pass.newest.map(|(_, text)| text);
        assert_eq!(
            (found.as_deref(), pass.ahead),
            (newest, ahead),
            "{stated:?}"
        );
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
    let body = bundle(&claims);
    let resource = ResourceType::explanation_of_benefit();
    let patient = PatientId::new("-19");
    let known = Known {
        of: (ApiVersion::V3, &resource, &patient),
        held: None,
        beside: None,
        latest: "2026-11-30T12:00:00Z".parse().unwrap(),
    };
    let mut lines = SearchPass::default().read(body.as_bytes(), &known).unwrap();
    let mut frames = Vec::new();
    while let Some((text, count)) = lines.next_frame(body.as_bytes()) {
        frames.push((String::from_utf8(text).unwrap(), count));
    }
    let counts: Vec<u64> = frames.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [2, 1]);
    let text: String = frames.into_iter().map(|(text, _)| text).collect();
    assert!(text.lines().eq(claims.iter().map(String::as_str)));
}
