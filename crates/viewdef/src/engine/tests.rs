//! What a worker says of lines beyond their rows: refusals and unread paths.

use std::sync::Arc;

use super::{LineRefusal, PlanInput, ResourcePlan, ResourceRead, ResourceWorker};
use crate::definition::ViewDefinition;
use crate::json::PADDING;
use crate::problem::ProblemKind;

fn worker(selects: &str) -> ResourceWorker {
    let view = format!(r#"{{"resource":"Patient","select":{selects}}}"#);
    let plan = ResourcePlan::compile(&PlanInput {
        resource: "Patient",
        constants: &[],
        context: &[],
        views: vec![("table".into(), ViewDefinition::from_text(&view).unwrap())],
        order: None,
        drop_where: None,
    });
    ResourceWorker::new(Arc::new(plan.unwrap()), Vec::new(), None)
}

fn read(worker: &mut ResourceWorker, rest: &str) -> Result<ResourceRead, LineRefusal> {
    let line = format!(r#"{{"resourceType":"Patient","id":"1",{rest}}}"#);
    let mut buffer = line.clone().into_bytes();
    buffer.resize(line.len() + PADDING, b'\n');
    worker.read(&buffer, 0, line.len(), 0)
}

fn unread(selects: &str, rest: &str) -> Vec<(String, u64)> {
    let mut worker = worker(selects);
    read(&mut worker, rest).unwrap();
    worker.take_unread().into_iter().collect()
}

fn paths(selects: &str, rest: &str) -> Vec<String> {
    unread(selects, rest)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path != "resourceType" && path != "id")
        .collect()
}

#[test]
fn unread_paths_are_the_topmost_and_counted() {
    let selects = r#"[{"forEach":"name","column":[{"name":"family","path":"family"}]}]"#;
    let rest = r#""name":[{"family":"a","given":["b","c"]},{"given":["d"]}],"x":{"y":{"z":1}},"active":true"#;
    assert_eq!(
        unread(selects, rest),
        [
            ("active".to_owned(), 1),
            ("id".to_owned(), 1),
            ("name.given".to_owned(), 2),
            ("resourceType".to_owned(), 1),
            ("x".to_owned(), 1),
        ]
    );
}

#[test]
fn of_several_paths_only_the_first_is_always_in_the_column() {
    let selects = r#"[{"column":[{"name":"a","path":"(gender | language | x).first()"}]}]"#;
    let rest = r#""gender":"female","language":"en","x":"y""#;
    assert_eq!(paths(selects, rest), ["language", "x"]);
}

#[test]
fn what_only_decides_is_not_read() {
    let selects = r#"[{"column":[{"name":"a","path":"name.where(use = 'official').family.first()"},
        {"name":"b","path":"contact.exists()"}]}]"#;
    let rest = r#""name":[{"family":"a","use":"official"}],"contact":[{"name":{"family":"x"}}]"#;
    assert_eq!(paths(selects, rest), ["contact", "name.use"]);
}

#[test]
fn a_choice_is_read_by_its_type_or_by_any() {
    let typed =
        r#"[{"forEach":"extension","column":[{"name":"a","path":"value.ofType(Coding).code"}]}]"#;
    let rest = r#""extension":[{"url":"u","valueCoding":{"code":"c","system":"s"}},{"url":"u","valueString":"s"}]"#;
    assert_eq!(
        paths(typed, rest),
        [
            "extension.url",
            "extension.valueCoding.system",
            "extension.valueString"
        ]
    );
    let any = r#"[{"forEach":"extension","column":[{"name":"u","path":"url"},{"name":"a","path":"value","collection":true}]}]"#;
    let rest = r#""extension":[{"url":"u","valueCode":"c"},{"url":"u","valueString":"s"}]"#;
    assert!(paths(any, rest).is_empty());
}

#[test]
fn a_repeat_reads_at_every_depth_and_finds_keys_that_come_twice_there() {
    let selects = r#"[{"repeat":["item"],"column":[{"name":"link","path":"linkId"}]}]"#;
    let rest =
        r#""item":[{"linkId":"1","item":[{"linkId":"2","text":"t","item":[{"linkId":"3"}]}]}]"#;
    let mut worker = worker(selects);
    assert_eq!(read(&mut worker, rest).unwrap().rows, 3);
    let unread = worker.take_unread();
    assert_eq!(
        unread.keys().collect::<Vec<_>>(),
        ["id", "item.text", "resourceType"]
    );
    let twice = r#""item":[{"linkId":"1","item":[{"linkId":"2"}],"linkId":"3"}]"#;
    assert_eq!(read(&mut worker, twice), Err(LineRefusal::DuplicateKey));
}

