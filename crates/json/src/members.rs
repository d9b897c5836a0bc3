//! The members of an object and the elements of an array, as ranges of the text.
//!
//! Keys are compared unescaped: `pati\u0065nt` is the key `patient`, as in a table.

use std::ops::Range;

use crate::key::key_says;
use crate::structure::{after_string, skip_space, value_end};

/// A member of an object, as ranges of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key between its quotes, escapes unresolved; compare it by [`Member::is`].
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

/// The member of a name in the object at `start`: the last one where there are several, as every
/// JSON parser has it. The transform refuses such an object.
#[must_use]
pub fn member(text: &[u8], start: usize, name: &str) -> Option<Member> {
    Members::new(text, start)
        .filter(|member| member.is(text, name))
        .last()
}

/// A walk through the object or array at a position, as far as the text goes.
#[derive(Debug)]
struct Walk<'a> {
    text: &'a [u8],
    position: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Inside,
    Ended,
    Broken,
}

impl<'a> Walk<'a> {
    fn new(text: &'a [u8], start: usize, opening: u8) -> Self {
        let state = match text.get(start) == Some(&opening) {
            true => State::Inside,
            false => State::Broken,
        };
        Self {
            text,
            position: start + 1,
            state,
        }
    }

    /// Where the next member or element begins. The caller must then continue behind its value
    /// ([`Walk::go_on`]), or the walk ends.
    fn next_start(&mut self, closing: u8) -> Option<usize> {
        if self.state != State::Inside {
            return None;
        }
        self.state = State::Broken;
        let mut start = skip_space(self.text, self.position);
        if self.text.get(start) == Some(&b',') {
            start = skip_space(self.text, start + 1);
        }
        if *self.text.get(start)? == closing {
            self.state = State::Ended;
            self.position = start + 1;
            return None;
        }
        Some(start)
    }

    fn go_on(&mut self, position: usize) {
        self.position = position;
        self.state = State::Inside;
    }

    fn end(&self) -> Option<usize> {
        (self.state == State::Ended).then_some(self.position)
    }
}

/// The members of the object that begins at a position. Ends early where the text does; see
/// [`Members::end`].
#[derive(Debug)]
pub struct Members<'a> {
    walk: Walk<'a>,
    unfinished: Option<(Range<usize>, usize)>,
}

impl<'a> Members<'a> {
    /// The members of the object at `start` (its opening brace).
    #[must_use]
    pub fn new(text: &'a [u8], start: usize) -> Self {
        Self {
            walk: Walk::new(text, start, b'{'),
            unfinished: None,
        }
    }

    /// The members from `position` on, which lies within an object, behind one of its values.
    #[must_use]
    pub fn resume(text: &'a [u8], position: usize) -> Self {
        let state = State::Inside;
        Self {
            walk: Walk {
                text,
                position,
                state,
            },
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
        self.walk.end()
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let start = self.walk.next_start(b'}')?;
        let text = self.walk.text;
        if text.get(start) != Some(&b'"') {
            return None;
        }
        let key_end = after_string(text, start)?;
        let colon = skip_space(text, key_end);
        if text.get(colon) != Some(&b':') {
            return None;
        }
        let value_start = skip_space(text, colon + 1);
        let key = start + 1..key_end - 1;
        let Some(value_end) = value_end(text, value_start) else {
            self.unfinished = Some((key, value_start));
            return None;
        };
        self.walk.go_on(value_end);
        Some(Member {
            key,
            value: value_start..value_end,
        })
    }
}

/// The elements of the array at `start` (its opening bracket), as ranges of the text.
#[derive(Debug)]
pub struct Elements<'a>(Walk<'a>);

impl<'a> Elements<'a> {
    /// The elements of the array at `start`.
    #[must_use]
    pub fn new(text: &'a [u8], start: usize) -> Self {
        Self(Walk::new(text, start, b'['))
    }

    /// The end (exclusive) of the array, once all elements were read and it was closed.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        self.0.end()
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.0.next_start(b']')?;
        let end = value_end(self.0.text, start)?;
        self.0.go_on(end);
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::{Elements, Members, member};
    use crate::structure::{value_end, walk_object};

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
        let found = member(text, 0, "patient").unwrap();
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
        assert!(member(text, 0, "id").is_none());
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
}
