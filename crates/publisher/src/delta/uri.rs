//! Paths in a Delta log are URIs: the name of a file has its special characters percent-encoded
//! there, and a `%` in the name is one of them.

/// Bytes that a path may have as they are (RFC 3986, unreserved, and those that a segment may have).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/=+@,!$&'()*".contains(&byte)
}

/// The name of a file as a URI.
pub(crate) fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match is_plain(byte) {
            true => uri.push(char::from(byte)),
            false => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The name that a URI stands for; `None` if it is not UTF-8 or has half an escape.
pub(crate) fn decode(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn names_survive_the_way_into_a_log_and_back() {
        for (name, uri) in [
            ("eob_type=CARRIER/a.parquet", "eob_type=CARRIER/a.parquet"),
            ("t=A%2FB/x", "t=A%252FB/x"),
            ("t=a b/é", "t=a%20b/%C3%A9"),
        ] {
            assert_eq!(encode(name), uri);
            assert_eq!(decode(uri).as_deref(), Some(name));
        }
        for broken in ["a%", "a%2", "%zz", "%FF"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
