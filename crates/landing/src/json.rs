//! Finding where JSON values begin and end, without reading what they say.
//!
//! The scan trusts quotes and brackets and checks nothing else; who needs valid JSON parses it.
//! Keys alone are read as what they say: `pati\u0065nt` is the key `patient`, here as in a table.

use std::borrow::Cow;
use std::ops::Range;

/// The end (exclusive) of the JSON value that begins at `start`, or `None` where the text ends
/// first or no value begins there.
#[must_use]
pub fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => string_end(text, start),
        b'{' | b'[' => container_end(text, start),
        b',' | b'}' | b']' | b':' => None,
        _ => {
            let length = text[start..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace());
            Some(length.map_or(text.len(), |length| start + length))
        }
    }
}

/// The end (exclusive) of the string whose opening quote is at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut position = start + 1;
    loop {
        let found = position + memchr::memchr2(b'"', b'\\', text.get(position..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        position = found + 2;
    }
}

fn container_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut position = start;
    while let Some(byte) = text.get(position) {
        match byte {
            b'"' => {
                position = string_end(text, position)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(position + 1);
                }
            }
            _ => {}
        }
        position += 1;
    }
    None
}

/// The position of the first byte from `start` on that is not JSON white space.
#[must_use]
pub fn skip_space(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let space = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    start + space.unwrap_or(rest.len())
}

/// A member of an object, as ranges of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key between its quotes, escapes as they stand; compare it by [`Member::is`].
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

impl Member {
    /// Whether the key says `name`.
    #[must_use]
    pub fn is(&self, text: &[u8], name: &str) -> bool {
        text.get(self.key.clone())
            .is_some_and(|raw| key_says(raw, name))
    }
}

/// Whether a key, given as it is between its quotes, says `name`.
#[must_use]
pub fn key_says(raw: &[u8], name: &str) -> bool {
    raw == name.as_bytes() || (raw.contains(&b'\\') && *read_key(raw) == *name.as_bytes())
}

/// What a key says; one that is no JSON string stays as it is, and is the name of nothing.
fn read_key(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    match serde_json::from_slice::<String>(&quoted) {
        Ok(key) => Cow::Owned(key.into_bytes()),
        Err(_) => Cow::Borrowed(raw),
    }
}

/// The member of a name in the object at `start`: the last one where there are several, as every
/// JSON parser has it. The transform refuses such an object.
#[must_use]
pub fn member(text: &[u8], start: usize, name: &str) -> Option<Member> {
    Members::new(text, start)
        .filter(|member| member.is(text, name))
        .last()
}

/// The members of the object that begins at a position. Ends early where the text does; see
/// [`Members::end`].
#[derive(Debug)]
pub struct Members<'a> {
    text: &'a [u8],
    position: usize,
    state: State,
    unfinished: Option<(Range<usize>, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Inside,
    Ended,
    Broken,
}

impl<'a> Members<'a> {
    /// The members of the object at `start` (its opening brace).
    #[must_use]
    pub fn new(text: &'a [u8], start: usize) -> Self {
        let is_object = text.get(start) == Some(&b'{');
        Self {
            text,
            position: start + 1,
            state: if is_object {
                State::Inside
            } else {
                State::Broken
            },
            unfinished: None,
        }
    }

    /// The members from `position` on, which lies within an object, behind one of its values.
    #[must_use]
    pub fn resume(text: &'a [u8], position: usize) -> Self {
        Self {
            text,
            position,
            state: State::Inside,
            unfinished: None,
        }
    }

    /// The key, and where its value begins, of the member that the text ends in.
    #[must_use]
    pub fn unfinished(&self) -> Option<(Range<usize>, usize)> {
        self.unfinished.clone()
    }

    /// The end (exclusive) of the object, once all members were read and it was closed.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        (self.state == State::Ended).then_some(self.position)
    }

    fn member(&mut self) -> Option<Member> {
        let mut position = skip_space(self.text, self.position);
        if self.text.get(position) == Some(&b',') {
            position = skip_space(self.text, position + 1);
        }
        match self.text.get(position)? {
            b'}' => {
                self.state = State::Ended;
                self.position = position + 1;
                return None;
            }
            b'"' => {}
            _ => return None,
        }
        let key_end = string_end(self.text, position)?;
        let colon = skip_space(self.text, key_end);
        if self.text.get(colon) != Some(&b':') {
            return None;
        }
        let value_start = skip_space(self.text, colon + 1);
        let key = position + 1..key_end - 1;
        let Some(value_end) = value_end(self.text, value_start) else {
            self.unfinished = Some((key, value_start));
            return None;
        };
        self.position = value_end;
        Some(Member {
            key,
            value: value_start..value_end,
        })
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        if self.state != State::Inside {
            return None;
        }
        let member = self.member();
        if member.is_none() && self.state == State::Inside {
            self.state = State::Broken;
        }
        member
    }
}

