//! The keys of tables within sections.

use super::{Key, NONE, REQUIRED, key};

/// The keys of `[table.<name>]`.
pub(in crate::pipeline) const TABLE: &[Key] = &[
    key(
        "partition_by",
        "list of texts",
        "as in `[load]`",
        "columns that become folders",
        "[]",
    ),
    key(
        "sort_by",
        "list of texts",
        "as in `[load]`",
        "the order of rows within a partition",
        "[\"patient_id\"]",
    ),
    key(
        "bloom",
        "list of texts",
        "as in `[load]`",
        "columns with a bloom filter",
        "[\"patient_id\"]",
    ),
];

/// The ways of a context column that is not a plain FHIRPath.
pub(in crate::pipeline) const CONTEXT: &[Key] = &[
    key("path", "text", NONE, "a FHIRPath", "\"meta.lastUpdated\""),
    key(
        "date_of",
        "list of texts",
        NONE,
        "FHIRPaths; the day of the first that finds something",
        "[\"billablePeriod.start\"]",
    ),
    key(
        "year_of",
        "list of texts",
        NONE,
        "FHIRPaths; the year of the first that finds something",
        "[\"billablePeriod.end\", \"billablePeriod.start\"]",
    ),
    key(
        "case",
        "list of tables",
        NONE,
        "values of resources that meet a condition; the first that is met decides",
        "[{ when = \"use = 'preauthorization'\", value = \"PRIOR_AUTH\" }]",
    ),
    key(
        "default",
        "text or whole number",
        NONE,
        "the value where nothing is found",
        "\"UNKNOWN\"",
    ),
];

/// The keys of a case of a context column.
pub(in crate::pipeline) const CASE: &[Key] = &[
    key(
        "when",
        "text",
        REQUIRED,
        "a FHIRPath that is true or not",
        "\"use = 'preauthorization'\"",
    ),
    key(
        "value",
        "text or whole number",
        REQUIRED,
        "the value",
        "\"PRIOR_AUTH\"",
    ),
];
