use std::io::{Cursor, Read};

use super::{Documents, Piece, PieceKind};

fn pieces(source: impl Read, limit: usize) -> Vec<(PieceKind, u64, String)> {
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

#[test]
fn lines_are_documents_and_blank_ones_are_not() {
    let text = "\u{feff}{\"a\":1}\r\n\n  {\"b\":2}  \nnot json\n{\"c\":3}";
    let expected = [
        document(1, "{\"a\":1}"),
        document(3, "{\"b\":2}"),
        document(4, "not json"),
        document(5, "{\"c\":3}"),
    ];
    assert_eq!(pieces(text.as_bytes(), 1000), expected);
    let drip = Drip(Cursor::new(text.as_bytes().to_vec()));
    assert_eq!(pieces(drip, 1000), expected);
}

/// Files that were put together: each may begin with a mark, and end without a newline.
#[test]
fn byte_order_marks_between_documents_are_skipped() {
    let two = || vec![document(1, "{\"a\":1}"), document(2, "{\"b\":2}")];
    let in_text = "{\"a\":\"x\u{feff}y\"}";
    type Expected = Vec<(PieceKind, u64, String)>;
    let cases: [(&str, Expected); 8] = [
        ("{\"a\":1}\n\u{feff}{\"b\":2}\n", two()),
        (
            "\u{feff}{\"a\":1}\r\n\u{feff}\u{feff}{\"b\":2}\u{feff}",
            two(),
        ),
        ("\u{feff}\n{\"b\":2}", vec![document(2, "{\"b\":2}")]),
        (
            "{\"a\":1}\u{feff}{\"b\":2}",
            vec![document(1, "{\"a\":1}"), document(1, "{\"b\":2}")],
        ),
        (
            "{\n\"a\":1}\n\u{feff}{\n\"b\":2}",
            vec![document(1, "{\n\"a\":1}"), document(3, "{\n\"b\":2}")],
        ),
        (
            "{\n\"a\":1}\u{feff} \u{feff}{\n\"b\":2}\n\u{feff}",
            vec![document(1, "{\n\"a\":1}"), document(2, "{\n\"b\":2}")],
        ),
        (in_text, vec![document(1, in_text)]),
        ("\u{feff}", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(text.as_bytes(), 1000), expected, "{text:?}");
        // A mark may come in pieces.
        let drip = Drip(Cursor::new(text.as_bytes().to_vec()));
        assert_eq!(pieces(drip, 1000), expected, "{text:?}");
    }
}

/// What `cat` and `unzip -p` make of compact files without a newline at their end.
#[test]
fn documents_on_one_line_and_pretty_printed_ones_behind_lines_are_each_found() {
    let whole = |found: &[(u64, &str)]| -> Vec<(PieceKind, u64, String)> {
        let found = found.iter();
        found.map(|(line, text)| document(*line, text)).collect()
    };
    type Case<'c> = (&'c str, &'c [(u64, &'c str)]);
    let cases: [Case<'_>; 17] = [
        ("{\"a\":1}{\"b\":2}", &[(1, "{\"a\":1}"), (1, "{\"b\":2}")]),
        (
            "{}{} {}\t{}\n{}{}\n",
            &[
                (1, "{}"),
                (1, "{}"),
                (1, "{}"),
                (1, "{}"),
                (2, "{}"),
                (2, "{}"),
            ],
        ),
        ("[{}][{}]", &[(1, "[{}]"), (1, "[{}]")]),
        (
            "{\"a\":[]}[1]\r\n[2]{\"b\":2}",
            &[(1, "{\"a\":[]}"), (1, "[1]"), (2, "[2]"), (2, "{\"b\":2}")],
        ),
        // Not between values, but in a text.
        ("{\"a\":\"}{ ] [\"}", &[(1, "{\"a\":\"}{ ] [\"}")]),
        (
            "{\"a\":\"}{\"}{\"b\":\"}\\\"{\"}",
            &[(1, "{\"a\":\"}{\"}"), (1, "{\"b\":\"}\\\"{\"}")],
        ),
        // One bad document costs itself, or its line where it has no end.
        (
            "{\"a\":1}{b}{\"c\":3}",
            &[(1, "{\"a\":1}"), (1, "{b}"), (1, "{\"c\":3}")],
        ),
        (
            "{\"a\":1}{\"b\":\n{\"c\":3}\n",
            &[(1, "{\"a\":1}"), (1, "{\"b\":"), (2, "{\"c\":3}")],
        ),
        (
            "{\"a\":1} and more\n{\"c\":3}\n",
            &[(1, "{\"a\":1} and more"), (2, "{\"c\":3}")],
        ),
        (
            "{\"a\":1},\n{\"c\":3}\n",
            &[(1, "{\"a\":1},"), (2, "{\"c\":3}")],
        ),
        // Pretty-printed behind compact, with and without a newline between.
        (
            "{\"a\":1}\n{\n \"b\": 2\n}\n{\"c\":3}\n",
            &[(1, "{\"a\":1}"), (2, "{\n \"b\": 2\n}"), (5, "{\"c\":3}")],
        ),
        (
            "{\"a\":1}{\n \"b\": 2\n}{\"c\":3}\n{\"d\":4}",
            &[
                (1, "{\"a\":1}"),
                (1, "{\n \"b\": 2\n}"),
                (3, "{\"c\":3}"),
                (4, "{\"d\":4}"),
            ],
        ),
        (
            "{\"a\":1}\n\u{feff}{ \"b\":\n[2,\n3]}\n",
            &[(1, "{\"a\":1}"), (2, "{ \"b\":\n[2,\n3]}")],
        ),
        (
            "{\"a\":1}\n[\n{\"b\":2}\n]\n",
            &[(1, "{\"a\":1}"), (2, "[\n{\"b\":2}\n]")],
        ),
        (
            "{\"a\":1}\n{\n\"b\":{\n}\n}{\n}",
            &[(1, "{\"a\":1}"), (2, "{\n\"b\":{\n}\n}"), (5, "{\n}")],
        ),
        // A cut line behind a whole one is not joined with what follows.
        (
            "{\"a\":1}\n{\"b\":[\n{\"c\":3}\n{\"d\":4}\n",
            &[
                (1, "{\"a\":1}"),
                (2, "{\"b\":["),
                (3, "{\"c\":3}"),
                (4, "{\"d\":4}"),
            ],
        ),
        (
            "{\"a\":1}\n{\"b\":\"x\nno json \"}\n{\"d\":4}\n",
            &[
                (1, "{\"a\":1}"),
                (2, "{\"b\":\"x"),
                (3, "no json \"}"),
                (4, "{\"d\":4}"),
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(text.as_bytes(), 1000), whole(expected), "{text:?}");
        let drip = Drip(Cursor::new(text.as_bytes().to_vec()));
        assert_eq!(pieces(drip, 1000), whole(expected), "{text:?}");
    }
}