/// The elements of the array at `start` (its opening bracket), as ranges of the text.
#[derive(Debug)]
pub struct Elements<'a> {
    text: &'a [u8],
    position: usize,
    state: State,
}

impl<'a> Elements<'a> {
    /// The elements of the array at `start`.
    #[must_use]
    pub fn new(text: &'a [u8], start: usize) -> Self {
        let is_array = text.get(start) == Some(&b'[');
        Self {
            text,
            position: start + 1,
            state: if is_array {
                State::Inside
            } else {
                State::Broken
            },
        }
    }

    /// The end (exclusive) of the array, once all elements were read and it was closed.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        (self.state == State::Ended).then_some(self.position)
    }

    fn element(&mut self) -> Option<Range<usize>> {
        let mut position = skip_space(self.text, self.position);
        if self.text.get(position) == Some(&b',') {
            position = skip_space(self.text, position + 1);
        }
        if *self.text.get(position)? == b']' {
            self.state = State::Ended;
            self.position = position + 1;
            return None;
        }
        let end = value_end(self.text, position)?;
        self.position = end;
        Some(position..end)
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.state != State::Inside {
            return None;
        }
        let element = self.element();
        if element.is_none() && self.state == State::Inside {
            self.state = State::Broken;
        }
        element
    }
}

/// Walks the object that begins at `start` once: `each` gets a key (escapes read) and where its
/// value begins, and returns the value's end, for instance from [`value_end`].
///
/// The object's end (exclusive), or `None` where `each` gave none or the text is no object.
pub fn walk_object(
    text: &[u8],
    start: usize,
    mut each: impl FnMut(&[u8], usize) -> Option<usize>,
) -> Option<usize> {
    if *text.get(start)? != b'{' {
        return None;
    }
    let mut position = skip_space(text, start + 1);
    if *text.get(position)? == b'}' {
        return Some(position + 1);
    }
    loop {
        if *text.get(position)? != b'"' {
            return None;
        }
        let key_end = string_end(text, position)?;
        let colon = skip_space(text, key_end);
        if *text.get(colon)? != b':' {
            return None;
        }
        let value = skip_space(text, colon + 1);
        let end = each(&read_key(&text[position + 1..key_end - 1]), value)?;
        position = skip_space(text, end);
        match text.get(position)? {
            b',' => position = skip_space(text, position + 1),
            b'}' => return Some(position + 1),
            _ => return None,
        }
    }
}

/// Walks the array that begins at `start` once: `each` gets where an element begins and returns
/// its end. The array's end (exclusive), or `None` as for [`walk_object`].
pub fn walk_array(
    text: &[u8],
    start: usize,
    mut each: impl FnMut(usize) -> Option<usize>,
) -> Option<usize> {
    if *text.get(start)? != b'[' {
        return None;
    }
    let mut position = skip_space(text, start + 1);
    if *text.get(position)? == b']' {
        return Some(position + 1);
    }
    loop {
        let end = each(position)?;
        position = skip_space(text, end);
        match text.get(position)? {
            b',' => position = skip_space(text, position + 1),
            b']' => return Some(position + 1),
            _ => return None,
        }
    }
}

/// The text between the quotes of the string at `range`, where it has no escapes.
#[must_use]
pub fn plain_string<'a>(text: &'a [u8], range: &Range<usize>) -> Option<&'a str> {
    let inner = text
        .get(range.clone())?
        .strip_prefix(b"\"")?
        .strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_some() {
        return None;
    }
    std::str::from_utf8(inner).ok()
}

/// The text with U+FFFD in place of every half of a surrogate pair, which parsers refuse: for who
/// must read all of a line that landed, whatever else is wrong with it. As long as the text.
#[must_use]
pub fn without_half_surrogates(text: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', text.get(at..).unwrap_or_default()) {
        let escape = at + found;
        at = match surrogate(text, escape) {
            None => escape + 2,
            Some(first) if first < 0xdc00 && surrogate(text, escape + 6) >= Some(0xdc00) => {
                escape + 12
            }
            Some(_) => {
                let digits = escape + 2..escape + 6;
                if let Some(digits) = repaired.to_mut().get_mut(digits) {
                    digits.copy_from_slice(b"fffd");
                }
                escape + 6
            }
        };
    }
    repaired
}

