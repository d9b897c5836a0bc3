//! What a worker says of lines beyond their rows: refusals and unread paths.

use std::sync::Arc;

use super::{LineRefusal, PlanInput, ResourcePlan, ResourceRead, ResourceWorker};
use crate::definition::ViewDefinition;
use crate::json::PADDING;

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
