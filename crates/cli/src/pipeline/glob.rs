//! Globs of a pipeline file: `*` and `?` within a path segment.

use std::io;
use std::path::{Path, PathBuf};

/// The files below `base` that `pattern` names, sorted by path.
pub(super) fn files(base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        base.to_path_buf()
    }];
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if !segment.contains(['*', '?']) {
                next.push(folder.join(segment));
                continue;
            }
            if !folder.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                if entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| matches(segment, name))
                {
                    next.push(entry.path());
                }
            }
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

/// Whether one path segment matches; a leading dot must be written out, as in a shell.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => match star {
                // Let the last star take one more letter.
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    in_name = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_takes_any_letters_of_one_segment() {
        for (pattern, name, expected) in [
            ("*.json", "eob.json", true),
            ("eob*.json", "eob_item.json", true),
            ("eob_?.json", "eob_i.json", true),
            ("eob_?.json", "eob_.json", false),
            ("*.json", ".hidden.json", false),
            ("*a*b", "xaybzb", true),
            ("*.json", "eob.jsonl", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
