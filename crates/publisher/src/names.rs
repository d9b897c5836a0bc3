//! The names of files at a target. Hive leaves a few characters in the name of a partition's folder
//! that the clients of many readers percent-encode before they ask an object store, so that they ask
//! for what is not there. At a target these are encoded, as Hive does with others.

/// What Hive leaves as it is and readers encode.
fn is_encoded(byte: u8) -> bool {
    !byte.is_ascii() || b" }`>~<|".contains(&byte)
}

/// The most bytes of a folder's name; more, and file systems refuse it.
const LONGEST_NAME: usize = 255;

/// The path at a target of a file of the lake.
pub(crate) fn at_target(local: &str) -> String {
    let segments = local.split('/').map(|segment| {
        let mut encoded = String::with_capacity(segment.len());
        for byte in segment.bytes() {
            match is_encoded(byte) {
                true => encoded.push_str(&format!("%{byte:02X}")),
                false => encoded.push(char::from(byte)),
            }
        }
        match encoded.len() <= LONGEST_NAME {
            true => encoded,
            false => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The path in the lake of a file at a target. The lake never has these codes: a `%` of a value is
/// itself encoded there.
pub(crate) fn in_lake(published: &str) -> String {
    let mut local = Vec::with_capacity(published.len());
    let mut rest = published.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let decoded = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match decoded.filter(|decoded| is_encoded(*decoded)) {
            Some(decoded) => {
                local.push(decoded);
                rest = &after[2..];
            }
            None => {
                local.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(local).unwrap_or_else(|_| published.to_owned())
}

#[cfg(test)]
mod tests {
    use claimlake_contract::hive;

    use super::{at_target, in_lake};

    #[test]
    fn what_readers_encode_is_encoded_and_found_in_the_lake() {
        for (value, expected) in [
            ("CARRIER", "state=CARRIER"),
            ("[a]{b}", "state=%5Ba%5D%7Bb%7D"),
            ("a~b|c<d>e`f", "state=a%7Eb%7Cc%3Cd%3Ee%60f"),
            ("%7D", "state=%257D"),
            ("%}", "state=%25%7D"),
            ("a b/é", "state=a%20b%2F%C3%A9"),
            ("%C3", "state=%25C3"),
        ] {
            let local = format!("bills/{}/1.parquet", hive::folder("state", value));
            let published = at_target(&local);
            assert_eq!(published, format!("bills/{expected}/1.parquet"));
            assert_eq!(in_lake(&published), local);
        }
    }

    #[test]
    fn a_name_that_would_be_too_long_stays() {
        let local = format!("bills/state={}/1.parquet", "~".repeat(90));
        assert_eq!(at_target(&local), local);
        assert_eq!(in_lake(&local), local);
    }
}
