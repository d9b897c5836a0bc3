use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use claimlake_contract::splitmix64::SplitMix64;
use claimlake_contract::{ApiVersion, RejectReason};

use crate::test_zone::{Zone, run};
use crate::{ImportOutcome, LandingError, LandingErrorKind, landing_runs};

const V2_CLAIM: &str = r#"{"resourceType":"ExplanationOfBenefit","id":"carrier--1","x":"https://bluebutton.cms.gov/resources/variables/a"}"#;
const V3_CLAIM: &str = r#"{"resourceType":"ExplanationOfBenefit","id":"-9","x":"https://bluebutton.cms.gov/fhir/CodeSystem/a"}"#;
const NEUTRAL: &str = r#"{"resourceType":"Coverage","id":"part-a-1"}"#;

impl Zone {
    fn import_first(
        &self,
        inputs: &[PathBuf],
        api: Option<ApiVersion>,
    ) -> Result<ImportOutcome, LandingError> {
        self.import_inputs("0001", inputs, api)
    }

    /// The landed lines by `v2/Coverage`.
    fn by_type(&self) -> BTreeMap<String, Vec<String>> {
        let mut landed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (part, lines) in self.landed() {
            let of_type = format!("{}/{}", part.api, part.resource);
            let texts = lines.into_iter().map(|(text, _)| text);
            landed.entry(of_type).or_default().extend(texts);
        }
        landed
    }
}