#[test]
fn a_line_of_many_documents_may_be_longer_than_one_may_be() {
    let one = |number: usize| format!("{{\"id\":\"{number}\"}}");
    let text: String = (0..200).map(one).collect();
    let expected: Vec<_> = (0..200).map(|number| document(1, &one(number))).collect();
    assert_eq!(pieces(text.as_bytes(), 100), expected);
    let drip = Drip(Cursor::new(text.into_bytes()));
    assert_eq!(pieces(drip, 100), expected);
}

#[test]
fn an_input_that_is_no_json_is_one_piece_that_says_what_it_is() {
    let wide: Vec<u8> = "{}\n{}\n{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = pieces(wide.as_slice(), 1000);
    assert_eq!(found.len(), 1);
    assert!(matches!(found[0].0, PieceKind::Unreadable(what) if what.contains("UTF-16")));
}

#[test]
fn pretty_printed_values_are_cut_where_they_end() {
    let text = "{\n  \"a\": \"}\"\n}\n{\n  \"b\": [\n  ]\n}\n";
    let expected = [
        document(1, "{\n  \"a\": \"}\"\n}"),
        document(4, "{\n  \"b\": [\n  ]\n}"),
    ];
    assert_eq!(pieces(text.as_bytes(), 1000), expected);
}

#[test]
fn a_cut_first_line_costs_one_line() {
    let text = "{\"a\":\n{\"b\":2}\n{\"c\":3}\n";
    let expected = [
        document(1, "{\"a\":"),
        document(2, "{\"b\":2}"),
        document(3, "{\"c\":3}"),
    ];
    assert_eq!(pieces(text.as_bytes(), 1000), expected);
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
    assert_eq!(pieces(bundle.as_bytes(), 200), expected);
}

#[test]
fn a_line_over_the_limit_is_told_and_the_rest_goes_on() {
    let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}\n", "x".repeat(500));
    let found = pieces(text.as_bytes(), 100);
    assert_eq!(found[0].0, PieceKind::TooLarge);
    assert_eq!(found[1..], [document(2, "{\"b\":2}")]);
}

#[test]
fn a_pretty_printed_value_that_never_ends_is_told_once() {
    let found = pieces(&b"{\n \"a\": [\n"[..], 1000);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1), (PieceKind::NotAValue, 1));
}

#[test]
fn an_empty_input_holds_nothing() {
    assert_eq!(pieces(&b""[..], 100), []);
    assert_eq!(pieces(&b" \n\n"[..], 100), []);
}
