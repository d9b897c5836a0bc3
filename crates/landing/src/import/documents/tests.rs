use std::io::{Cursor, Read};

use serde::Deserialize;

use super::{Documents, Piece, PieceKind};

fn found_in(source: impl Read, limit: usize) -> Vec<(PieceKind, u64, String)> {
    let mut documents = Documents::with_limit(source, limit);
    let mut found = Vec::new();
    while let Some(piece) = documents.next().unwrap() {
        let Piece { kind, line, .. } = piece;
        let text = String::from_utf8_lossy(documents.text(&piece)).into_owned();
        found.push((kind, line, text));
    }
    found
}

fn document(line: u64, text: &str) -> (PieceKind, u64, String) {
    (PieceKind::Document, line, text.to_owned())
}

/// Gives a byte at a time, as a slow pipe would.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

/// An input and the documents in it: the line that each begins on, and its text.
#[derive(Deserialize)]
struct Case {
    case: String,
    text: String,
    pieces: Vec<(u64, String)>,
}

/// Files as they come, also put together by `cat` and `unzip -p`: each may begin with a byte order
/// mark, and end without a newline.
#[test]
fn every_document_of_an_input_is_found_however_it_is_cut() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("tests/cases.json")).unwrap();
    assert_eq!(cases.len(), 30);
    for Case { case, text, pieces } in cases {
        let expected: Vec<_> = pieces
            .iter()
            .map(|(line, text)| document(*line, text))
            .collect();
        assert_eq!(found_in(text.as_bytes(), 1000), expected, "{case}");
        // A mark may come in pieces.
        let drip = Drip(Cursor::new(text.into_bytes()));
        assert_eq!(found_in(drip, 1000), expected, "{case}, a byte at a time");
    }
}

#[test]
fn a_line_of_many_documents_may_be_longer_than_one_may_be() {
    let one = |number: usize| format!("{{\"id\":\"{number}\"}}");
    let text: String = (0..200).map(one).collect();
    let expected: Vec<_> = (0..200).map(|number| document(1, &one(number))).collect();
    assert_eq!(found_in(text.as_bytes(), 100), expected);
    let drip = Drip(Cursor::new(text.into_bytes()));
    assert_eq!(found_in(drip, 100), expected);
}

#[test]
fn an_input_that_is_no_json_is_one_piece_that_says_what_it_is() {
    let wide: Vec<u8> = "{}\n{}\n{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = found_in(wide.as_slice(), 1000);
    assert_eq!(found.len(), 1);
    assert!(matches!(found[0].0, PieceKind::Unreadable(what) if what.contains("UTF-16")));
}

#[test]
fn a_bundle_over_the_limit_is_cut_into_its_entries() {
    let entry = |number: usize| format!("{{\"resource\":{{\"id\":\"{number}\"}}}}");
    let entries: Vec<String> = (0..40).map(entry).collect();
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"total\":40,\"entry\":[{}],\"link\":[]}}\n{{\"z\":1}}\n",
        entries.join(", ")
    );
    let mut expected: Vec<_> = entries
        .iter()
        .map(|entry| (PieceKind::BundleEntry, 1, entry.clone()))
        .collect();
    expected.push(document(2, "{\"z\":1}"));
    assert_eq!(found_in(bundle.as_bytes(), 200), expected);
}

#[test]
fn a_line_over_the_limit_is_reported_and_the_rest_is_read() {
    let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}\n", "x".repeat(500));
    let found = found_in(text.as_bytes(), 100);
    assert_eq!(found[0].0, PieceKind::TooLarge);
    assert_eq!(found[1..], [document(2, "{\"b\":2}")]);
}

#[test]
fn a_pretty_printed_value_that_never_ends_is_reported_once() {
    let found = found_in(&b"{\n \"a\": [\n"[..], 1000);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1), (PieceKind::NotAValue, 1));
}