fn rejected_lines(path: &Path) -> Vec<serde_json::Value> {
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_resources_own_urls_decide_and_else_the_majority_of_its_file() {
    let zone = Zone::new();
    let text = format!("{V3_CLAIM}\n{NEUTRAL}\n{V2_CLAIM}\n{V3_CLAIM}\n");
    let outcome = zone
        .import_first(&[zone.input("mixed.ndjson", text.as_bytes())], None)
        .unwrap();
    assert_eq!((outcome.resources, outcome.rejected), (4, 0));
    let landed = zone.by_type();
    assert_eq!(landed["v2/ExplanationOfBenefit"], [V2_CLAIM]);
    assert_eq!(landed["v3/ExplanationOfBenefit"], [V3_CLAIM, V3_CLAIM]);
    assert_eq!(landed["v3/Coverage"], [NEUTRAL]);
}

#[test]
fn resources_that_show_no_version_need_the_flag_and_land_nothing_without() {
    let zone = Zone::new();
    let text = format!("{NEUTRAL}\n");
    let inputs = [
        zone.input("first.ndjson", format!("{V2_CLAIM}\n").as_bytes()),
        zone.input("second.ndjson", text.as_bytes()),
    ];
    let error = zone.import_first(&inputs, None).unwrap_err();
    assert_eq!(error.kind(), LandingErrorKind::Usage);
    assert!(error.to_string().contains("--api"), "{error}");
    assert_eq!(zone.by_type(), BTreeMap::new());
    assert!(landing_runs(&zone.layout).unwrap().unsealed.is_empty());
    assert!(zone.import_first(&inputs, Some(ApiVersion::V2)).is_ok());
    assert_eq!(zone.by_type()["v2/Coverage"], [NEUTRAL]);
}

#[test]
fn compressed_inputs_and_bundles_land_the_same_lines() {
    let zone = Zone::new();
    let bundle = format!(
        "{{\n \"resourceType\": \"Bundle\",\n \"entry\": [\n  {{\"resource\": {V2_CLAIM}}},\n  \
         {{\"fullUrl\":\"x\", \"resource\": {{\n\"resourceType\":\"Coverage\",\n\"id\":\"c\"}}}}\n ]\n}}"
    );
    let inputs = [
        zone.input("a.ndjson.gz", gzip(format!("{V2_CLAIM}\n").as_bytes())),
        zone.input("b", zstd::encode_all(V2_CLAIM.as_bytes(), 1).unwrap()),
        zone.input("c.json", bundle.as_bytes()),
    ];
    let outcome = zone.import_first(&inputs, None).unwrap();
    assert_eq!(
        (outcome.files, outcome.resources, outcome.rejected),
        (3, 4, 0)
    );
    let landed = zone.by_type();
    assert_eq!(landed["v2/ExplanationOfBenefit"], [V2_CLAIM; 3]);
    let coverage = r#"{ "resourceType":"Coverage", "id":"c"}"#;
    assert_eq!(landed["v2/Coverage"], [coverage]);
}

#[test]
fn lists_of_resources_land_one_by_one() {
    let zone = Zone::new();
    let pretty = format!("[\n  {V2_CLAIM},\n  {NEUTRAL},\n  7\n]\n");
    let lines = format!("[\n{NEUTRAL}\n]\n");
    let inputs = [
        zone.input("pretty.json", pretty.as_bytes()),
        zone.input("lines.json", lines.as_bytes()),
        zone.input("line.json", format!("[{NEUTRAL},{NEUTRAL}]").as_bytes()),
        zone.input("empty.json", b"[]"),
    ];
    let outcome = zone.import_first(&inputs, Some(ApiVersion::V2)).unwrap();
    assert_eq!((outcome.resources, outcome.rejected), (5, 1));
    let landed = zone.by_type();
    assert_eq!(landed["v2/ExplanationOfBenefit"], [V2_CLAIM]);
    assert_eq!(landed["v2/Coverage"], [NEUTRAL; 4]);
}

#[test]
fn a_cut_bundle_is_distinguished_from_text_that_is_no_json() {
    let zone = Zone::new();
    let cut =
        format!("{{\n\"resourceType\":\"Bundle\",\n\"entry\":[\n{{\"resource\":{V2_CLAIM}}},\n");
    let input = zone.input("cut.json", cut.as_bytes());
    let outcome = zone.import_first(&[input], Some(ApiVersion::V2)).unwrap();
    let detail = &outcome.first_rejects[0].detail;
    assert!(detail.contains("does not end"), "{detail}");
}

#[test]
fn resources_are_read_without_landing_up_to_the_damage() {
    let zone = Zone::new();
    let mut damaged = gzip(format!("{V2_CLAIM}\n\n{NEUTRAL}\nno\n").as_bytes());
    damaged.extend_from_slice(b"garbage");
    let input = zone.input("damaged.gz", &damaged);
    let mut found = Vec::new();
    crate::read_resources(&input, |line, read| {
        found.push((
            line,
            match read {
                Ok(text) => String::from_utf8(text.to_vec()).unwrap(),
                Err(bad) => format!("{:?}", bad.reason),
            },
        ));
        Ok::<(), LandingError>(())
    })
    .unwrap();
    let expected = [
        (1, V2_CLAIM),
        (3, NEUTRAL),
        (4, "NotJson"),
        (5, "DamagedPart"),
    ];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    assert!(!zone.layout.root().exists());
}

#[test]
fn bad_lines_are_kept_with_their_place_and_reason_and_the_rest_lands() {
    let zone = Zone::new();
    let mut text = format!("{V2_CLAIM}\nnot json\n{{\"a\":1}}\n[1]\n").into_bytes();
    text.extend_from_slice(b"{\"resourceType\":\"X\xff\"}\n");
    text.extend_from_slice(b"{\"resourceType\":\"../x\",\"id\":\"1\"}\n{\"resourceType\":\"Pat");
    let input = zone.input("bad.ndjson", &text);
    let outcome = zone
        .import_first(std::slice::from_ref(&input), None)
        .unwrap();
    assert_eq!((outcome.resources, outcome.rejected), (1, 6));
    let found: Vec<(u64, RejectReason)> = outcome
        .first_rejects
        .iter()
        .map(|reject| (reject.line, reject.reason))
        .collect();
    use RejectReason::{BadText, NotFhir, NotJson};
    let expected = [
        (2, NotJson),
        (3, NotFhir),
        (4, NotFhir),
        (5, BadText),
        (6, NotFhir),
        (7, NotJson),
    ];
    assert_eq!(found, expected);
    let kept = rejected_lines(outcome.rejected_file.as_deref().unwrap());
    assert_eq!(kept.len(), 6);
    assert_eq!(kept[0]["file"], input.display().to_string());
    assert_eq!(kept[0]["text"], "not json");
    assert_eq!(kept[3]["text_hex"].as_str().unwrap().len(), 2 * 21);
}

#[test]
fn an_input_in_another_encoding_is_named_and_the_others_land() {
    let zone = Zone::new();
    let wide: Vec<u8> = V2_CLAIM.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut joined = format!("{V2_CLAIM}\n").into_bytes();
    joined.extend_from_slice(&wide);
    let latin = b"{\"resourceType\":\"Patient\",\"id\":\"M\xfcller\"}\n";
    let inputs = [
        zone.input("wide.json", &wide),
        zone.input("wide.json.gz", gzip(&wide)),
        zone.input("page.html", b"<!DOCTYPE html><html></html>"),
        zone.input("claims.zip", b"PK\x03\x04rest"),
        zone.input("joined.ndjson", &joined),
        zone.input("latin.ndjson", latin),
        zone.input("good.ndjson", format!("{V2_CLAIM}\n").as_bytes()),
    ];
    let outcome = zone.import_first(&inputs, None).unwrap();
    assert_eq!((outcome.resources, outcome.rejected), (2, 6));
    assert_eq!(outcome.unreadable_files, 4);
    let words = "UTF-16LE UTF-16LE HTML ZIP UTF-16 WINDOWS-1252".split(' ');
    for (reject, word) in outcome.first_rejects.iter().zip(words) {
        assert!(reject.detail.contains(word), "{word}: {}", reject.detail);
        assert!(!reject.detail.contains("carrier"), "{}", reject.detail);
    }
}

#[test]
fn a_body_of_another_release_is_rejected_by_name_and_the_rest_lands() {
    let zone = Zone::new();
    let stu3 = r#"{"resourceType":"ExplanationOfBenefit","id":"carrier--3","insurance":{"coverage":{"reference":"Coverage/1"}},"item":[{"service":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","code":"99213"}]},"careTeamLinkId":[2]}]}"#;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"resource":{stu3}}},{{"resource":{V2_CLAIM}}}]}}"#
    );
    let inputs = [
        zone.input("old.ndjson", format!("{stu3}\n{V2_CLAIM}\n").as_bytes()),
        zone.input("bundle.json", bundle.as_bytes()),
        // Nothing in it says v2 or v3, and nothing need.
        zone.input(
            "coverage.json",
            br#"{"resourceType":"Coverage","grouping":{"group":"a","plan":"b"}}"#,
        ),
    ];
    let outcome = zone.import_first(&inputs, None).unwrap();
    assert_eq!((outcome.resources, outcome.rejected), (2, 3));
    assert_eq!(
        outcome.rejected_by_reason[&RejectReason::OtherFhirRelease],
        3
    );
    for reject in &outcome.first_rejects {
        assert!(reject.detail.contains("STU3 (R3)"), "{}", reject.detail);
    }
    assert_eq!(zone.by_type()["v2/ExplanationOfBenefit"], [V2_CLAIM; 2]);
}