#[test]
fn counts_are_forgotten_once_taken_and_keys_are_not() {
    let mut worker = worker(r#"[{"column":[{"name":"id","path":"id"}]}]"#);
    for _ in 0..2 {
        read(&mut worker, r#""new":1"#).unwrap();
        let taken = worker.take_unread();
        assert_eq!(taken.get("new"), Some(&1));
    }
    read(&mut worker, r#""other":1"#).unwrap();
    assert_eq!(worker.take_unread().get("new"), None);
}

const BODY: &str = r#"{"resourceType":"Patient","id":"1","name":[{"family":"\u00e9\ud83d\ude00","given":["a","b\n"]},{"family":"x"}],"x":{"y":[1,-2.5e+3,0.10,true,false,null],"z":{},"w":[]},"birthDate":"1970-01-01"}"#;

/// Changes one byte of a line: puts another in its place, puts one in, or takes it out.
fn damaged(at: usize, byte: u8, way: u8) -> Vec<u8> {
    let mut line = BODY.as_bytes().to_vec();
    let at = at % line.len();
    match way {
        0 => line[at] = byte,
        1 => line.insert(at, byte),
        _ => {
            line.remove(at);
        }
    }
    line
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 4096,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        ..Default::default()
    })]

    #[test]
    fn a_damaged_line_is_json_here_exactly_where_it_is_for_serde(
        at in 0usize..1000,
        byte in proptest::prelude::prop_oneof![
            proptest::sample::select(&b"\"\\{}[]:,0123456789.-+eEtrufalsn \t\r\n\x00u"[..]),
            proptest::prelude::any::<u8>(),
        ],
        way in 0u8..3,
    ) {
        let line = damaged(at, byte, way);
        let is_one_line = !line.contains(&b'\n');
        if let (true, Ok(text)) = (is_one_line, std::str::from_utf8(&line)) {
            let mut worker = worker(r#"[{"forEach":"name","column":[{"name":"a","path":"family"}]}]"#);
            let mut buffer = line.clone();
            buffer.resize(line.len() + PADDING, b'\n');
            let walked = worker.walk(&buffer, 0);
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
            match walked {
                Ok(()) => assert!(parsed.is_ok(), "walked over what is not JSON"),
                Err(LineRefusal::NotJson | LineRefusal::LoneSurrogate) => {
                    assert!(parsed.is_err(), "refused what is JSON");
                }
                // serde keeps the last of two members.
                Err(LineRefusal::DuplicateKey) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_view_that_repeats_and_asks_for_what_looks_like_a_choice_ends() {
    // `itemId` reads like `item[x]` with an `Id`, below an `item` that is below itself.
    let selects = r#"[{"repeat":["item","answer.item"],"column":[{"name":"id","path":"itemId"},{"name":"text","path":"text"}]}]"#;
    let rest = r#""item":[{"itemId":"a","item":[{"text":"b","itemId":"c"}]},{"answer":[{"item":[{"text":"d"}]}]}]"#;
    let mut worker = worker(selects);
    // Four items, and the `itemId` that is taken for one where there is no `item`.
    assert_eq!(read(&mut worker, rest).unwrap().rows, 5);
    assert_eq!(paths(selects, rest), Vec::<String>::new());
}

#[test]
fn a_resource_with_too_much_text_has_no_rows_and_the_next_one_has() {
    let selects = r#"[{"forEach":"name","column":[{"name":"family","path":"family"}]}]"#;
    let cases = [
        (r#""name":[{"family":"123456"},{"family":"12345"}]"#, 0),
        (r#""name":[{"family":"12345"},{"family":"12345"}]"#, 2),
        (r#""name":[{"family":"1\n3456"}]"#, 1),
        (r#""name":[{"family":"1\n3456"},{"family":"1\n3"}]"#, 0),
    ];
    let mut worker = worker(selects);
    // Two rows of a line of more than 64 bytes may have more than the first limit.
    worker.limits.column = 10;
    worker.limits.scratch = 7;
    for (rest, rows) in cases {
        let read = read(&mut worker, rest).unwrap();
        assert_eq!(read.rows, rows, "{rest}");
        let kinds: Vec<_> = read.problems.iter().map(|p| p.mismatch.kind).collect();
        let refused = [ProblemKind::TooLarge];
        assert_eq!(kinds, if rows == 0 { &refused[..] } else { &[] }, "{rest}");
    }
    let batch = worker.finish().unwrap().pop().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 3);
}
