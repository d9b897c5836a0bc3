//! `Retry-After` of RFC 9110, section 10.2.3.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The value of `Retry-After`, seconds or an HTTP date, as a duration from `now`; `None` if it is
/// neither. A date in the past gives zero. Fractions of a second are accepted, although the RFC has
/// none.
#[must_use]
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    if let Ok(seconds) = text.parse::<f64>()
        && (0.0..1e9).contains(&seconds)
    {
        return Some(Duration::from_secs_f64(seconds));
    }
    let date = DateTime::parse_from_rfc2822(&text.replace("GMT", "+0000")).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::retry_after;

    #[test]
    fn retry_after_is_read_in_both_forms_and_nothing_else() {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 16, 40, 0).unwrap();
        let seconds = |text: &str| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("86400"), Some(86400));
        assert_eq!(seconds("Mon, 23 Nov 2026 16:41:30 GMT"), Some(90));
        assert_eq!(seconds("Mon, 23 Nov 2026 16:00:00 GMT"), Some(0));
        assert_eq!(seconds("None"), None);
        assert_eq!(seconds("-3"), None);
    }
}