/// The tree of a text that may hold half of a surrogate pair, none where it is no JSON.
pub(crate) fn tree(text: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(&without_half_surrogates(text)).ok()
}

/// The half of a surrogate pair that is escaped at a position.
fn surrogate(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::{Elements, Members, value_end, walk_array, walk_object};

    fn keys(text: &str) -> (Vec<&str>, bool) {
        let mut members = Members::new(text.as_bytes(), 0);
        let keys = members.by_ref().map(|member| &text[member.key]).collect();
        (keys, members.end() == Some(text.len()))
    }

    #[test]
    fn brackets_and_quotes_inside_strings_do_not_end_a_value() {
        let text = r#"{"a":"}]\"{","b":[{"c":"\\"}],"d":-1.50e3 , "e":null}"#;
        assert_eq!(keys(text), (vec!["a", "b", "d", "e"], true));
        assert_eq!(value_end(text.as_bytes(), 0), Some(text.len()));
    }

    #[test]
    fn a_key_is_what_it_says_and_the_last_of_a_name_counts() {
        let text = br#"{"pati\u0065nt":1,"Patient":2,"patien\t":3,"patient":4,"\ud800":5}"#;
        let found = super::member(text, 0, "patient").unwrap();
        assert_eq!(&text[found.value], b"4");
        let mut named = Members::new(text, 0);
        assert!(named.next().unwrap().is(text, "patient"));
        assert_eq!(named.filter(|member| member.is(text, "patient")).count(), 1);
        let mut seen = Vec::new();
        walk_object(text, 0, |key, value| {
            seen.push(String::from_utf8_lossy(key).into_owned());
            value_end(text, value)
        });
        assert_eq!(
            seen,
            ["patient", "Patient", "patien\t", "patient", "\\ud800"]
        );
        assert!(super::member(text, 0, "id").is_none());
    }

    #[test]
    fn half_a_surrogate_is_replaced_and_nothing_else_is_touched() {
        for (text, repaired) in [
            (r#"{"a":"\ud800"}"#, r#"{"a":"\ufffd"}"#),
            (
                r#""\udc00\ud83d\ude00\uD83D""#,
                r#""\ufffd\ud83d\ude00\ufffd""#,
            ),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800 \u0041 \n""#, r#""\\ud800 \u0041 \n""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r#""\"#, r#""\"#),
        ] {
            let found = super::without_half_surrogates(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), repaired);
        }
    }

    #[test]
    fn a_cut_object_has_no_end_at_any_length() {
        let text = r#"{"a":"x\"y","b":[1,2,{"c":true}]}"#;
        for length in 0..text.len() {
            assert_eq!(value_end(&text.as_bytes()[..length], 0), None, "{length}");
            assert!(!keys(&text[..length]).1, "{length}");
        }
    }

    #[test]
    fn elements_of_an_array_are_found_and_its_end() {
        let text = br#"[ {"a":1} , [2], "x" ]"#;
        let mut elements = Elements::new(text, 0);
        let found: Vec<&[u8]> = elements.by_ref().map(|range| &text[range]).collect();
        assert_eq!(found, [&br#"{"a":1}"#[..], b"[2]", br#""x""#]);
        assert_eq!(elements.end(), Some(text.len()));
    }

    #[test]
    fn a_walk_ends_where_the_value_ends_and_fails_on_a_cut_or_broken_one() {
        let text = br#" {"a": [1, {"b":2}, []], "c": {} } rest"#;
        let walk = |text: &[u8]| {
            let mut seen = Vec::new();
            let end = walk_object(text, 1, |key, value| {
                seen.push(String::from_utf8_lossy(key).into_owned());
                match key {
                    b"a" => walk_array(text, value, |element| value_end(text, element)),
                    _ => value_end(text, value),
                }
            });
            (end, seen)
        };
        let (end, seen) = walk(text);
        assert_eq!(end, Some(text.len() - 5));
        assert_eq!(seen, ["a", "c"]);
        for length in 0..text.len() - 5 {
            assert_eq!(walk(&text[..length]).0, None, "{length}");
        }
        assert_eq!(walk(br#" {"a":[1 2]}"#).0, None);
        assert_eq!(walk(br#" {"a":[1],}"#).0, None);
    }
}
