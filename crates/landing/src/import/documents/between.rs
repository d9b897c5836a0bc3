//! What is between documents, and where the first of several begins or ends.

use claimlake_contract::text_form::BYTE_ORDER_MARK;
use claimlake_json::{Members, key_says, plain_string, skip_space, value_end};
use memchr::memmem;

/// Where space and byte order marks end.
pub(super) fn skip_blank_from(text: &[u8], start: usize) -> usize {
    let mut at = skip_space(text, start);
    while text[at..].starts_with(BYTE_ORDER_MARK) {
        at = skip_space(text, at + BYTE_ORDER_MARK.len());
    }
    at
}

/// Where the first value of a line ends, if another one or a byte order mark follows it there.
pub(super) fn end_of_first(line: &[u8]) -> Option<usize> {
    // Most lines are one value: the search for what can be between two costs less than a scan.
    let may_be_two = memmem::find(line, BYTE_ORDER_MARK).is_some()
        || memchr::memchr2_iter(b'{', b'[', line)
            .any(|at| matches!(line[..at].trim_ascii_end().last(), Some(b'}' | b']')));
    if !may_be_two {
        return None;
    }
    let end = value_end(line, 0)?;
    let next = skip_space(line, end);
    let follows = &line[next..];
    (follows.starts_with(BYTE_ORDER_MARK) || matches!(follows.first(), Some(b'{' | b'[')))
        .then_some(end)
}

/// Where the first entry begins, if a Bundle begins at `start` and its type comes before its
/// entries.
pub(super) fn first_entry_of_bundle(text: &[u8], start: usize) -> Option<usize> {
    let mut members = Members::new(text, skip_space(text, start));
    let is_bundle = members.by_ref().any(|member| {
        member.is(text, "resourceType") && plain_string(text, &member.value) == Some("Bundle")
    });
    if !is_bundle {
        return None;
    }
    members.by_ref().for_each(drop);
    let (key, value) = members.unfinished()?;
    (key_says(&text[key], "entry") && text.get(value) == Some(&b'[')).then_some(value + 1)
}
