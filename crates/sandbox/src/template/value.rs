//! What a template is filled with: values by name, in scopes.

use super::format::InstantStyle;
use crate::population::day::Day;

/// A value of a placeholder; its variant says how it is written.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// Left out, with the member or element that would hold it.
    Absent,
    /// A condition that is met; written as `true`.
    True,
    /// Text without characters that JSON escapes, or already escaped.
    Text(&'a str),
    Owned(String),
    Number(i64),
    /// Zero-padded to this many digits.
    Padded(u64, usize),
    /// Cents, written as a decimal of two digits.
    Cents(i64),
    /// Thousandths, written as a decimal of three digits.
    Thousandths(u32),
    Day(Day),
    /// Milliseconds since the epoch.
    Instant(i64, InstantStyle),
    /// The time of the request, known only when the body is served.
    RequestTime,
    /// A section is repeated for each, with its values in scope.
    List(Vec<Values<'a>>),
}

/// Empty text is an absent value.
impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        if text.is_empty() {
            Self::Absent
        } else {
            Self::Text(text)
        }
    }
}

macro_rules! values_from {
    ($($from:ty => $make:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self {
                $make(value)
            }
        })*
    };
}

values_from! {
    bool => |is_met| if is_met { Self::True } else { Self::Absent };
    String => Self::Owned;
    i32 => |number| Self::Number(i64::from(number));
    u32 => |number| Self::Number(i64::from(number));
    i64 => Self::Number;
    Day => Self::Day;
    Vec<Values<'a>> => Self::List;
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// A name as it is looked up: its FNV-1a hash, so that a lookup compares numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn of(name: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(name)
    }

    fn and(self, name: &str) -> Self {
        Self(name.bytes().fold(self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

/// The values of one scope: of a body, or of one element of a repeated section.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values<'a>(Vec<(Key, Value<'a>)>);

impl<'a> Values<'a> {
    /// Adds a value; the first of a name counts.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value<'a>>) {
        self.0.push((Key::of(name), value.into()));
    }

    /// Adds amounts in cents.
    pub(crate) fn set_cents<const N: usize>(&mut self, amounts: [(&str, i64); N]) {
        for (name, cents) in amounts {
            self.set(name, Value::Cents(cents));
        }
    }

    /// Values of `count` elements of a list; `fill` is given each with its number, from 1.
    pub(crate) fn list(count: u32, mut fill: impl FnMut(u32, &mut Self)) -> Vec<Self> {
        let element = |number| {
            let mut values = Self::default();
            fill(number, &mut values);
            values
        };
        (1..=count).map(element).collect()
    }

    /// Adds a code as `name.code` and `name.display`.
    pub(crate) fn set_code(&mut self, name: &str, (code, display): (&'a str, &'a str)) {
        let key = Key::of(name);
        self.0.push((key.and(".code"), code.into()));
        self.0.push((key.and(".display"), display.into()));
    }

    pub(super) fn get(&self, key: Key) -> Option<&Value<'a>> {
        let mut values = self.0.iter();
        values
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }
}
