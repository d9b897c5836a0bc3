//! What `claimlake view` reads: any form of FHIR JSON, and what is wrong in it costs only itself.

use crate::command::{Bench, Ended};

const VIEW: &str = r#"{"resource": "Patient", "select": [{"column": [
  {"name": "id", "path": "id", "type": "id"},
  {"name": "born", "path": "birthDate", "tag": [{"name": "ansi/type", "value": "DATE"}]},
  {"name": "paid", "path": "extension.value.ofType(decimal)", "type": "decimal",
   "tag": [{"name": "ansi/type", "value": "DECIMAL(18,2)"}]},
  {"name": "written", "path": "extension.value.ofType(decimal)", "type": "decimal"}]}]}"#;
const GOOD: [&str; 2] = [
    r#"{"resourceType":"Patient","id":"g1","birthDate":"2000-01-02"}"#,
    r#"{"resourceType":"Patient","id":"g2"}"#,
];
const GOOD_ROWS: &str = "{\"id\":\"g1\",\"born\":\"2000-01-02\",\"paid\":null,\"written\":null}\n\
     {\"id\":\"g2\",\"born\":null,\"paid\":null,\"written\":null}\n";

fn view_of(input: &[u8]) -> (Bench, Ended) {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    std::fs::write(bench.path().join("in"), input).unwrap();
    let ended = bench.run(&["view", "view.json", "in"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    (bench, ended)
}

fn patient(more: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"secret\",{more}}}")
}

#[test]
fn a_bad_line_costs_itself_wherever_it_stands() {
    let deep = patient(&format!("\"a\":{}1{}", "[".repeat(200), "]".repeat(200)));
    let bad: [(&[u8], &str); 12] = [
        (b"secret", "not JSON"),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"secret",
            "ends early",
        ),
        (b"\0\0", "not JSON"),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"secret\0\"}",
            "not JSON",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"secret\xff\"}",
            "not UTF-8",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"secret\"} x",
            "not JSON",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"secret\",\"id\":\"b\"}",
            "same key twice",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"x\":{\"a\":1,\"a\":1}}",
            "same key twice",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"id\":\"\\ud800\"}",
            "surrogate",
        ),
        (b"{\"id\":\"secret\"}", "no resourceType"),
        (b"null", "not an object"),
        (deep.as_bytes(), "nested deeper"),
    ];
    for (line, reason) in bad {
        for position in 0..3 {
            let mut lines: Vec<&[u8]> = GOOD.iter().map(|line| line.as_bytes()).collect();
            lines.insert(position, line);
            let (_, ended) = view_of(&lines.join(&b'\n'));
            let what = format!("{reason} at {position}: {}", ended.stderr);
            assert_eq!(ended.stdout, GOOD_ROWS, "{what}");
            assert_eq!(ended.exit, 3, "{what}");
            let prefix = format!("rejected: in line {}: ", position + 1);
            assert!(ended.stderr.starts_with(&prefix), "{what}");
            assert!(ended.stderr.contains(reason), "{what}");
            assert!(!ended.stderr.contains("secret"), "{what}");
        }
    }
}

#[test]
fn every_form_of_the_same_resources_gives_the_same_rows() {
    let [one, two] = GOOD;
    let lines = format!("{one}\n{two}\n");
    let entry = |resource: &str| format!("{{\"fullUrl\": \"u\", \"resource\": {resource}}}");
    let bundle = format!(
        "{{\n \"resourceType\": \"Bundle\",\n \"entry\": [\n  {},\n  {{\"response\": {{}}}},\n  {}\n ]\n}}\n",
        entry(one),
        entry(two)
    );
    let spread = |text: &str| text.replace(',', ",\n  ");
    let forms = [
        lines.clone(),
        format!("\u{feff}{lines}"),
        lines.replace('\n', "\r\n"),
        format!("\n\n{one}\n   \n{two}"),
        format!("{}\n{}\n", spread(one), spread(two)),
        format!("[{one}, {two}]"),
        format!("[\n{one},\n{two}\n]"),
        bundle.replace('\n', " "),
        bundle,
    ];
    for form in forms {
        let (_, ended) = view_of(form.as_bytes());
        assert_eq!(ended.stdout, GOOD_ROWS, "{form}");
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{form}");
    }
    let packed = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    assert_eq!(view_of(&packed).1.stdout, GOOD_ROWS);
    for nothing in ["", "\n \n", "[]"] {
        let (_, ended) = view_of(nothing.as_bytes());
        assert_eq!((ended.exit, ended.stdout.as_str()), (0, ""), "{nothing:?}");
    }
}

