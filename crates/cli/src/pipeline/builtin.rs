//! The pipelines and views within the binary, so that it runs without a checkout.

use super::{ViewFile, glob};

/// The built-in pipelines, the default first.
pub(super) const NAMES: &[&str] = &["demo", "blue_button"];

/// The built-in name that `wanted` spells.
pub(super) fn name(wanted: &str) -> Option<&'static str> {
    NAMES.iter().find(|name| **name == wanted).copied()
}

/// The text of a built-in pipeline.
pub(super) fn text(name: &str) -> &'static str {
    match name {
        "blue_button" => include_str!("../../../../pipelines/blue_button.toml"),
        _ => include_str!("../../../../pipelines/demo.toml"),
    }
}

/// The views that a glob of a built-in pipeline names.
pub(super) fn views(pattern: &str) -> Vec<ViewFile> {
    files("views/", VIEWS, pattern)
}

/// The views that are SQL, which a glob of a built-in pipeline names.
pub(super) fn sql_views(pattern: &str) -> Vec<ViewFile> {
    files("sql/", SQL_VIEWS, pattern)
}

/// The files of schemas under other names, which a glob of a built-in pipeline names.
pub(super) fn renamed_schemas(pattern: &str) -> Vec<ViewFile> {
    let ccw = include_str!("../../../../pipelines/ccw.toml");
    files("", &[("ccw.toml", ccw)], pattern)
}

fn files(folder: &str, files: &[(&str, &str)], pattern: &str) -> Vec<ViewFile> {
    let in_folder = pattern.strip_prefix(folder).unwrap_or_default();
    files
        .iter()
        .filter(|(name, _)| glob::matches(in_folder, name))
        .map(|(name, text)| ViewFile {
            path: format!("{folder}{name}"),
            text: (*text).into(),
        })
        .collect()
}

macro_rules! views {
    ($($name:literal),* $(,)?) => {
        /// Every file of `pipelines/views`.
        const VIEWS: &[(&str, &str)] = &[$((
            concat!($name, ".json"),
            include_str!(concat!("../../../../pipelines/views/", $name, ".json")),
        )),*];
    };
}

macro_rules! sql_views {
    ($($name:literal),* $(,)?) => {
        /// Every file of `pipelines/sql`.
        const SQL_VIEWS: &[(&str, &str)] = &[$((
            concat!($name, ".sql"),
            include_str!(concat!("../../../../pipelines/sql/", $name, ".sql")),
        )),*];
    };
}

sql_views!["coverage_month", "enrollment_month", "person", "stay"];

views![
    "claim",
    "claim_diagnosis",
    "claim_line",
    "claim_procedure",
    "claim_provider",
    "coverage",
    "coverage_class",
    "coverage_coding",
    "coverage_contained_contact",
    "coverage_extension",
    "coverage_identifier",
    "coverage_month",
    "eob",
    "eob_adjudication",
    "eob_benefit_financial",
    "eob_care_team",
    "eob_coding",
    "eob_contained",
    "eob_contained_identifier",
    "eob_diagnosis",
    "eob_extension",
    "eob_identifier",
    "eob_insurance",
    "eob_item",
    "eob_item_adjudication",
    "eob_item_detail",
    "eob_item_link",
    "eob_item_modifier",
    "eob_meta",
    "eob_procedure",
    "eob_process_note",
    "eob_related",
    "eob_supporting_info",
    "eob_total",
    "part_d_event",
    "patient",
    "patient_address",
    "patient_coding",
    "patient_communication",
    "patient_extension",
    "patient_identifier",
    "patient_link",
    "patient_name",
    "prior_authorization_line",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{SQL_VIEWS, VIEWS};

    #[test]
    fn every_view_of_the_checkout_is_built_in() {
        for (folder, ending, files) in [("views", ".json", VIEWS), ("sql", ".sql", SQL_VIEWS)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../pipelines")
                .join(folder);
            let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.ends_with(ending))
                .collect();
            let built_in: BTreeSet<String> = files.iter().map(|(name, _)| (*name).into()).collect();
            assert_eq!(built_in, on_disk);
        }
    }
}
