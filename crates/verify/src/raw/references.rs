//! References to what a resource contains: strings that begin with '#', under the key `reference`.

/// Calls `visit` with the text behind the '#' of each `"reference": "#…"`, at any depth.
///
/// The text is JSON (the view engine has read it), so `"#` is nothing but the beginning of a
/// string. Texts in which an escape may hide either, or stands in a reference, are read in full.
pub(crate) fn local_references(text: &[u8], visit: &mut dyn FnMut(&str)) {
    let found: Vec<&[u8]> = found_in(text).collect();
    if hides_any(text) || found.iter().any(|id| id.contains(&b'\\')) {
        if let Ok(value) = serde_json::from_slice(text) {
            in_full(&value, visit);
        }
        return;
    }
    let ids = found.into_iter();
    ids.filter_map(|id| std::str::from_utf8(id).ok())
        .for_each(visit);
}

/// Whether a character of the key or the '#' is written as an escape. Some servers write
/// apostrophes and angle brackets so, which hide neither.
fn hides_any(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, br"\u").any(|at| {
        let digits = text.get(at + 2..at + 6).unwrap_or_default();
        let code = std::str::from_utf8(digits).map(|digits| u8::from_str_radix(digits, 16));
        code.is_ok_and(|code| code.is_ok_and(|code| b"#reference".contains(&code)))
    })
}

/// What is behind the '#' of each reference, up to the next quote.
fn found_in(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let quotes = memchr::memmem::find_iter(text, b"\"#");
    let references = quotes.filter(|quote| is_reference(text.get(..*quote).unwrap_or_default()));
    references.map(|quote| {
        let rest = text.get(quote + 2..).unwrap_or_default();
        let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    })
}

/// Whether what precedes a value is the key `reference` and a colon.
fn is_reference(before: &[u8]) -> bool {
    before
        .trim_ascii_end()
        .strip_suffix(b":")
        .and_then(|rest| rest.trim_ascii_end().strip_suffix(b"\"reference\""))
        .is_some_and(|rest| !rest.ends_with(b"\\"))
}

fn in_full(value: &serde_json::Value, visit: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::Array(list) => {
            list.iter().for_each(|element| in_full(element, visit));
        }
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member {
                    serde_json::Value::String(text) if name == "reference" => {
                        if let Some(id) = text.strip_prefix('#') {
                            visit(id);
                        }
                    }
                    other => in_full(other, visit),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::local_references;

    fn found(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        local_references(text.as_bytes(), &mut |id| found.push(id.to_owned()));
        found
    }

    #[test]
    fn references_within_are_found_at_any_depth_and_nothing_else_is() {
        let text = r##"{"reference":"#a","x":[{"y":{"reference" : "#b"}}],"display":"#c",
            "reference":"Patient/1","#d":1,"z":"\"reference\":\"#e\"","\"reference":"#f"}"##;
        assert_eq!(found(text), ["a", "b"]);
    }

    #[test]
    fn escapes_hide_none() {
        let text =
            r##"{"ref\u0065rence":"#a","x":{"reference":"\u0023b"},"y":{"reference":"#c"}}"##;
        assert_eq!(found(text), ["a", "b", "c"]);
        let each = [
            r##"{"\u0072eference":"#a"}"##,
            r##"{"refere\u006Ece":"#a"}"##,
            r##"{"reference":"\u0023a"}"##,
            r##"{"x":"it\u0027s","reference":"\u0023a"}"##,
            r##"{"x":"it\u0027s","reference":"#a"}"##,
            r##"{"x":"\u00e9\\u0023","reference":"#\u0061"}"##,
        ];
        for text in each {
            assert_eq!(found(text), ["a"], "{text}");
        }
    }

    #[test]
    fn escapes_in_an_id_are_decoded_and_end_it_nowhere() {
        let text = r##"{"x":{"reference":"#it\u0027s"},"reference":"#a\"b"}"##;
        assert_eq!(found(text), ["it's", "a\"b"]);
    }
}
