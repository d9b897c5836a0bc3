//! What a pipeline file may hold, and what is said when it holds something else.

use super::parse;

const SMALL: &str = r#"
name = "small"
[source]
kind = "sandbox"
[transform]
views = ["views/*.json"]
"#;

fn refusal(text: &str) -> String {
    format!("{:#}", parse(text, |_| None).unwrap_err())
}

#[test]
fn a_small_file_takes_the_documented_defaults() {
    let pipeline = parse(SMALL, |_| None).unwrap();
    assert_eq!(pipeline.extract.page_size, 50);
    assert_eq!(pipeline.load.partition_by, ["eob_type", "service_year"]);
    assert!((pipeline.transform.max_reject_share - 0.01).abs() < f64::EPSILON);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let text = format!("{SMALL}[extract]\npagesize = 10\n");
    assert_eq!(
        refusal(&text),
        "line 8: unknown key 'extract.pagesize', did you mean 'extract.page_size'?"
    );
    let text = format!("{SMALL}[table.eob]\npartitions = []\n");
    assert_eq!(
        refusal(&text),
        "line 8: unknown key 'table.eob.partitions', did you mean 'table.eob.partition_by'?"
    );
    let text = format!("{SMALL}[tables]\n");
    assert_eq!(
        refusal(&text),
        "line 7: unknown key 'tables', did you mean 'table'?"
    );
    let text = format!("{SMALL}[context.Patient]\nborn = {{ yearof = ['birthDate'] }}\n");
    assert_eq!(
        refusal(&text),
        "line 8: unknown key 'context.Patient.born.yearof', did you mean 'context.Patient.born.year_of'?"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_line() {
    let text = format!("{SMALL}[extract]\npage_size = 'many'\n");
    let said = refusal(&text);
    assert!(said.starts_with("line 8: invalid type"), "{said}");
    assert!(!said.contains('\n'), "{said}");
}

#[test]
fn text_that_is_not_toml_is_named_with_its_line() {
    let said = refusal("name = \n");
    assert!(said.starts_with("line 1: "), "{said}");
}

#[test]
fn plain_http_goes_to_loopback_only() {
    let with = |url: &str| {
        format!("name='x'\n[source]\nkind='blue_button'\nbase_url='{url}'\n[transform]\nviews=[]\n")
    };
    for good in [
        "http://127.0.0.1:8380",
        "http://localhost:1",
        "http://[::1]:8380",
        "https://sandbox.bluebutton.cms.gov",
    ] {
        assert!(parse(&with(good), |_| None).is_ok(), "{good}");
    }
    for bad in [
        "http://sandbox.bluebutton.cms.gov",
        "http://127.0.0.1.evil.test",
        "http://127.0.0.1@evil.test",
        "http://127.0.0.1:80@evil.test",
        "ftp://127.0.0.1",
        "127.0.0.1",
    ] {
        assert!(refusal(&with(bad)).starts_with("source.base_url"), "{bad}");
    }
}

#[test]
fn a_name_cannot_leave_the_data_folder() {
    let text = SMALL.replace("\"small\"", "\"../small\"");
    assert!(refusal(&text).starts_with("name:"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let pipeline = parse(SMALL, |name| {
        (name == "CLAIMLAKE_EXTRACT_CONCURRENCY").then(|| "3".into())
    });
    assert_eq!(pipeline.unwrap().extract.concurrency, 3);
}

#[test]
fn a_variable_of_the_wrong_kind_is_named_with_its_key() {
    for (variable, value, key) in [
        (
            "CLAIMLAKE_EXTRACT_CONCURRENCY",
            "many",
            "extract.concurrency",
        ),
        ("CLAIMLAKE_EXTRACT_FULL_EVERY", "-1", "extract.full_every"),
        (
            "CLAIMLAKE_LOAD_KEEP_SNAPSHOTS",
            "[3]",
            "load.keep_snapshots",
        ),
    ] {
        let refused = parse(SMALL, |name| match name {
            _ if name == variable => Some(value.into()),
            "CLAIMLAKE_EXTRACT_PAGE_SIZE" => Some("10".into()),
            _ => None,
        });
        let said = refused.unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("{key} in {variable}: ")),
            "{said}"
        );
    }
}

#[test]
fn every_built_in_pipeline_reads() {
    for name in super::builtin::NAMES {
        let text = super::builtin::text(name);
        assert_eq!(&parse(text, |_| None).unwrap().name, name);
    }
}

#[test]
fn keys_of_cases_and_defaults_are_known_and_others_refused() {
    let with = |column: &str| format!("{SMALL}[context.Patient]\nborn = {column}\n");
    for known in [
        "{ path = 'birthDate', default = 'UNKNOWN' }",
        "{ year_of = ['birthDate'], default = 0 }",
        "{ path = 'gender', case = [{ when = 'active', value = 'A' }] }",
    ] {
        assert!(parse(&with(known), |_| None).is_ok(), "{known}");
    }
    for (column, expected) in [
        (
            "{ path = 'birthDate', defualt = 'X' }",
            "line 8: unknown key 'context.Patient.born.defualt', did you mean 'context.Patient.born.default'?",
        ),
        (
            "{ path = 'gender', case = [{ when = 'active', then = 'A' }] }",
            "line 8: unknown key 'context.Patient.born.case.then', did you mean 'context.Patient.born.case.when'?",
        ),
    ] {
        assert_eq!(refusal(&with(column)), expected);
    }
    let nested = format!("{SMALL}[[context.Patient.born.case]]\nif = 'active'\n");
    assert!(refusal(&nested).contains("unknown key 'context.Patient.born.case.if'"));
}
