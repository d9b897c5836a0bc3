mod odd_keys;

use claimlake_contract::{PatientId, ResourceType};

use super::{Page, PageError, read_page};
use crate::fhir::page::{MOST_RESOURCES, NextLink};

fn claim(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","meta":{{"lastUpdated":"2026-01-02T03:04:05Z"}},"item":[{{"text":"}}]\"{{"}}],"patient":{{"reference":"Patient/{patient}"}}}}"#
    )
}

fn bundle(entries: &[String], rest: &str) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|entry| format!("{{\"resource\":{entry}}}"))
        .collect();
    format!(
        r#"{{"resourceType":"Bundle","type":"searchset",{rest}"entry":[{}]}}"#,
        entries.join(", ")
    )
}

fn read(body: &str) -> Result<Page, PageError> {
    let claims = ResourceType::explanation_of_benefit();
    read_page(body.as_bytes(), &claims, &PatientId::new("-19"))
}

#[test]
fn a_page_is_cut_into_its_resources() {
    let resources = [claim("carrier--1", "-19"), claim("pde--2", "-19")];
    let rest = r#""total":7,"link":[{"relation":"next","url":"https://evil.example/?startIndex=3&_offset=50"},{"relation":"self","url":"x"}],"#;
    let body = bundle(&resources, rest);
    let page = read(&body).unwrap();
    assert_eq!(page.total, Some(7));
    assert_eq!(page.next, Some(NextLink { offset: Some(50) }));
    let cut: Vec<&str> = page
        .entries
        .iter()
        .map(|entry| &body[entry.resource.clone()])
        .collect();
    assert_eq!(cut, resources);
    assert_eq!(&body[page.entries[1].id.clone().unwrap()], "\"pde--2\"");
    let last_updated = page.entries[0].last_updated.clone().unwrap();
    assert_eq!(&body[last_updated], "\"2026-01-02T03:04:05Z\"");
}

