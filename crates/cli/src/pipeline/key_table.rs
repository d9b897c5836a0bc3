//! Every key that a pipeline file may have (`key_table.txt`): what is checked, what `docs/pipeline.md`
//! shows and what a message about a wrong value says.

use std::sync::LazyLock;

const TEXT: &str = include_str!("key_table.txt");

/// A table of the file.
pub(super) struct Section {
    /// As in the file: `extract`; empty for keys outside of sections.
    pub(super) name: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "shown in docs/pipeline.md, which a test makes")
    )]
    pub(super) about: &'static str,
    pub(super) keys: Vec<Key>,
}

/// A key of a section.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Which values it accepts, as text.
    pub(super) kind: &'static str,
    /// The default as it would be written in the file, or described (`-` if the key is required).
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

/// A default that is described rather than a value.
#[cfg(test)]
pub(super) const NONE: &str = "none";
#[cfg(test)]
pub(super) const REQUIRED: &str = "-";

/// The sections whose keys are the same in every pipeline, in the order of the page.
pub(super) static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| marked("\n## ").collect());

/// The keys of `[table.<name>]`.
pub(super) static TABLE: LazyLock<Vec<Key>> = LazyLock::new(|| nested("table"));

/// The keys of `[[current]]`.
#[cfg(test)]
pub(super) static CURRENT: LazyLock<Vec<Key>> = LazyLock::new(|| nested("current"));

/// The ways of a context column that is not a plain FHIRPath.
pub(super) static CONTEXT: LazyLock<Vec<Key>> = LazyLock::new(|| nested("context"));

/// The keys of a case of a context column.
pub(super) static CASE: LazyLock<Vec<Key>> = LazyLock::new(|| nested("case"));

/// The key of a section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    let section = SECTIONS.iter().find(|known| known.name == section)?;
    section.keys.iter().find(|key| key.name == name)
}

fn nested(name: &str) -> Vec<Key> {
    let tables = marked("\n### ").filter(|section| section.name == name);
    tables.flat_map(|section| section.keys).collect()
}

/// The sections whose headings begin with a mark.
fn marked(mark: &str) -> impl Iterator<Item = Section> {
    TEXT.split(mark).skip(1).map(|text| {
        let of_section = text.split("\n#").next().unwrap_or_default();
        let mut lines = of_section.lines();
        let [name, about, ..] = fields(lines.next().unwrap_or_default());
        let keys = lines.filter(|line| !line.is_empty()).map(|line| {
            let [name, kind, default, effect, example] = fields(line);
            Key {
                name,
                kind,
                default,
                effect,
                example,
            }
        });
        Section {
            name,
            about,
            keys: keys.collect(),
        }
    })
}

fn fields(line: &'static str) -> [&'static str; 5] {
    let mut fields = line.split('|').map(str::trim);
    std::array::from_fn(|_| fields.next().unwrap_or_default())
}
