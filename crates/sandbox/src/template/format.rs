//! How numbers, days and instants are written.

use crate::population::day::{self, Day};

/// What is written for the time of the request; every real value is as long.
pub(crate) const CREATED_PLACE: &str = "2020-01-01T00:00:00+00:00";

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstantStyle {
    /// Milliseconds, `+00:00`.
    Utc,
    /// Milliseconds, `-04:00`: the same instant in the time of the east coast.
    UsEast,
    /// Microseconds, `Z`.
    Micros,
}

pub(super) fn padded(out: &mut Vec<u8>, mut value: u64, width: usize) {
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
    out.extend_from_slice(buffer.get(first..).unwrap_or_default());
}

pub(super) fn number(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    padded(out, value.unsigned_abs(), 1);
}

/// `units` of which `one` are a whole, with as many decimals as `one` has zeros.
pub(super) fn decimal(out: &mut Vec<u8>, units: i64, one: u64, digits: usize) {
    if units < 0 {
        out.push(b'-');
    }
    let units = units.unsigned_abs();
    padded(out, units / one, 1);
    out.push(b'.');
    padded(out, units % one, digits);
}

pub(super) fn date(out: &mut Vec<u8>, day: Day) {
    let (year, month, day) = day.date();
    padded(out, u64::from(year.unsigned_abs()), 4);
    out.push(b'-');
    padded(out, u64::from(month), 2);
    out.push(b'-');
    padded(out, u64::from(day), 2);
}

pub(super) fn instant(out: &mut Vec<u8>, millis: i64, style: InstantStyle) {
    let (offset_hours, suffix) = match style {
        InstantStyle::Utc => (0, "+00:00"),
        InstantStyle::UsEast => (-4, "-04:00"),
        InstantStyle::Micros => (0, "000Z"),
    };
    let (day, millis) = day::split(millis + offset_hours * 3_600_000);
    let millis = millis.unsigned_abs();
    date(out, day);
    out.push(b'T');
    padded(out, millis / 3_600_000, 2);
    out.push(b':');
    padded(out, millis / 60_000 % 60, 2);
    out.push(b':');
    padded(out, millis / 1_000 % 60, 2);
    out.push(b'.');
    padded(out, millis % 1_000, 3);
    out.extend_from_slice(suffix.as_bytes());
}
