//! Patterns of codes.

/// Whether a pattern fits all of a text: `#` is a digit, `@` a letter, `*` either, and every other
/// character itself. Letters are those of ASCII, of both cases.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    pattern.len() == text.len()
        && pattern
            .bytes()
            .zip(text.bytes())
            .all(|(wanted, found)| match wanted {
                b'#' => found.is_ascii_digit(),
                b'@' => found.is_ascii_alphabetic(),
                b'*' => found.is_ascii_alphanumeric(),
                other => other == found,
            })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_fits_all_of_a_text() {
        for (pattern, text, expected) in [
            ("###", "250", true),
            ("###", "2500", false),
            ("V##", "V10", true),
            ("V##", "W10", false),
            ("@#*****", "W5813XD", true),
            ("@#*", "E1é", false),
            ("##########", "0093721410", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