#[test]
fn what_stands_before_the_damage_of_a_compressed_file_is_kept() {
    let lines = format!("{}\n{}\n", GOOD[0], GOOD[1]);
    let whole = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    let mut trailed = whole.clone();
    trailed.extend_from_slice(b"garbage");
    let cut = &whole[..whole.len() - 6];
    for damaged in [&trailed[..], cut] {
        let (_, ended) = view_of(damaged);
        assert_eq!(ended.exit, 3, "{}", ended.stderr);
        assert!(GOOD_ROWS.starts_with(&ended.stdout), "{}", ended.stdout);
        ended.says("damaged or ends early");
    }
    assert_eq!(view_of(&trailed).1.stdout, GOOD_ROWS);
}

#[test]
fn digits_come_out_as_they_went_in() {
    for (digits, fits) in [
        ("9007199254740993.10", true),
        ("-9007199254740993.11", true),
        ("0.30", true),
        ("-0.00", true),
        ("1.5e3", true),
        ("15E-1", true),
        ("1.500", true),
        ("1.505", false),
        ("12345678901234567.10", false),
        ("1e400", false),
        ("1234567890123456789012345678901234567890.5", false),
    ] {
        let line = patient(&format!(
            "\"extension\":[{{\"url\":\"u\",\"valueDecimal\":{digits}}}]"
        ));
        let (_, ended) = view_of(line.as_bytes());
        let paid = if fits { digits } else { "null" };
        let row =
            format!("{{\"id\":\"secret\",\"born\":null,\"paid\":{paid},\"written\":{digits}}}\n");
        assert_eq!(ended.stdout, row);
        assert_eq!(ended.exit, if fits { 0 } else { 3 }, "{digits}");
    }
}

