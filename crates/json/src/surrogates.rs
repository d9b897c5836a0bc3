//! Text with half of a surrogate pair, which [RFC 8259, section 8.2] leaves to each parser.
//!
//! [RFC 8259, section 8.2]: https://www.rfc-editor.org/rfc/rfc8259#section-8.2

use std::borrow::Cow;

use crate::unescape::hex4;

/// The text with U+FFFD in place of every half of a surrogate pair, which parsers refuse: for
/// readers that must read all of a line that landed, whatever else is wrong with it. The length
/// stays the same.
#[must_use]
pub fn without_half_surrogates(text: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', text.get(at..).unwrap_or_default()) {
        let escape = at + found;
        at = match surrogate(text, escape) {
            None => escape + 2,
            Some(first) if first < 0xdc00 && surrogate(text, escape + 6) >= Some(0xdc00) => {
                escape + 12
            }
            Some(_) => {
                let digits = escape + 2..escape + 6;
                if let Some(digits) = repaired.to_mut().get_mut(digits) {
                    digits.copy_from_slice(b"fffd");
                }
                escape + 6
            }
        };
    }
    repaired
}

/// The tree of a text that may have half of a surrogate pair, `None` if it is no JSON.
#[must_use]
pub fn tree(text: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(&without_half_surrogates(text)).ok()
}

/// The half of a surrogate pair that is escaped at a position.
fn surrogate(text: &[u8], at: usize) -> Option<u32> {
    let is_escape = text.get(at..at + 2) == Some(b"\\u");
    hex4(text, at + 2).filter(|code| is_escape && (0xd800..0xe000).contains(code))
}

#[cfg(test)]
mod tests {
    #[test]
    fn half_a_surrogate_is_replaced_and_nothing_else_is_touched() {
        for (text, repaired) in [
            (r#"{"a":"\ud800"}"#, r#"{"a":"\ufffd"}"#),
            (
                r#""\udc00\ud83d\ude00\uD83D""#,
                r#""\ufffd\ud83d\ude00\ufffd""#,
            ),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800 \u0041 \n""#, r#""\\ud800 \u0041 \n""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r#""\"#, r#""\"#),
        ] {
            let found = super::without_half_surrogates(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), repaired);
        }
    }
}