#[test]
fn a_cut_gzip_lands_what_came_before_the_cut_and_says_so() {
    let zone = Zone::new();
    let (mut lines, mut numbers) = (String::new(), SplitMix64::new(1));
    for number in 0..4000 {
        let noise = numbers.next_u64();
        lines.push_str(&format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{number}\",\"n\":\"{noise:x}\"}}\n"
        ));
    }
    let whole = gzip(lines.as_bytes());
    let inputs = [
        zone.input("cut.gz", &whole[..whole.len() / 2]),
        zone.input("after.ndjson", format!("{NEUTRAL}\n").as_bytes()),
    ];
    let outcome = zone.import_first(&inputs, Some(ApiVersion::V3)).unwrap();
    assert_eq!(outcome.rejected_by_reason[&RejectReason::DamagedPart], 1);
    let landed = zone.by_type();
    assert!((1..4000).contains(&landed["v3/Patient"].len()));
    assert_eq!(landed["v3/Coverage"], [NEUTRAL]);
}

#[test]
fn what_a_killed_import_left_is_not_read_and_is_removed_by_the_next() {
    let zone = Zone::new();
    let input = [zone.input("a.ndjson", format!("{V2_CLAIM}\n").as_bytes())];
    zone.import_first(&input, None).unwrap();
    // A marker nobody locks is what a kill leaves behind.
    let marker = zone
        .layout
        .root()
        .join(format!("importing-run={}", run("0001")));
    std::fs::write(&marker, b"").unwrap();
    assert_eq!(zone.by_type(), BTreeMap::new());
    assert_eq!(landing_runs(&zone.layout).unwrap().unsealed.len(), 1);
    zone.import_inputs("0002", &input, None).unwrap();
    assert_eq!(zone.by_type()["v2/ExplanationOfBenefit"], [V2_CLAIM]);
    assert!(!marker.exists());
}

#[test]
fn a_missing_input_is_named_before_anything_is_written() {
    let zone = Zone::new();
    let good = zone.input("a.ndjson", V2_CLAIM.as_bytes());
    let error = zone
        .import_first(&[good, PathBuf::from("/nonexistent/b.ndjson")], None)
        .unwrap_err();
    assert_eq!(error.kind(), LandingErrorKind::Usage);
    assert!(error.to_string().contains("b.ndjson"));
    assert!(!zone.layout.root().exists());
}

#[test]
fn real_bodies_land_byte_for_byte() {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        // Past the capture of the test harness, so that it is seen.
        let words = b"SKIPPED: CLAIMLAKE_SHARED names no folder with real bodies\n";
        std::io::Write::write_all(&mut std::io::stderr(), words).unwrap();
        return;
    };
    let zone = Zone::new();
    let data = Path::new(&shared).join("data");
    let inputs = [data.join("real_v2.ndjson"), data.join("real_v3.ndjson")];
    let outcome = zone.import_first(&inputs, None).unwrap();
    assert_eq!(outcome.rejected, 0);
    let landed = zone.by_type();
    for (input, api) in inputs.iter().zip(["v2", "v3"]) {
        let text = std::fs::read_to_string(input).unwrap();
        let mut expected: Vec<&str> = text.lines().collect();
        let mut found: Vec<&str> = landed
            .iter()
            .filter(|(key, _)| key.starts_with(api))
            .flat_map(|(_, lines)| lines.iter().map(String::as_str))
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
