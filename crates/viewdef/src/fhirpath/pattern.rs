//! Regular expressions of `matches` and `replaceMatches`: FHIRPath section 5.6, functions
//! [matches](https://hl7.org/fhirpath/#matchesregex-string-boolean) and
//! [replaceMatches](https://hl7.org/fhirpath/#replacematchesregex-string-substitution-string-string).

use regex_lite::{Regex, RegexBuilder};

/// A regular expression, compiled when the view is read. Its work is linear in the text, whatever
/// it says.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// How many digits a matching text has, if the expression requires digits only.
    digits: Option<usize>,
}

impl Pattern {
    /// Compiles an expression; `.` is any character, a newline included (FHIRPath's single-line mode).
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut builder = RegexBuilder::new(source);
        let built = builder.dot_matches_new_line(true).build();
        let regex = built.map_err(|error| error.to_string())?;
        let digits = digits(source);
        Ok(Self { regex, digits })
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it is found anywhere in a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match self.digits {
            Some(digits) => text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()),
            None => self.regex.is_match(text),
        }
    }

    /// The text with each place where the expression is found replaced. `$1` in the substitution is
    /// the first group, `${name}` a named one.
    #[must_use]
    pub fn replace_all(&self, text: &str, substitution: &str) -> String {
        let substitution = with_braces(substitution);
        self.regex
            .replace_all(text, substitution.as_str())
            .into_owned()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// The number of digits if the expression is like `^[0-9]{10}$`, which is evaluated for every
/// identifier of a provider.
fn digits(source: &str) -> Option<usize> {
    let count = source.strip_prefix("^[0-9]{")?.strip_suffix("}$")?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    count.parse().ok().filter(|_| is_number)
}

/// `$1a` is the first group and an `a`: without braces the library takes it for a group `1a`.
fn with_braces(substitution: &str) -> String {
    let mut written = String::with_capacity(substitution.len() + 4);
    let mut rest = substitution;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at + 1);
        let digits = from.len() - from.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        written.push_str(before);
        let (number, behind) = from.split_at(digits);
        if digits > 0 {
            written.push('{');
            written.push_str(number);
            written.push('}');
        }
        rest = behind;
        // `$$` is one dollar.
        if digits == 0
            && let Some(behind) = rest.strip_prefix('$')
        {
            written.push('$');
            rest = behind;
        }
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_digits_is_matched_as_the_library_matches_it() {
        let texts = [
            "",
            "1",
            "12",
            "123",
            "12a",
            "12\n",
            " 12",
            "１２",
            "-1",
            "0000000000",
            "01234567890",
        ];
        for source in ["^[0-9]{0}$", "^[0-9]{2}$", "^[0-9]{10}$", "^[0-9]{02}$"] {
            let pattern = Pattern::parse(source).unwrap();
            assert!(pattern.digits.is_some(), "{source}");
            for text in texts {
                assert_eq!(
                    pattern.is_match(text),
                    pattern.regex.is_match(text),
                    "{source} {text:?}"
                );
            }
        }
        for source in [
            "^[0-9]{1,2}$",
            "[0-9]{2}$",
            "^[0-9]{2}",
            "^[0-9]{2}$|a",
            "^[0-9]{}$",
            "^[0-8]{2}$",
        ] {
            let pattern = Pattern::parse(source);
            assert!(
                pattern.is_err() || pattern.is_ok_and(|it| it.digits.is_none()),
                "{source}"
            );
        }
    }

    #[test]
    fn groups_are_numbers_whatever_follows() {
        let pattern = Pattern::parse("^([0-9]{4})-([0-9]{4})-([0-9]{2})$").unwrap();
        for (substitution, expected) in [
            ("0$1$2$3", "01234567890"),
            ("$1a$3", "1234a90"),
            ("${1}x", "1234x"),
            ("$$1", "$1"),
            ("none", "none"),
            ("$3$", "90$"),
        ] {
            assert_eq!(pattern.replace_all("1234-5678-90", substitution), expected);
        }
        assert_eq!(pattern.replace_all("other", "$1"), "other");
    }

    #[test]
    fn an_expression_is_found_anywhere_and_a_dot_is_a_newline_too() {
        let found = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().is_match(text);
        assert!(found("b", "abc") && !found("^b", "abc") && found("a.b", "a\nb"));
        assert!(Pattern::parse("(").is_err());
    }
}
