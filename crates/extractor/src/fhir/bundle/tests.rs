use claimlake_contract::{PatientId, ResourceType};

use super::{NextLink, Page, PageError, read_page};

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
fn a_resource_of_another_person_or_of_nobody_is_foreign_wherever_it_stands() {
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
    let person = ResourceType::patient();
    assert_eq!(
        check(&person, r#"{"resourceType":"Patient","id":"-19"}"#),
        Ok(1)
    );
    let other = check(&person, r#"{"resourceType":"Patient","id":"-1"}"#);
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
fn what_is_not_a_bundle_of_the_type_is_told_from_an_empty_one() {
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
