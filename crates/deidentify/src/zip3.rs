//! ZIP codes by their first three digits (164.514(b)(2)(i)(B)).

use std::collections::BTreeSet;

use crate::error::{DeidentifyError, Result};

/// What stands for every area that is not on the list.
const OTHER: &str = "000";

/// The three-digit areas in which more than 20,000 people live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipAreas(BTreeSet<[u8; 3]>);

impl ZipAreas {
    /// Reads a list: three digits first on each line; lines that are empty or begin with `#` do not
    /// count.
    ///
    /// # Errors
    ///
    /// A line that does not begin so.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().zip(1..);
        let lines = lines.filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
        let area = |(line, number): (&str, u32)| {
            let first = line.split([',', ' ', '\t']).next().unwrap_or_default();
            let digits: Option<[u8; 3]> = first.as_bytes().try_into().ok();
            let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
            digits.ok_or_else(|| {
                DeidentifyError::Policy(format!(
                    "the list of ZIP areas, line {number}: three digits expected"
                ))
            })
        };
        lines.map(area).collect::<Result<_>>().map(Self)
    }

    /// The three digits to show for a ZIP code as sent: `12345`, `12345-6789` or `123456789`. Anything
    /// else is not matched with an area: four digits may have lost a leading zero, or may be of another
    /// country.
    pub(crate) fn shown<'z>(&self, zip: &'z str) -> &'z str {
        let zip = zip.trim();
        let (is_zip, parts) = match zip.split_once('-') {
            Some((five, four)) => (five.len() == 5 && four.len() == 4, [five, four]),
            None => (matches!(zip.len(), 5 | 9), [zip, ""]),
        };
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let first: Option<[u8; 3]> = zip.as_bytes().first_chunk().copied();
        match first {
            Some(area) if is_zip && parts.into_iter().all(is_digits) && self.0.contains(&area) => {
                zip.get(..3).unwrap_or(OTHER)
            }
            _ => OTHER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ZipAreas;

    #[test]
    fn only_whole_zip_codes_of_listed_areas_are_shown() {
        let areas = ZipAreas::parse("# source\n100,1\n\n606 and more\n").unwrap();
        for (zip, shown) in [
            ("10001", "100"),
            ("10001-1234", "100"),
            ("100011234", "100"),
            (" 60601 ", "606"),
            ("03601", "000"),
            // Of four digits: a leading zero may be lost, or it is Swiss.
            ("1000", "000"),
            ("10", "000"),
            ("", "000"),
            // Military, foreign, and what is no ZIP code.
            ("09012", "000"),
            ("SW1A 1AA", "000"),
            ("100AB", "000"),
            ("1000-1234", "000"),
            ("10001-123", "000"),
            ("606-1-123", "000"),
            ("１００01", "000"),
        ] {
            assert_eq!(areas.shown(zip), shown, "{zip:?}");
        }
        for wrong in ["10", "abc", "1000", "10a,5"] {
            assert!(ZipAreas::parse(wrong).is_err(), "{wrong}");
        }
    }
}
