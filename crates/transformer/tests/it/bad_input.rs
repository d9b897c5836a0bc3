//! A line that cannot be used is a reject with its file, line and reason; the others have rows.

use claimlake_contract::{ApiVersion, RejectReason, ResourceType};

use crate::scene::{RUN, Scene, claim};

/// Transforms a good line, the bad one and another good one.
fn reason_of(bad: &[u8]) -> RejectReason {
    let scene = Scene::new();
    let good = claim("1", r#","status":"active""#).into_bytes();
    let other = claim("2", r#","status":"active""#).into_bytes();
    scene.land(&[vec![good, bad.to_vec(), other]]);
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["1", "2"]);
    assert_eq!(staged.values("_keys", "_id"), ["1", "2"]);
    assert_eq!(staged.outcome.manifest.resources, 3);
    assert_eq!(staged.outcome.manifest.rejected_resources, 1);
    let rejects = staged.rejects();
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].line, 2);
    assert!(rejects[0].file.ends_with("part-00000.ndjson.zst"));
    assert!(rejects[0].file.contains(RUN));
    rejects[0].reason
}

#[test]
fn a_line_that_is_not_json_is_a_reject() {
    let truncated = claim("9", r#","status":"act"#);
    for bad in [
        &b"not json"[..],
        b"{",
        b"",
        b"   ",
        b"{}{}",
        b"[1,2",
        b"{\"a\":}",
        b"{\"a\" 1}",
        b"{\"a\":1,}",
        b"{,}",
        b"{\"a\":01}",
        b"{\"a\":tru}",
        b"{\"a\":\"\t\"}",
        b"{\"a\":\"\\q\"}",
        b"\xef\xbb\xbf{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"9\"}",
        b"{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"9\"}\0",
        b"{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"9\",\"x\":\"\0\"}",
        truncated.trim_end_matches('}').as_bytes(),
    ] {
        let text = String::from_utf8_lossy(bad);
        assert_eq!(reason_of(bad), RejectReason::NotJson, "{text:?}");
    }
}

#[test]
fn json_that_is_not_the_resource_is_a_reject() {
    for bad in [
        &b"{}"[..],
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"id\":\"9\"}",
        b"{\"resourceType\":\"Patient\",\"id\":\"9\"}",
        b"{\"resourceType\":[\"ExplanationOfBenefit\"],\"id\":9}",
    ] {
        let reason = reason_of(bad);
        let text = String::from_utf8_lossy(bad);
        assert!(
            matches!(reason, RejectReason::NotFhir | RejectReason::MissingId),
            "{text}: {reason:?}"
        );
    }
}

#[test]
fn a_resource_without_a_usable_id_is_a_reject() {
    for id in ["\"\"", "7", "null", "{}", "[]"] {
        let bad = format!(r#"{{"resourceType":"ExplanationOfBenefit","id":{id}}}"#);
        assert_eq!(reason_of(bad.as_bytes()), RejectReason::MissingId, "{id}");
    }
    let bad = br#"{"resourceType":"ExplanationOfBenefit"}"#;
    assert_eq!(reason_of(bad), RejectReason::MissingId);
}

#[test]
fn a_key_that_comes_twice_is_found_wherever_it_is() {
    for rest in [
        r#","status":"a","status":"b""#,
        r#","status":"a","st\u0061tus":"b""#,
        r#","nobody":{"reads":1,"reads":2}"#,
        r#","nobody":{"\u0072eads":1,"reads":2}"#,
        r#","nobody":[{"a":{"b":[{"c":1,"d":2,"c":3}]}}]"#,
        r#","item":[{"sequence":1},{"sequence":1,"x":{},"sequence":2}]"#,
    ] {
        let reason = reason_of(claim("9", rest).as_bytes());
        assert_eq!(reason, RejectReason::DuplicateKey, "{rest}");
    }
}

#[test]
fn bad_text_is_found_also_where_nobody_reads() {
    for rest in [
        r#","status":"\ud800""#,
        r#","nobody":{"reads":["\udc00"]}"#,
        r#","nobody":{"\ud800x":1}"#,
    ] {
        let reason = reason_of(claim("9", rest).as_bytes());
        assert_eq!(reason, RejectReason::BadText, "{rest}");
    }
    let mut bad = claim("9", r#","nobody":"x""#).into_bytes();
    let at = bad.iter().rposition(|byte| *byte == b'x').unwrap();
    bad[at] = 0xff;
    assert_eq!(reason_of(&bad), RejectReason::BadText);
}

#[test]
fn a_resource_that_is_too_deep_is_a_reject_and_exhausts_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!(",\"x\":{}1{}", open.repeat(100_000), close.repeat(100_000));
        let reason = reason_of(claim("9", &deep).as_bytes());
        assert_eq!(reason, RejectReason::TooLarge, "{open}");
    }
    let scene = Scene::new();
    let deep = format!(",\"x\":{}1{}", "[".repeat(100), "]".repeat(100));
    scene.land(&[vec![claim("1", &deep)]]);
    assert_eq!(scene.transform().values("claim", "id"), ["1"]);
}

#[test]
fn a_very_long_line_and_very_many_keys_have_rows() {
    let scene = Scene::new();
    let long = format!(r#","status":"{}""#, "é".repeat(3 << 20));
    let keys: String = (0..70_000)
        .map(|key| format!(",\"key{key}\":{key}"))
        .collect();
    let again: String = (0..70_000).map(|key| format!(",\"key{key}\":0")).collect();
    let twice = format!("{keys},\"key69999\":1");
    scene.land(&[vec![
        claim("1", &long),
        claim("2", &keys),
        claim("3", &twice),
        claim("4", &again),
    ]]);
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["1", "2", "4"]);
    let status = staged.column("claim", "status")[0].clone();
    assert_eq!(status.map(|status| status.len()), Some(6 << 20));
    assert_eq!(staged.rejects()[0].reason, RejectReason::DuplicateKey);
}

#[test]
fn white_space_and_carriage_returns_between_values_change_nothing() {
    let scene = Scene::new();
    let spaced = " {\t\"resourceType\" : \"ExplanationOfBenefit\" ,\t\"id\" :\"1\" , \"patient\" : { \"reference\" : \"Patient/1\" } , \"item\" : [ { \"sequence\" : 7 } , { } ] , \"x\" : { } , \"y\" : [ ] } \r";
    scene.land(&[vec![spaced]]);
    let staged = scene.transform();
    assert_eq!(staged.column("item", "sequence"), [Some("7".into()), None]);
    assert!(staged.rejects().is_empty());
}

#[test]
fn types_without_a_view_are_counted_and_no_reject() {
    let scene = Scene::new();
    scene.land(&[vec![claim("1", "")]]);
    let claim_type: ResourceType = "Claim".parse().unwrap();
    let lines = [vec![r#"{"resourceType":"Claim","id":"1"}"#; 3]];
    scene.land_as(ApiVersion::V2, &claim_type, &lines);
    let staged = scene.transform();
    assert_eq!(staged.outcome.manifest.resources, 4);
    assert_eq!(staged.outcome.manifest.without_view, 3);
    assert!(staged.rejects().is_empty());
}

#[test]
fn a_damaged_frame_is_named_and_the_frames_around_it_have_rows() {
    let scene = Scene::new();
    let frames: Vec<Vec<String>> = (0..3)
        .map(|frame| {
            vec![
                claim(&format!("{frame}a"), ""),
                claim(&format!("{frame}b"), ""),
            ]
        })
        .collect();
    scene.land(&frames);
    let part = scene.runs()[0].parts().next().unwrap();
    let mut bytes = std::fs::read(&part.path).unwrap();
    let frame = part.part.frames[1];
    for byte in &mut bytes[frame.offset as usize..(frame.offset + frame.length) as usize] {
        *byte = 0;
    }
    std::fs::write(&part.path, bytes).unwrap();
    let staged = scene.transform();
    assert_eq!(staged.values("claim", "id"), ["0a", "0b", "2a", "2b"]);
    assert_eq!(staged.outcome.damaged_frames, 1);
    assert_eq!(staged.outcome.manifest.rejected_resources, 2);
    let reject = &staged.rejects()[0];
    assert_eq!((reject.reason, reject.line), (RejectReason::DamagedPart, 3));
    // The lines behind keep their numbers.
    assert_eq!(
        staged.values("_keys", "_landing_order"),
        ["1", "2", "5", "6"]
    );
}

#[test]
fn a_resource_whose_rows_repeat_more_text_than_fits_a_column_has_no_rows_there() {
    let scene = Scene::new();
    let items = vec!["{}"; 1_500].join(",");
    let large = claim(&"i".repeat(1 << 20), &format!(r#","item":[{items}]"#));
    scene.land(&[vec![large, claim("2", r#","item":[{}]"#)]]);
    let staged = scene.transform();
    assert_eq!(staged.rows("claim").len(), 2);
    assert_eq!(staged.values("item", "id"), ["2"]);
    let rejects = staged.rejects();
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].table.as_deref(), Some("item"));
    assert_eq!(rejects[0].column, None);
}