#[test]
fn an_empty_result_is_a_page() {
    let page = read(r#"{"resourceType":"Bundle","total":0,"link":[]}"#).unwrap();
    assert_eq!((page.entries.len(), page.total), (0, Some(0)));
}

#[test]
fn a_resource_of_another_patient_or_of_none_is_foreign_wherever_it_is() {
    let mine = claim("1", "-19");
    for other in [
        claim("2", "-190"),
        claim("2", "19"),
        r#"{"resourceType":"ExplanationOfBenefit","id":"2"}"#.to_owned(),
        r#"{"resourceType":"ExplanationOfBenefit","id":"2","patient":{"reference":"Patient/-19"},"patient":{"reference":"Patient/-20"}}"#.to_owned(),
        r#"{"resourceType":"ExplanationOfBenefit","id":"2","patient":{"reference":"Group/-19"}}"#.to_owned(),
    ] {
        let found = read(&bundle(&[mine.clone(), other], ""));
        assert_eq!(found, Err(PageError::Foreign));
    }
}

#[test]
fn a_body_of_another_release_is_no_page_and_is_named() {
    let stu3 = r#"{"resourceType":"ExplanationOfBenefit","id":"carrier--2","patient":{"reference":"Patient/-19"},"insurance":{"coverage":{}},"item":[{"service":{},"careTeamLinkId":[1]}]}"#;
    let found = read(&bundle(&[claim("1", "-19"), stu3.to_owned()], ""));
    assert_eq!(found, Err(PageError::OtherRelease("STU3 (R3)")));
    // Whose it is comes first.
    let found = read(&bundle(&[stu3.replace("-19", "-20")], ""));
    assert_eq!(found, Err(PageError::Foreign));
    // One thing out of place is a mistake in an R4 body.
    let suspicious = claim("3", "-19").replace(
        "\"item\"",
        "\"outcome\":\"complete\",\"hospitalization\":{},\"item\"",
    );
    assert_eq!(read(&bundle(&[suspicious], "")).unwrap().entries.len(), 1);
}

#[test]
fn patients_and_coverages_are_checked_by_their_own_members() {
    let patient = PatientId::new("-19");
    let check = |resource_type: &ResourceType, resource: &str| {
        read_page(
            bundle(&[resource.to_owned()], "").as_bytes(),
            resource_type,
            &patient,
        )
        .map(|page| page.entries.len())
    };
    let patient = ResourceType::patient();
    assert_eq!(
        check(&patient, r#"{"resourceType":"Patient","id":"-19"}"#),
        Ok(1)
    );
    let other = check(&patient, r#"{"resourceType":"Patient","id":"-1"}"#);
    assert_eq!(other, Err(PageError::Foreign));
    let coverage = ResourceType::coverage();
    let mine = r#"{"resourceType":"Coverage","beneficiary":{"reference":"Patient/-19"}}"#;
    assert_eq!(check(&coverage, mine), Ok(1));
}

#[test]
fn a_body_cut_anywhere_is_no_page() {
    let body = bundle(&[claim("1", "-19"), claim("2", "-19")], "\"total\":2,");
    for length in 0..body.len() {
        let found = read(&body[..length]);
        assert!(matches!(found, Err(PageError::NotABundle(_))), "{length}");
    }
}

#[test]
fn what_is_not_a_bundle_of_the_type_is_not_an_empty_one() {
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"resourceType":"OperationOutcome","issue":[]}"#,
        r#"{"detail":"x"}"#,
        r#"{"resourceType":"Bundle"} trailing"#,
    ] {
        assert!(
            matches!(read(body), Err(PageError::NotABundle(_))),
            "{body}"
        );
    }
    let other = bundle(&[r#"{"resourceType":"Patient","id":"-19"}"#.into()], "");
    assert!(matches!(read(&other), Err(PageError::NotABundle(_))));
    let noted = bundle(&[r#"{"resourceType":"OperationOutcome"}"#.into()], "");
    assert_eq!(read(&noted).unwrap().entries.len(), 0);
}

/// Members of a Bundle, where `ENTRY` is an entry with a claim: entries, blank ones, total.
const BUNDLES: &[(&str, usize, u64, Option<u64>)] = &[
    (r#""total":0,"entry":null"#, 0, 0, Some(0)),
    (r#""total":0"#, 0, 0, Some(0)),
    (r#""entry":[]"#, 0, 0, None),
    (r#""total":null,"entry":[ENTRY]"#, 1, 0, None),
    (r#""total":"1","entry":[ENTRY]"#, 1, 0, None),
    (r#""total":-1,"entry":[ENTRY]"#, 1, 0, None),
    (r#""total":1.0,"entry":[ENTRY]"#, 1, 0, None),
    (r#""total":1e0,"entry":[ENTRY]"#, 1, 0, None),
    (
        r#""total":99999999999999999999999,"entry":[ENTRY]"#,
        1,
        0,
        None,
    ),
    (r#""total":[1],"link":null,"entry":[ENTRY]"#, 1, 0, None),
    (
        r#""link":[null,"x",{"relation":null}],"entry":[ENTRY]"#,
        1,
        0,
        None,
    ),
    (r#""entry":[ENTRY,null]"#, 1, 1, None),
    (r#""entry":[ENTRY,{}]"#, 1, 1, None),
    (r#""entry":[ENTRY,{"resource":null}]"#, 1, 1, None),
    (
        r#""entry":[{"fullUrl":"x","search":{"mode":"match"}},ENTRY]"#,
        1,
        1,
        None,
    ),
    (
        r#""entry":[{"search":{"mode":"outcome"}},ENTRY]"#,
        1,
        0,
        None,
    ),
    (
        r#""entry":[ENTRY,{"search":{"mode":"outcome"},"resource":NOTE}]"#,
        1,
        0,
        None,
    ),
];

#[test]
fn what_a_bundle_lacks_or_says_wrongly_is_read_for_what_it_is() {
    let mine = claim("1", "-19");
    let note = r#"{"resourceType":"OperationOutcome","issue":[]}"#;
    for (members, entries, blank, total) in BUNDLES {
        let body = members.replace("ENTRY", &format!(r#"{{"resource":{mine}}}"#));
        let body = body.replace("NOTE", note);
        let page = read(&format!(r#"{{"resourceType":"Bundle",{body}}}"#)).unwrap();
        let found = (page.entries.len(), page.blank, page.total);
        assert_eq!(found, (*entries, *blank, *total), "{members}");
    }
    for members in [r#""entry":{}"#, r#""entry":"x""#, r#""entry":7"#] {
        let found = read(&format!(r#"{{"resourceType":"Bundle",{members}}}"#));
        assert!(matches!(found, Err(PageError::NotABundle(_))), "{members}");
    }
    let without_meta = mine.replace(r#"{"lastUpdated":"2026-01-02T03:04:05Z"}"#, "null");
    let page = read(&bundle(&[without_meta], "")).unwrap();
    assert_eq!(page.entries[0].last_updated, None);
    let of_nobody = mine.replace(r#"{"reference":"Patient/-19"}"#, "null");
    assert_eq!(read(&bundle(&[of_nobody], "")), Err(PageError::Foreign));
}

#[test]
fn a_next_link_says_where_it_leads_or_that_it_cannot_be_read() {
    for (link, offset) in [
        (r#""https://x/v2/fhir/E?_count=50&startIndex=50""#, Some(50)),
        (
            r#""https://x/v3/E/?startIndex=3&_offset=100&patient=-1""#,
            Some(100),
        ),
        (r#""?_offset=100#top""#, Some(100)),
        (
            r#""https:\/\/x\/v2?startIndex=50\u0026_count=50""#,
            Some(50),
        ),
        (
            r#""https://x/E/?_count=50&_security%3Anot=42CFRPart2""#,
            Some(0),
        ),
        (r#""https://x/v3/fhir/E""#, Some(0)),
        // A place that is none of ours.
        (r#""https://x/fhir?_getpages=ab12&_count=50""#, None),
        (r#""https://x/fhir?page=2""#, None),
        (r#""https://x/fhir?startIndex=abc""#, None),
        (r#""https://x/fhir?startIndex=-50""#, None),
        (r#""https://x/fhir?_offset=50.0""#, None),
        ("\"https://x/fhir?_offset=\"", None),
        (r#""""#, None),
        ("null", None),
        ("7", None),
    ] {
        let body = format!(
            r#"{{"resourceType":"Bundle","link":[{{"relation":"self","url":"x?startIndex=9"}},{{"relation":"next","url":{link}}}]}}"#
        );
        let next = read(&body).unwrap().next;
        assert_eq!(next, Some(NextLink { offset }), "{link}");
    }
}

#[test]
fn an_entry_that_may_be_in_the_place_of_a_resource_is_suspicious() {
    let claim = |id: &str| {
        format!(
            r#"{{"resource":{{"resourceType":"ExplanationOfBenefit",{id}"patient":{{"reference":"Patient/-19"}}}}}}"#
        )
    };
    let note = |issues: &str| {
        format!(r#"{{"resource":{{"resourceType":"OperationOutcome","issue":{issues}}}}}"#)
    };
    let severity = |one: &str| note(&format!(r#"[{{"severity":"{one}","code":"x"}}]"#));
    for (entry, suspicious) in [
        (claim(r#""id":"carrier--1","#), 0),
        (claim(r#""id":"-1","#), 0),
        (claim(""), 1),
        (claim(r#""id":"","#), 1),
        (claim(r#""id":" ","#), 1),
        (claim(r#""id":"carrier --1","#), 1),
        (claim(r#""id":103,"#), 1),
        (claim(r#""id":null,"#), 1),
        (claim(r#""id":["a"],"#), 1),
        (severity("information"), 0),
        (severity("warning"), 1),
        (severity("error"), 1),
        (severity("fatal"), 1),
        (severity("ERROR"), 1),
        (note("[]"), 1),
        (note("null"), 1),
        (
            note(r#"[{"severity":"information"},{"severity":"error"}]"#),
            1,
        ),
        (note(r#"[{"severity":"information"},{}]"#), 1),
        (r#"{"search":{"mode":"outcome"}}"#.to_owned(), 1),
    ] {
        let body = format!(r#"{{"resourceType":"Bundle","entry":[{entry}]}}"#);
        assert_eq!(read(&body).unwrap().suspicious, suspicious, "{entry}");
    }
}

#[test]
fn a_page_of_more_entries_than_any_patient_has_is_refused() {
    let most = usize::try_from(MOST_RESOURCES).unwrap();
    let claims = vec![claim("1", "-19"); most];
    assert_eq!(read(&bundle(&claims, "")).unwrap().entries.len(), most);
    let more = vec![claim("1", "-19"); most + 1];
    assert_eq!(read(&bundle(&more, "")), Err(PageError::TooMany));
}
