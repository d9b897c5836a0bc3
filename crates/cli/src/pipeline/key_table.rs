//! Every key that a pipeline file may have: what is checked, what `docs/pipeline.md` shows and what a
//! message about a wrong value says.

mod tables;

pub(super) use tables::{CASE, CONTEXT, TABLE};

/// A table of the file.
pub(super) struct Section {
    /// As in the file: `extract`; empty: the top.
    pub(super) name: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "shown in docs/pipeline.md, which a test makes")
    )]
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key of a section.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it holds, in words.
    pub(super) kind: &'static str,
    /// The default as it would be written in the file, or in words (`-` where it must be given).
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "shown in docs/pipeline.md, which a test makes")
    )]
    pub(super) default: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "shown in docs/pipeline.md, which a test makes")
    )]
    pub(super) effect: &'static str,
    /// A value as it is written in the file; empty for tables.
    pub(super) example: &'static str,
}

const fn key(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    effect: &'static str,
    example: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        effect,
        example,
    }
}

/// What is a default in words rather than a value.
pub(super) const NONE: &str = "none";
pub(super) const REQUIRED: &str = "-";

/// The sections whose keys are the same in every pipeline, in the order of the page.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "",
        about: "The top of the file. The tables below are keys of it, too.",
        keys: &[
            key(
                "name",
                "text",
                REQUIRED,
                "names the default data directory, `data/<name>`: letters, digits, `-` and `_`",
                "\"my_claims\"",
            ),
            key("source", "table", REQUIRED, "the server and the app", ""),
            key("extract", "table", NONE, "how the server is asked", ""),
            key("transform", "table", REQUIRED, "the views", ""),
            key(
                "context",
                "table",
                NONE,
                "by resource type: the first columns of its tables",
                "",
            ),
            key(
                "current",
                "list of tables",
                NONE,
                "which version of a claim is current ([FORMAT.md](FORMAT.md#what-is-current))",
                "",
            ),
            key(
                "load",
                "table",
                NONE,
                "how tables lie in the lake, and how long what is kept",
                "",
            ),
            key(
                "table",
                "table",
                NONE,
                "by table name: what differs from `[load]`",
                "",
            ),
        ],
    },
    Section {
        name: "source",
        about: "The server and the app.",
        keys: &[
            key(
                "kind",
                "`\"blue_button\"` or `\"sandbox\"`",
                REQUIRED,
                "the real service (or `claimlake sandbox`), or a sandbox within the same process",
                "\"blue_button\"",
            ),
            key(
                "base_url",
                "text",
                NONE,
                "scheme, host and port of the server; https, plain http to loopback only; needed by `blue_button`",
                "\"https://api.bluebutton.cms.gov\"",
            ),
            key(
                "api",
                "`\"v2\"` or `\"v3\"`",
                "\"v2\"",
                "the API version; each has ids of its own, so give each a data directory of its own",
                "\"v3\"",
            ),
            key(
                "resources",
                "list of texts",
                "[\"ExplanationOfBenefit\", \"Coverage\", \"Patient\"]",
                "the resource types that are read, and so the scopes that a consent asks for",
                "[\"ExplanationOfBenefit\", \"Coverage\"]",
            ),
            key(
                "redirect_uri",
                "text",
                NONE,
                "the callback URL, letter by letter as registered with the app",
                "\"http://127.0.0.1:8484/callback\"",
            ),
            key(
                "client_id_env",
                "text",
                NONE,
                "the name of the variable that holds the app's id",
                "\"BLUE_BUTTON_CLIENT_ID\"",
            ),
            key(
                "client_secret_env",
                "text",
                NONE,
                "the name of the variable that holds the app's secret",
                "\"BLUE_BUTTON_CLIENT_SECRET\"",
            ),
            key(
                "patients",
                "whole number",
                NONE,
                "`sandbox`: its people",
                "12",
            ),
            key(
                "eobs",
                "whole number",
                NONE,
                "`sandbox`: claims of a person, on average",
                "60",
            ),
            key(
                "seed",
                "whole number",
                NONE,
                "`sandbox`: the seed of both",
                "20",
            ),
            key(
                "replay",
                "text",
                NONE,
                "`sandbox`: a recording to serve, relative to the file",
                "\"recordings/v2\"",
            ),
        ],
    },
    Section {
        name: "extract",
        about: "How the server is asked.",
        keys: &[
            key(
                "page_size",
                "whole number",
                "50",
                "resources on a page (`_count`)",
                "20",
            ),
            key(
                "concurrency",
                "whole number",
                "128",
                "requests at once, at most; the client finds out how many the server likes",
                "16",
            ),
            key(
                "per_patient",
                "whole number",
                "6",
                "requests at once for one person",
                "2",
            ),
            key(
                "max_rps",
                "number",
                NONE,
                "requests a second, at most",
                "50.0",
            ),
            key(
                "full_every",
                "days",
                "30",
                "each person's claims are read as a whole once in so many days, which alone shows what has gone; 0: only with `--full`",
                "7",
            ),
            key(
                "on_revoked",
                "text",
                "\"keep\"",
                "what becomes of people whose consent was revoked from here: `keep`, or `forget_after N days`, which forgets them at the end of a load",
                "\"forget_after 30 days\"",
            ),
        ],
    },
    Section {
        name: "transform",
        about: "The views.",
        keys: &[
            key(
                "views",
                "list of texts",
                REQUIRED,
                "globs of ViewDefinitions, relative to the file",
                "[\"views/*.json\"]",
            ),
            key(
                "max_reject_share",
                "number from 0 to 1",
                "0.01",
                "the share of rejected records from which on the exit code is 3",
                "0.0",
            ),
            key(
                "part2",
                "`\"keep\"` or `\"drop\"`",
                "\"keep\"",
                "whether resources labelled 42 CFR Part 2 make rows; they land in any case",
                "\"drop\"",
            ),
        ],
    },
    Section {
        name: "load",
        about: "How tables lie in the lake, who may read it, and how long what is kept. What is kept is looked at at the end of every load.",
        keys: &[
            key(
                "partition_by",
                "list of texts",
                "[\"eob_type\", \"service_year\"]",
                "columns that become folders, in the tables that have them",
                "[\"service_year\"]",
            ),
            key(
                "sort_by",
                "list of texts",
                "[\"patient_id\", \"service_date\", \"eob_id\"]",
                "the order of rows within a partition",
                "[\"eob_id\"]",
            ),
            key(
                "bloom",
                "list of texts",
                "[\"eob_id\", \"claim_id\", \"claim_group_id\", \"npi\"]",
                "columns with a bloom filter, in the tables that have them",
                "[\"eob_id\", \"npi\"]",
            ),
            key(
                "main_tables",
                "list of texts",
                "[]",
                "tables of DuckDB's schema `main`; empty: all. The schema `lossless` has all",
                "[\"eob\", \"eob_item\"]",
            ),
            key(
                "target_file_mb",
                "whole number",
                "128",
                "the size that files aim at, in MiB",
                "64",
            ),
            key(
                "keep_snapshots",
                "whole number",
                "3",
                "so many snapshots stay, the current one among them",
                "7",
            ),
            key(
                "keep_hours",
                "hours",
                "24",
                "younger snapshots stay, too, however many they are, so that a reader that has resolved one is not interrupted; 0: the number alone counts",
                "48",
            ),
            key(
                "keep_staged",
                "days, or `\"forever\"`",
                "7",
                "staged rows (PHI) that nobody loaded are removed after so many days; `transform` makes them again. 0: at the end of the next load",
                "1",
            ),
            key(
                "keep_rejects",
                "days, or `\"forever\"`",
                "90",
                "what `import` and `extract` could not land, with its text (PHI), and the places of rejected values are removed after so many days",
                "30",
            ),
            key(
                "dir",
                "text",
                "`<data>/lake`",
                "the lake's folder, where it is another; relative to the working directory",
                "\"/srv/claimlake-lake\"",
            ),
            key(
                "group",
                "text",
                NONE,
                "a group, by name or number, that may read the lake (0750, 0640); needs `dir` outside the data directory, which is its owner's alone",
                "\"analysts\"",
            ),
        ],
    },
];

/// The key of a section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    let section = SECTIONS.iter().find(|known| known.name == section)?;
    section.keys.iter().find(|key| key.name == name)
}
