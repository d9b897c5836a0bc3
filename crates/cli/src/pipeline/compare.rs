//! How `compare` pairs and classes: `pipelines/compare.toml`, which is built in.

use anyhow::Context as _;
use claimlake_compare::Rules;

const TEXT: &str = include_str!("../../../../pipelines/compare.toml");

/// The built-in rules.
pub(crate) fn compare_rules() -> anyhow::Result<Rules> {
    toml::from_str(TEXT).context("reading the built-in rules of comparing")
}

#[cfg(test)]
mod tests {
    use claimlake_compare::Rules;

    use super::{TEXT, compare_rules};

    #[test]
    fn the_built_in_rules_can_be_read_and_an_unknown_key_is_refused() {
        compare_rules().unwrap();
        for of in [
            "[[pairing]]",
            "[[reason]]",
            "[[table]]",
            "[classes]",
            "[persons]",
        ] {
            assert!(TEXT.contains(of));
            let with_stranger = TEXT.replace(of, &format!("{of}\nstranger = 1"));
            toml::from_str::<Rules>(&with_stranger).unwrap_err();
        }
    }
}
