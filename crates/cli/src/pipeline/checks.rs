//! What `verify` looks for in the rows of tables: `pipelines/checks.toml`, which is built in.

use anyhow::Context as _;
use claimlake_verify::TableRules;

const TEXT: &str = include_str!("../../../../pipelines/checks.toml");

/// The built-in rules.
pub(crate) fn table_rules() -> anyhow::Result<TableRules> {
    toml::from_str(TEXT).context("reading the built-in checks of tables")
}

#[cfg(test)]
mod tests {
    use claimlake_verify::TableRules;

    use super::{TEXT, table_rules};

    #[test]
    fn the_built_in_rules_can_be_read_and_an_unknown_key_is_refused() {
        table_rules().unwrap();
        for of in ["values", "unique", "years"] {
            let start = format!("[[{of}]]");
            assert!(TEXT.contains(&start));
            let with_stranger = TEXT.replace(&start, &format!("{start}\nstranger = 1"));
            toml::from_str::<TableRules>(&with_stranger).unwrap_err();
        }
    }
}