#[test]
fn a_cell_that_is_null_for_its_value_is_told_by_place_column_path_and_types() {
    let lines = [
        patient("\"birthDate\":\"2023-02-30\""),
        patient("\"birthDate\":5"),
        patient(
            "\"extension\":[{\"url\":\"u\",\"valueDecimal\":1},{\"url\":\"u\",\"valueDecimal\":2}]",
        ),
    ];
    let (_, ended) = view_of(lines.join("\n").as_bytes());
    assert_eq!(ended.exit, 3);
    assert_eq!(ended.stdout.lines().count(), 3);
    for words in [
        "null: in line 1: column born: birthDate: expected DATE, found string that is no such date",
        "null: in line 2: column born: birthDate: expected DATE, found number\n",
        "null: in line 3: column paid: extension.value.ofType(decimal): expected one value, found 2 values; \"collection\": true",
        "0 rejected, 4 cells set to null",
    ] {
        assert!(ended.stderr.contains(words), "{words}\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("2023"), "{}", ended.stderr);
}

#[test]
fn inputs_and_outputs_that_cannot_be_are_usage_errors_before_anything_is_written() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    bench.write("in", GOOD[0]);
    bench.write("folder/in", GOOD[0]);
    for (arguments, said) in [
        (&["folder"][..], "it is a folder"),
        (&["missing"], "missing"),
        (&["-", "-"], "only once"),
        (&["in", "--output", "in"], "also read"),
        (&["in", "--output", "view.json"], "also read"),
        (
            &["in", "--output", "missing/out"],
            "cannot write missing/out",
        ),
        (&["in", "--output", "folder"], "cannot write folder"),
        (&["in", "--format", "csv", "--json"], "--output"),
    ] {
        let mut all = vec!["view", "view.json"];
        all.extend(arguments);
        let ended = bench.run(&all).exits(2);
        ended.says(said);
    }
    assert_eq!(
        std::fs::read_to_string(bench.path().join("in")).unwrap(),
        GOOD[0]
    );
    assert_eq!(
        std::fs::read_to_string(bench.path().join("view.json")).unwrap(),
        VIEW
    );
}

#[test]
fn a_view_of_a_type_that_does_not_occur_says_so() {
    let (_, ended) = view_of(br#"{"resourceType":"Coverage","id":"c"}"#);
    assert_eq!((ended.exit, ended.stdout.as_str()), (0, ""));
    let said = "none of 1 resource is of the view's type, Patient";
    ended.says(said);
}

#[test]
fn a_pipe_is_written_as_it_is_and_a_dash_is_standard_output() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    bench.write("in", &GOOD.join("\n"));
    let ended = bench.done(&["view", "view.json", "in", "--output", "-"]);
    assert_eq!(ended.stdout, GOOD_ROWS);
    let ended = bench.done(&["view", "view.json", "in", "--output", "/dev/stdout"]);
    assert_eq!(ended.stdout, GOOD_ROWS);
    bench.done(&["view", "view.json", "in", "--output", "/dev/null"]);
    assert!(std::fs::metadata("/dev/null").is_ok_and(|there| !there.is_file()));
}

#[test]
fn a_line_of_fifty_megabytes_is_a_line() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    let long = patient(&format!("\"note\":\"{}\"", "x".repeat(50_000_000)));
    let input = format!("{}\n{long}\n{}\n", GOOD[0], GOOD[1]);
    let ended = Ended::fed(
        &mut bench.command(&["view", "view.json", "-"]),
        input.into(),
    )
    .exits(0);
    let rows = ended.stdout;
    let ids: Vec<&str> = rows.lines().map(|row| &row[..9]).collect();
    assert_eq!(ids, ["{\"id\":\"g1", "{\"id\":\"se", "{\"id\":\"g2"]);
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Inputs, views, pipelines and grants alike: whoever wrote the file learns how to convert it.
#[test]
fn a_file_in_another_encoding_is_named_by_every_reader() {
    let (bench, ended) = view_of(&utf16(&GOOD.join("\n")));
    assert_eq!(ended.exit, 3);
    let iconv = "iconv -f UTF-16LE -t UTF-8";
    ended.says(iconv);
    let write = |name: &str, bytes: &[u8]| std::fs::write(bench.path().join(name), bytes).unwrap();
    write("in", GOOD[0].as_bytes());
    write("view16.json", &utf16(VIEW));
    write("pipeline.toml", &utf16("name = \"x\""));
    write("grants.ndjson", &utf16("{\"patient\":\"-1\"}"));
    for arguments in [
        &["view", "view16.json", "in"][..],
        &["--pipeline", "pipeline.toml", "status"],
        &[
            "--pipeline",
            "blue_button",
            "--data",
            "d",
            "grants",
            "import",
            "grants.ndjson",
        ],
    ] {
        let mut command = bench.command(arguments);
        command.env("BLUE_BUTTON_CLIENT_ID", "id");
        command.env("BLUE_BUTTON_CLIENT_SECRET", "secret");
        let ended = Ended::of(&mut command);
        assert_ne!(ended.exit, 0, "{arguments:?}");
        ended.says(iconv);
    }
    write("view16.json", format!("\u{feff}{VIEW}").as_bytes());
    assert_eq!(bench.run(&["view", "view16.json", "in"]).exit, 0);
}
