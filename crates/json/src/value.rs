//! A text as a tree, for code that needs all of a resource.

use serde_json::{Map, Number, Value};

use crate::fault::{MAX_DEPTH, ValueFault};
use crate::scan::{PADDING, number_end, string_end};
use crate::unescape::unescape;

/// The tree of a text. Numbers keep their digits and form (`1.50`, `1E3`), members their order.
///
/// # Errors
/// The text is not UTF-8, no JSON by RFC 8259, or refused for the reasons of [`ValueFault`].
///
/// ```
/// use claimlake_json::{ValueFault, value};
///
/// assert_eq!(value(b"{\"a\": 1E3}")?.to_string(), "{\"a\":1E3}");
/// assert_eq!(value(b"{\"a\": 1, \"a\": 2}"), Err(ValueFault::DuplicateKey));
/// # Ok::<(), ValueFault>(())
/// ```
pub fn value(text: &[u8]) -> Result<Value, ValueFault> {
    std::str::from_utf8(text).map_err(|_| ValueFault::NotUtf8)?;
    let mut buffer = Vec::with_capacity(text.len() + PADDING);
    buffer.extend_from_slice(text);
    buffer.resize(text.len() + PADDING, b'\n');
    let mut reader = Reader {
        buffer: &buffer,
        at: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    match reader.at == buffer.len() {
        true => Ok(value),
        false => Err(ValueFault::NotJson),
    }
}

struct Reader<'b> {
    buffer: &'b [u8],
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    fn byte(&self) -> u8 {
        self.buffer.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value, ValueFault> {
        self.space();
        match self.byte() {
            b'"' => self.string().map(Value::String),
            b'{' => self.within(Self::object),
            b'[' => self.within(Self::array),
            b'-' | b'0'..=b'9' => {
                let end = number_end(self.buffer, self.at)?;
                let text = self.text(self.at, end)?.to_owned();
                self.at = end;
                // A number that is parsed comes out with another exponent: `1e3` as `1e+3`.
                Ok(Value::Number(Number::from_string_unchecked(text)))
            }
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => Err(ValueFault::NotJson),
        }
    }

    fn within(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Value, ValueFault>,
    ) -> Result<Value, ValueFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ValueFault::TooDeep);
        }
        self.at += 1;
        self.space();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, ValueFault> {
        let mut members = Map::new();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.byte() != b'"' {
                return Err(ValueFault::NotJson);
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(ValueFault::NotJson);
            }
            let value = self.value()?;
            if members.insert(key, value).is_some() {
                return Err(ValueFault::DuplicateKey);
            }
            if !self.goes_on(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }

    fn array(&mut self) -> Result<Value, ValueFault> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.goes_on(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    /// Passes over the comma behind an element; false at the closing bracket.
    fn goes_on(&mut self, closing: u8) -> Result<bool, ValueFault> {
        self.space();
        if self.take(closing) {
            return Ok(false);
        }
        if !self.take(b',') {
            return Err(ValueFault::NotJson);
        }
        self.space();
        Ok(true)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.byte() == byte;
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, ValueFault> {
        let end = self.at + word.len();
        if self.buffer.get(self.at..end) != Some(word.as_bytes()) {
            return Err(ValueFault::NotJson);
        }
        self.at = end;
        Ok(value)
    }

    fn string(&mut self) -> Result<String, ValueFault> {
        let start = self.at + 1;
        let (end, escaped) = string_end(self.buffer, start)?;
        self.at = end + 1;
        let text = self.text(start, end)?;
        if !escaped {
            return Ok(text.to_owned());
        }
        String::from_utf8(unescape(text.as_bytes())).map_err(|_| ValueFault::NotJson)
    }

    fn text(&self, start: usize, end: usize) -> Result<&str, ValueFault> {
        let bytes = self.buffer.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| ValueFault::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, ValueFault, value};

    #[test]
    fn a_text_comes_out_as_it_went_in() {
        for text in [
            "null",
            "true",
            "-0.00",
            "1E3",
            "1e-7",
            "12345678901234567890123456789012345678901234567890.10",
            "\"é😀\"",
            "{\"a\":[1,[],{}],\"b\":{\"c\":false}}",
            "{\"$serde_json::private::Number\":\"7\"}",
        ] {
            let spaced = format!("\u{20}\t\r\n{text}\n ");
            assert_eq!(value(spaced.as_bytes()).unwrap().to_string(), text);
        }
        let escaped = value(br#""a\"\\\/\n\u00e9\ud83d\ude00""#).unwrap();
        assert_eq!(escaped, "a\"\\/\né😀");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, fault) in [
            (&b""[..], ValueFault::NotJson),
            (b"{", ValueFault::NotJson),
            (b"{\"a\":1", ValueFault::NotJson),
            (b"{\"a\" 1}", ValueFault::NotJson),
            (b"{\"a\":1,}", ValueFault::NotJson),
            (b"[1,]", ValueFault::NotJson),
            (b"[1 2]", ValueFault::NotJson),
            (b"1 2", ValueFault::NotJson),
            (b"01", ValueFault::NotJson),
            (b"tru", ValueFault::NotJson),
            (b"\"a\nb\"", ValueFault::NotJson),
            (b"\"a", ValueFault::NotJson),
            (b"{}\0", ValueFault::NotJson),
            (b"\"\xff\"", ValueFault::NotUtf8),
            (b"\"\\ud800\"", ValueFault::LoneSurrogate),
            (b"{\"\\ude00\":1}", ValueFault::LoneSurrogate),
            (b"{\"a\":1,\"\\u0061\":2}", ValueFault::DuplicateKey),
            (b"[{\"b\":{\"a\":1,\"a\":1}}]", ValueFault::DuplicateKey),
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(value(text), Err(fault), "{shown}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: u32| {
            let depth = depth as usize;
            format!("{}{}", "[".repeat(depth), "]".repeat(depth))
        };
        assert!(value(nested(MAX_DEPTH).as_bytes()).is_ok());
        let too_deep = value(nested(MAX_DEPTH + 1).as_bytes());
        assert_eq!(too_deep, Err(ValueFault::TooDeep));
        let endless = value("{\"a\":".repeat(1_000_000).as_bytes());
        assert_eq!(endless, Err(ValueFault::TooDeep));
    }
}
