//! Keys that a pipeline file may not have, and the nearest one that it may.

use toml::{Spanned, de::DeTable, de::DeValue};

use super::key_table::{CASE, CONTEXT, Key, SECTIONS, TABLE};

/// The error text about the first unknown key of the file.
pub(super) fn unknown_key(file: &DeTable<'_>, text: &str) -> Option<String> {
    let mut unknown = Vec::new();
    let top = section_keys("");
    let [tables, contexts, case_keys] = [&TABLE, &CONTEXT, &CASE].map(|keys| names(keys));
    for (key, value) in file.iter() {
        let name = key.get_ref().as_ref();
        if !top.contains(&name) {
            unknown.push((key.span().start, name.to_owned(), nearest(name, &top)));
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            continue;
        };
        match name {
            "table" => nested(table, name, &tables, &mut unknown),
            "context" => {
                for (resource, columns) in table.iter() {
                    if let Some(columns) = columns.get_ref().as_table() {
                        let place = format!("{name}.{}", resource.get_ref());
                        nested(columns, &place, &contexts, &mut unknown);
                        cases(columns, &place, &case_keys, &mut unknown);
                    }
                }
            }
            // Its keys are checked where they are read.
            "derive" => {}
            _ => check(table, name, &section_keys(name), &mut unknown),
        }
    }
    unknown.sort();
    let (start, key, hint) = unknown.into_iter().next()?;
    let line = text[..start].matches('\n').count() + 1;
    Some(match hint {
        Some(hint) => format!("line {line}: unknown key '{key}', did you mean '{hint}'?"),
        None => format!("line {line}: unknown key '{key}'"),
    })
}

type Unknown = (usize, String, Option<String>);

fn nested(tables: &DeTable<'_>, place: &str, known: &[&str], unknown: &mut Vec<Unknown>) {
    for (name, value) in tables.iter() {
        if let DeValue::Table(table) = Spanned::get_ref(value) {
            check(
                table,
                &format!("{place}.{}", name.get_ref()),
                known,
                unknown,
            );
        }
    }
}

/// The cases of context columns.
fn cases(columns: &DeTable<'_>, place: &str, known: &[&str], unknown: &mut Vec<Unknown>) {
    for (name, column) in columns.iter() {
        let cases = Spanned::get_ref(column).as_table();
        let cases = cases.and_then(|column| column.get("case"));
        let cases = cases.and_then(|cases| cases.get_ref().as_array());
        for case in cases.into_iter().flat_map(|cases| cases.iter()) {
            if let DeValue::Table(case) = Spanned::get_ref(case) {
                let place = format!("{place}.{}.case", name.get_ref());
                check(case, &place, known, unknown);
            }
        }
    }
}

fn check(table: &DeTable<'_>, place: &str, known: &[&str], unknown: &mut Vec<Unknown>) {
    for (key, _) in table.iter() {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            let hint = nearest(name, known).map(|near| format!("{place}.{near}"));
            unknown.push((key.span().start, format!("{place}.{name}"), hint));
        }
    }
}

fn section_keys(section: &str) -> Vec<&'static str> {
    let section = SECTIONS.iter().find(|known| known.name == section);
    section.map_or_else(Vec::new, |section| names(&section.keys))
}

fn names(keys: &'static [Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// The known key that is fewest edits away.
pub(crate) fn nearest(name: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .min_by_key(|candidate| edits(name, candidate))
        .map(ToString::to_string)
}

/// Levenshtein distance.
pub(super) fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut previous: Vec<usize> = (0..=to.len()).collect();
    for (row, have) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, want) in to.iter().enumerate() {
            let replace = previous[column] + usize::from(have != *want);
            let insert = current[column] + 1;
            let remove = previous[column + 1] + 1;
            current.push(replace.min(insert).min(remove));
        }
        previous = current;
    }
    previous[to.len()]
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn distance_counts_inserted_removed_and_replaced_letters() {
        assert_eq!(edits("pagesize", "page_size"), 1);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }
}
