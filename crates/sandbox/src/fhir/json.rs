//! Writing JSON by appending: no tree, no escaping of what is known to be clean, commas found by
//! looking at the last byte.

use crate::population::day::{self, Day};

/// A JSON text in the making.
#[derive(Debug, Default)]
pub(crate) struct Json {
    bytes: Vec<u8>,
}

/// What begins every system and url of v2's CMS variables.
pub(crate) const VARIABLE: &str = "https://bluebutton.cms.gov/resources/variables/";

impl Json {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn comma(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'[' | b'{' | b':')) {
            self.bytes.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.raw(key);
        self.raw("\":");
    }

    /// `{` as the next element of an array.
    pub(crate) fn open(&mut self) {
        self.comma();
        self.bytes.push(b'{');
    }

    pub(crate) fn close(&mut self) {
        self.bytes.push(b'}');
    }

    pub(crate) fn object(&mut self, key: &str) {
        self.key(key);
        self.bytes.push(b'{');
    }

    pub(crate) fn array(&mut self, key: &str) {
        self.key(key);
        self.bytes.push(b'[');
    }

    /// `]`; an array is only opened where it gets an element, as FHIR has no empty ones.
    pub(crate) fn close_array(&mut self) {
        self.bytes.push(b']');
    }

    /// A member whose text needs no escaping.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.bytes.push(b'"');
        self.raw(value);
        self.bytes.push(b'"');
    }

    /// A member whose text is put together from two clean parts.
    pub(crate) fn text2(&mut self, key: &str, first: &str, second: &str) {
        self.key(key);
        self.bytes.push(b'"');
        self.raw(first);
        self.raw(second);
        self.bytes.push(b'"');
    }

    /// A member whose text is put together from three clean parts.
    pub(crate) fn text3(&mut self, key: &str, first: &str, second: &str, third: &str) {
        self.key(key);
        self.bytes.push(b'"');
        self.raw(first);
        self.raw(second);
        self.raw(third);
        self.bytes.push(b'"');
    }

    /// A text of two clean parts as an element of an array.
    pub(crate) fn element2(&mut self, first: &str, second: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.raw(first);
        self.raw(second);
        self.bytes.push(b'"');
    }

    /// A text of up to four clean parts as an element of an array.
    pub(crate) fn element4(&mut self, first: &str, second: &str, third: &str, fourth: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.raw(first);
        self.raw(second);
        self.raw(third);
        self.raw(fourth);
        self.bytes.push(b'"');
    }

    /// A text as an element of an array.
    pub(crate) fn element(&mut self, value: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.raw(value);
        self.bytes.push(b'"');
    }

    /// A number as an element of an array.
    pub(crate) fn number_element(&mut self, value: u32) {
        self.comma();
        self.digits(u64::from(value));
    }

    /// A member whose value is `literal` as it stands: a boolean, a number.
    pub(crate) fn literal(&mut self, key: &str, literal: &str) {
        self.key(key);
        self.raw(literal);
    }

    pub(crate) fn number(&mut self, key: &str, value: u32) {
        self.key(key);
        self.digits(u64::from(value));
    }

    /// A text of a number, zero-padded to `width`.
    pub(crate) fn number_text(&mut self, key: &str, value: u64, width: usize) {
        self.key(key);
        self.bytes.push(b'"');
        self.padded(value, width);
        self.bytes.push(b'"');
    }

    /// A text of a prefix and a number, zero-padded to `width`.
    pub(crate) fn number_text_after(&mut self, key: &str, prefix: &str, value: u64, width: usize) {
        self.key(key);
        self.bytes.push(b'"');
        self.raw(prefix);
        self.padded(value, width);
        self.bytes.push(b'"');
    }

    /// A text of a prefix and a signed number.
    pub(crate) fn id_text(&mut self, key: &str, prefix: &str, id: i64) {
        self.key(key);
        self.bytes.push(b'"');
        self.raw(prefix);
        if id < 0 {
            self.bytes.push(b'-');
        }
        self.digits(id.unsigned_abs());
        self.bytes.push(b'"');
    }

    /// Cents as a decimal of two digits.
    pub(crate) fn cents(&mut self, key: &str, cents: i64) {
        self.key(key);
        if cents < 0 {
            self.bytes.push(b'-');
        }
        let cents = cents.unsigned_abs();
        self.digits(cents / 100);
        self.bytes.push(b'.');
        self.padded(cents % 100, 2);
    }

    /// Thousandths as a decimal of three digits.
    pub(crate) fn thousandths(&mut self, key: &str, value: u32) {
        self.key(key);
        self.digits(u64::from(value / 1_000));
        self.bytes.push(b'.');
        self.padded(u64::from(value % 1_000), 3);
    }

    pub(crate) fn day(&mut self, key: &str, day: Day) {
        self.key(key);
        self.bytes.push(b'"');
        self.date(day);
        self.bytes.push(b'"');
    }

    /// `{"start":…,"end":…}`.
    pub(crate) fn period(&mut self, key: &str, start: Day, end: Day) {
        self.object(key);
        self.day("start", start);
        self.day("end", end);
        self.close();
    }

    /// A day at midnight, with an offset: v2's `procedure.date`.
    pub(crate) fn midnight(&mut self, key: &str, day: Day) {
        self.key(key);
        self.bytes.push(b'"');
        self.date(day);
        self.raw("T00:00:00+00:00\"");
    }

    /// An instant in one of the spellings that servers use.
    pub(crate) fn instant(&mut self, key: &str, millis: i64, style: InstantStyle) {
        self.key(key);
        self.bytes.push(b'"');
        let (offset_hours, suffix) = match style {
            InstantStyle::Utc => (0, "+00:00"),
            InstantStyle::UsEast => (-4, "-04:00"),
            InstantStyle::Micros => (0, "000Z"),
        };
        let (day, millis) = day::split(millis + offset_hours * 3_600_000);
        let millis = millis.unsigned_abs();
        self.date(day);
        self.bytes.push(b'T');
        self.padded(millis / 3_600_000, 2);
        self.bytes.push(b':');
        self.padded(millis / 60_000 % 60, 2);
        self.bytes.push(b':');
        self.padded(millis / 1_000 % 60, 2);
        self.bytes.push(b'.');
        self.padded(millis % 1_000, 3);
        self.raw(suffix);
        self.bytes.push(b'"');
    }

    fn date(&mut self, day: Day) {
        let (year, month, day) = day.date();
        self.padded(u64::from(year.unsigned_abs()), 4);
        self.bytes.push(b'-');
        self.padded(u64::from(month.unsigned_abs()), 2);
        self.bytes.push(b'-');
        self.padded(u64::from(day.unsigned_abs()), 2);
    }

    fn digits(&mut self, value: u64) {
        self.padded(value, 1);
    }

    fn padded(&mut self, mut value: u64, width: usize) {
        let mut buffer = [b'0'; 20];
        let mut first = buffer.len();
        for (position, byte) in buffer.iter_mut().enumerate().rev() {
            *byte = b'0' + u8::try_from(value % 10).unwrap_or_default();
            value /= 10;
            first = position;
            if value == 0 {
                break;
            }
        }
        let first = first.min(buffer.len().saturating_sub(width));
        self.bytes
            .extend_from_slice(buffer.get(first..).unwrap_or_default());
    }
}

