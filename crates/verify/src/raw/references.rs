//! References to what a resource contains: strings that begin with '#', under the key `reference`.

/// Calls `visit` with the text behind the '#' of each `"reference": "#…"`, at any depth.
///
/// The text is JSON (the view engine has read it), so `"#` is nothing but the beginning of a
/// string. Texts with `\u` escapes may hide either; they are read in full.
pub(crate) fn local_references(text: &[u8], visit: &mut dyn FnMut(&str)) {
    if memchr::memmem::find(text, br"\u").is_some() {
        if let Ok(value) = serde_json::from_slice(text) {
            in_full(&value, visit);
        }
        return;
    }
    for quote in memchr::memmem::find_iter(text, b"\"#") {
        if !is_reference(text.get(..quote).unwrap_or_default()) {
            continue;
        }
        let rest = text.get(quote + 2..).unwrap_or_default();
        let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        if let Ok(id) = std::str::from_utf8(rest.get(..end).unwrap_or_default()) {
            visit(id);
        }
    }
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
    }
}
