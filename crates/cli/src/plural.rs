//! Numbers as people read them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

/// `1 page`, `1,204 pages`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let digits = grouped(number);
    match number {
        1 => format!("{digits} {thing}"),
        _ => format!("{digits} {}", several(thing)),
    }
}

/// `pages` of `page`.
pub(crate) fn several(thing: &str) -> String {
    if let Some(before) = thing.strip_suffix("person") {
        return format!("{before}people");
    }
    match thing.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if thing.ends_with(['s', 'x']) || thing.ends_with("sh") || thing.ends_with("ch") => {
            format!("{thing}es")
        }
        _ => format!("{thing}s"),
    }
}

/// The name of a progress unit for this number; `several` is its plural, such as `people`.
pub(crate) fn unit(number: u64, several: &str) -> &str {
    match (number, several) {
        (1, "people") => "person",
        (1, _) => several.strip_suffix('s').unwrap_or(several),
        _ => several,
    }
}

/// `1,204`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `8.3 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", units[unit])
}

/// `0.4 s`, `2 min 5 s`.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// `2026-11-23T16:40:12Z`.
pub(crate) fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{counted, seconds, size, unit};

    #[test]
    fn numbers_read_as_words() {
        assert_eq!(counted(1, "page"), "1 page");
        assert_eq!(counted(0, "page"), "0 pages");
        assert_eq!(counted(1_204_000, "row"), "1,204,000 rows");
        assert_eq!(counted(2, "day"), "2 days");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(counted(1, "revoked person"), "1 revoked person");
        assert_eq!(counted(2, "revoked person"), "2 revoked people");
        assert_eq!(counted(2, "refresh"), "2 refreshes");
        assert_eq!((unit(1, "people"), unit(0, "people")), ("person", "people"));
        assert_eq!((unit(1, "tables"), unit(2, "tables")), ("table", "tables"));
        assert_eq!(size(999), "999 B");
        assert_eq!(size(8_312_000), "8.3 MB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(seconds(Duration::from_millis(412)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