/// How an instant is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstantStyle {
    /// Milliseconds, `+00:00`.
    Utc,
    /// Milliseconds, `-04:00`: the same instant in the time of the east coast.
    UsEast,
    /// Microseconds, `Z`.
    Micros,
}

#[cfg(test)]
mod tests {
    use super::{InstantStyle, Json};
    use crate::population::day::Day;

    #[test]
    fn members_and_elements_are_parted_by_commas_and_read_back() {
        let mut json = Json::default();
        json.open();
        json.text("a", "x");
        json.cents("b", 1_230);
        json.cents("c", 7);
        json.array("d");
        json.coding("s", "c", "");
        json.variable("v", "1", "One");
        json.close_array();
        json.day("e", Day::of(2024, 2, 29));
        json.instant(
            "f",
            Day::of(2024, 1, 1).millis() + 61_001,
            InstantStyle::UsEast,
        );
        json.number_text("g", 42, 5);
        json.id_text("h", "carrier-", -5);
        json.thousandths("i", 60_234);
        json.close();
        let expected = concat!(
            r#"{"a":"x","b":12.30,"c":0.07,"d":[{"system":"s","code":"c"},"#,
            r#"{"system":"https://bluebutton.cms.gov/resources/variables/v","code":"1","#,
            r#""display":"One"}],"e":"2024-02-29","f":"2023-12-31T20:01:01.001-04:00","#,
            r#""g":"00042","h":"carrier--5","i":60.234}"#
        );
        assert_eq!(String::from_utf8(json.into_bytes()).unwrap(), expected);
    }
}
