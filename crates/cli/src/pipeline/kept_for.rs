//! How long something stays: a number of days, or `"forever"`.

use std::fmt;

use serde::Deserialize;

/// Ten years: a longer time is most likely meant in other units.
const MOST_DAYS: u32 = 3650;

/// How long something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) enum KeptFor {
    /// This many days; 0: until the end of the next load.
    Days(u32),
    /// Until it is removed by hand.
    Ever,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Days(u32),
    Word(String),
}

impl TryFrom<Written> for KeptFor {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Days(days) if days <= MOST_DAYS => Ok(Self::Days(days)),
            Written::Word(word) if word == "forever" => Ok(Self::Ever),
            _ => Err(format!(
                "expected days, at most {MOST_DAYS}, or \"forever\""
            )),
        }
    }
}

impl fmt::Display for KeptFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(1) => f.write_str("1 day"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::Ever => f.write_str("for ever"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeptFor;

    #[test]
    fn days_or_for_ever_are_read_and_anything_else_is_refused() {
        #[derive(serde::Deserialize)]
        struct File {
            keep: KeptFor,
        }
        let read =
            |text: &str| toml::from_str::<File>(&format!("keep = {text}")).map(|file| file.keep);
        assert_eq!(read("7").unwrap(), KeptFor::Days(7));
        assert_eq!(read("0").unwrap(), KeptFor::Days(0));
        assert_eq!(read("'forever'").unwrap(), KeptFor::Ever);
        for wrong in ["-1", "'7 days'", "''", "1.5", "3651", "[7]", "true"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
