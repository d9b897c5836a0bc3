//! `[extract] on_revoked`: what becomes of people who have taken their consent back.

use serde::Deserialize;

/// What happens to the data of patients whose consent was revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum OnRevoked {
    /// What was read before the revocation stays: `keep`.
    #[default]
    Keep,
    /// They are forgotten this many days later: `forget_after N days`.
    ForgetAfter {
        /// The days.
        days: u32,
    },
}

impl TryFrom<String> for OnRevoked {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["keep"] => Ok(Self::Keep),
            ["forget_after", days, "days" | "day"] => days
                .parse()
                .map(|days| Self::ForgetAfter { days })
                .map_err(|_| "on_revoked: the days are a whole number".into()),
            _ => Err("on_revoked: expected \"keep\" or \"forget_after N days\"".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OnRevoked;

    #[test]
    fn days_are_read_and_anything_else_is_refused() {
        let read = |text: &str| OnRevoked::try_from(text.to_owned());
        assert_eq!(read("keep"), Ok(OnRevoked::Keep));
        let after = read("forget_after 30 days");
        assert_eq!(after, Ok(OnRevoked::ForgetAfter { days: 30 }));
        for wrong in ["", "forget", "forget_after days", "forget_after -1 days"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
