//! The Medicare Beneficiary Identifier (MBI) as printed on the card, and as it is stored.

/// The positions of the dashes on the card: `1EG4-TE5-MK73`.
const DASHES: [usize; 2] = [4, 8];

/// The MBI without the card's dashes and in capitals; `None` if that is no MBI, or what was typed
/// already.
///
/// <https://www.cms.gov/medicare/new-medicare-card/understanding-the-mbi.pdf>: 11 characters, of
/// which the 2nd, 5th, 8th and 9th are letters.
pub(super) fn as_stored(typed: &str) -> Option<String> {
    let has_dashes = typed.len() == 13 && DASHES.iter().all(|at| typed.as_bytes()[*at] == b'-');
    let mbi = match has_dashes {
        true => typed.replace('-', ""),
        false => typed.to_owned(),
    };
    let mbi = mbi.to_ascii_uppercase();
    let is_mbi = mbi.len() == 11
        && mbi.bytes().enumerate().all(|(at, byte)| match at {
            1 | 4 | 7 | 8 => byte.is_ascii_uppercase(),
            0 | 3 | 6 | 9 | 10 => byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric(),
        });
    (is_mbi && mbi != typed).then_some(mbi)
}

#[cfg(test)]
mod tests {
    use super::as_stored;

    #[test]
    fn what_the_card_shows_is_what_is_stored() {
        for (typed, stored) in [
            ("1S00-E00-AA32", Some("1S00E00AA32")),
            ("1s00e00aa32", Some("1S00E00AA32")),
            ("1s00-e00-aa32", Some("1S00E00AA32")),
            ("1S00E00AA32", None),
            ("1S00-E00AA32", None),
            ("-20140000008325", None),
            ("-201400000083", None),
            ("é1S0-E00-AA3", None),
        ] {
            assert_eq!(as_stored(typed).as_deref(), stored, "{typed}");
        }
    }
}
