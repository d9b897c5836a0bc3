//! Names of variables, and what is said of those that nobody reads.

use super::{Strangers, Variable, strangers};
use crate::pipeline::Pipeline;

fn found(more: &str, names: &[&str]) -> Strangers {
    let text = format!("name='x'\n[source]\nkind='sandbox'\n{more}\n[transform]\nviews=[]\n");
    let pipeline: Pipeline = toml::from_str(&text).unwrap();
    let variables = names.iter().map(|name| Variable {
        name,
        is_text: true,
    });
    strangers(&pipeline, variables)
}

#[test]
fn what_is_read_and_what_is_not_ours_is_not_mentioned() {
    let names = [
        "CLAIMLAKE_PIPELINE",
        "CLAIMLAKE_DATA",
        "CLAIMLAKE_LOG",
        "CLAIMLAKE_VAULT_KEY",
        "CLAIMLAKE_VAULT_KEY_COMMAND",
        "CLAIMLAKE_VAULT_KEY_FILE",
        "CLAIMLAKE_VAULT_KEYRING",
        "CLAIMLAKE_VAULT_NEW_KEY",
        "CLAIMLAKE_SOURCE_BASE_URL",
        "CLAIMLAKE_EXTRACT_MAX_RPS",
        "CLAIMLAKE_TRANSFORM_PART2",
        "CLAIMLAKE_LOAD_KEEP_REJECTS",
        "CLAIMLAKE_SHARED",
        "CLAIMLAKE_BLESS",
        "CLAIMLAKE_CRASH_AT",
        "CLAIMLAKE_TEST_DATA",
        "BLUE_BUTTON_CLIENT_ID",
        "PATH",
        "MY_CLAIMLAKE_EXTRACT_X",
    ];
    assert_eq!(found("", &names), Strangers::default());
}

#[test]
fn a_mistyped_setting_is_refused_with_the_nearest_one() {
    for (name, near) in [
        ("CLAIMLAKE_EXTRACT_PAGESIZE", "CLAIMLAKE_EXTRACT_PAGE_SIZE"),
        ("CLAIMLAKE_EXTRACT_MAX_RSP", "CLAIMLAKE_EXTRACT_MAX_RPS"),
        (
            "CLAIMLAKE_LOAD_KEEP_SNAPSHOT",
            "CLAIMLAKE_LOAD_KEEP_SNAPSHOTS",
        ),
        ("CLAIMLAKE_SOURCE_BASEURL", "CLAIMLAKE_SOURCE_BASE_URL"),
        ("CLAIMLAKE_TRANSFORM_PART_2", "CLAIMLAKE_TRANSFORM_PART2"),
        ("CLAIMLAKE_VAULT_KEYFILE", "CLAIMLAKE_VAULT_KEY_FILE"),
    ] {
        let refused = found("", &[name]).refused.unwrap();
        let said = format!("environment: {name} is no setting, did you mean {near}?");
        assert!(refused.starts_with(&said), "{refused}");
    }
    // Nothing is near, and all are named.
    let refused = found("", &["CLAIMLAKE_VAULT_PASSWORD", "CLAIMLAKE_LOAD_X"]).refused;
    let refused = refused.unwrap();
    assert!(
        refused.contains("CLAIMLAKE_LOAD_X is no setting"),
        "{refused}"
    );
    assert!(
        refused.contains("; CLAIMLAKE_VAULT_PASSWORD is no setting"),
        "{refused}"
    );
}

#[test]
fn what_the_pipeline_names_is_read() {
    let more = "client_id_env='CLAIMLAKE_SOURCE_ID'\nclient_secret_env='CLAIMLAKE_VAULT_SECRET'";
    let names = ["CLAIMLAKE_SOURCE_ID", "CLAIMLAKE_VAULT_SECRET"];
    assert_eq!(found(more, &names), Strangers::default());
    assert!(found("", &names).refused.is_some());
}

#[test]
fn what_may_be_somebody_elses_is_a_warning() {
    for (name, hint) in [
        ("CLAIMLAKE_PIPLINE", ", did you mean CLAIMLAKE_PIPELINE?"),
        ("CLAIMLAKE_DIR", ""),
        ("CLAIMLAKE_TABLE_EOB_SORT_BY", ""),
        ("CLAIMLAKE_", ""),
        (
            "claimlake_extract_max_rps",
            ", did you mean CLAIMLAKE_EXTRACT_MAX_RPS?",
        ),
    ] {
        let found = found("", &[name]);
        assert_eq!(found.refused, None);
        let said = format!("the environment variable {name} is none that claimlake reads{hint}");
        assert_eq!(found.warnings, [said]);
    }
}

#[test]
fn a_setting_that_is_no_text_is_refused_rather_than_passed_over() {
    let pipeline = "name='x'\n[source]\nkind='sandbox'\n[transform]\nviews=[]\n";
    let pipeline: Pipeline = toml::from_str(pipeline).unwrap();
    let name = "CLAIMLAKE_EXTRACT_MAX_RPS";
    let variable = Variable {
        name,
        is_text: false,
    };
    let refused = strangers(&pipeline, std::iter::once(variable)).refused;
    assert!(
        refused
            .unwrap()
            .contains("CLAIMLAKE_EXTRACT_MAX_RPS is no text")
    );
}
