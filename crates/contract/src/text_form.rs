//! Recognizes, by its first bytes, a file that is not JSON in UTF-8, and says how to convert it.

/// How many bytes at the beginning are examined.
pub const LOOKED_AT: usize = 512;

/// UTF-8's byte order mark. It says nothing and is skipped wherever a text begins.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text behind byte order marks at its beginning.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

/// Why input that begins with these bytes (decompressed) cannot be read, as text to follow "the
/// input is"; `None` if it may be JSON in UTF-8.
#[must_use]
pub fn unreadable(first: &[u8]) -> Option<&'static str> {
    let first = &first[..first.len().min(LOOKED_AT)];
    encoding(first)
        .or_else(|| archive(first))
        .or_else(|| markup(first))
}

/// The same for a text that is not UTF-8, wherever it is in its file.
#[must_use]
pub fn not_utf8(text: &[u8]) -> &'static str {
    match unreadable(text) {
        Some(what) => what,
        None if text.contains(&0) => {
            "not UTF-8 and has NUL bytes: a part of it may be UTF-16; convert that part to UTF-8, for example with: iconv -f UTF-16 -t UTF-8"
        }
        None => {
            "not UTF-8: it may be Latin-1 or Windows-1252; convert it, for example with: iconv -f WINDOWS-1252 -t UTF-8"
        }
    }
}

fn encoding(first: &[u8]) -> Option<&'static str> {
    const UTF_16LE: &str = "UTF-16 (little-endian, as Windows tools write it): convert it to UTF-8, for example with: iconv -f UTF-16LE -t UTF-8";
    const UTF_16BE: &str =
        "UTF-16 (big-endian): convert it to UTF-8, for example with: iconv -f UTF-16BE -t UTF-8";
    const UTF_32LE: &str =
        "UTF-32 (little-endian): convert it to UTF-8, for example with: iconv -f UTF-32LE -t UTF-8";
    const UTF_32BE: &str =
        "UTF-32 (big-endian): convert it to UTF-8, for example with: iconv -f UTF-32BE -t UTF-8";
    const UTF_7: &str = "UTF-7: convert it to UTF-8, for example with: iconv -f UTF-7 -t UTF-8";
    // JSON begins with ASCII, so the NUL bytes of the first characters show it.
    Some(match first {
        [0xff, 0xfe, 0, 0, ..] => UTF_32LE,
        [0, 0, 0xfe, 0xff, ..] => UTF_32BE,
        [0xff, 0xfe, ..] => UTF_16LE,
        [0xfe, 0xff, ..] => UTF_16BE,
        [0, 0, 0, 1..=255, ..] => UTF_32BE,
        [1..=255, 0, 0, 0, ..] => UTF_32LE,
        [0, 1..=255, 0, 1..=255, ..] | [0, b'{' | b'['] => UTF_16BE,
        [1..=255, 0, 1..=255, 0, ..] | [b'{' | b'[', 0] => UTF_16LE,
        [b'+', b'/', b'v', b'8' | b'9' | b'+' | b'/', ..] => UTF_7,
        [b'+', b'A', b'H' | b'F', ..] => UTF_7,
        _ => return None,
    })
}

fn archive(first: &[u8]) -> Option<&'static str> {
    let has = |part: &[u8]| memchr::memmem::find(first, part).is_some();
    Some(match first {
        [b'P', b'K', 3, 4, ..] if has(b"[Content_Types].xml") || has(b"xl/") => {
            "an Excel workbook or another Office file: export FHIR as NDJSON from where it came from"
        }
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            "a ZIP archive: unpack it and import the files in it, for example with: unzip -p FILE.zip | claimlake import - (with the options given here)"
        }
        [b'%', b'P', b'D', b'F', ..] => {
            "a PDF document: Medicare.gov and payers offer the same as FHIR or as JSON"
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            "compressed with bzip2: unpack it, for example with: bzip2 -dc FILE | claimlake import - (with the options given here)"
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            "compressed with xz: unpack it, for example with: xz -dc FILE | claimlake import - (with the options given here)"
        }
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => {
            "a 7-Zip archive: unpack it and import the files in it"
        }
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            "compressed twice: unpack it once, for example with: gzip -dc or zstd -dc"
        }
        [b'P', b'A', b'R', b'1', ..] => {
            "a Parquet file: FHIR is imported as NDJSON, single resources or Bundles"
        }
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] => {
            "a SQLite database: FHIR is imported as NDJSON, single resources or Bundles"
        }
        _ if first.get(257..262) == Some(b"ustar") => {
            "a tar archive: unpack it and import the files in it"
        }
        _ => return None,
    })
}

fn markup(first: &[u8]) -> Option<&'static str> {
    let mut text = first;
    loop {
        let plain = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let plain = plain.trim_ascii_start();
        if plain.len() == text.len() {
            break;
        }
        text = plain;
    }
    let begins = |word: &[u8]| {
        let head = text.get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    if [&b"<!doctype"[..], b"<html", b"<head", b"<body"]
        .iter()
        .any(|word| begins(word))
    {
        return Some(
            "an HTML page, not FHIR: often an error or a login page that was saved in place of the download; get it again",
        );
    }
    begins(b"<").then_some("XML: claimlake reads FHIR as JSON; ask for application/fhir+json")
}

#[cfg(test)]
mod tests {
    use super::{not_utf8, unreadable};

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    fn utf32(text: &str, unit: fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|c| unit(c.into())).collect()
    }

    #[test]
    fn what_is_no_json_in_utf8_is_named_by_its_first_bytes() {
        let json = "{\"resourceType\":\"Patient\"}";
        let marked = format!("\u{feff}{json}");
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\0");
        let cases: [(Vec<u8>, &str); 26] = [
            (utf16(json, u16::to_le_bytes), "-f UTF-16LE"),
            (utf16(&marked, u16::to_le_bytes), "-f UTF-16LE"),
            (utf16(json, u16::to_be_bytes), "-f UTF-16BE"),
            (utf16(&marked, u16::to_be_bytes), "-f UTF-16BE"),
            (utf16("\r\n [", u16::to_le_bytes), "-f UTF-16LE"),
            (utf16("{", u16::to_le_bytes), "-f UTF-16LE"),
            (utf32(json, u32::to_le_bytes), "-f UTF-32LE"),
            (utf32(&marked, u32::to_le_bytes), "-f UTF-32LE"),
            (utf32(json, u32::to_be_bytes), "-f UTF-32BE"),
            (utf32(&marked, u32::to_be_bytes), "-f UTF-32BE"),
            (b"+/v8-+AHs-\"a\":1+AH0-".to_vec(), "-f UTF-7"),
            (b"+AHsAIg-a".to_vec(), "-f UTF-7"),
            (b"PK\x03\x04\x14\0\0\0claims.ndjson".to_vec(), "ZIP"),
            (b"PK\x03\x04\x14\0\0\0[Content_Types].xml".to_vec(), "Excel"),
            (b"%PDF-1.7\n".to_vec(), "PDF"),
            (b"\n<!DOCTYPE html><html>".to_vec(), "HTML"),
            (b"\xef\xbb\xbf\r\n<HTML>".to_vec(), "HTML"),
            (b"<?xml version=\"1.0\"?><Bundle>".to_vec(), "XML"),
            (b"<Patient xmlns=\"http://hl7.org/fhir\"/>".to_vec(), "XML"),
            (b"BZh91AY".to_vec(), "bzip2"),
            (b"\xfd7zXZ\0\0".to_vec(), "xz"),
            (b"7z\xbc\xaf\x27\x1c\0".to_vec(), "7-Zip"),
            (b"\x1f\x8b\x08\0".to_vec(), "twice"),
            (b"PAR1\x15\0".to_vec(), "Parquet"),
            (b"SQLite format 3\0".to_vec(), "SQLite"),
            (tar, "tar archive"),
        ];
        for (bytes, word) in cases {
            let found = unreadable(&bytes).unwrap_or_default();
            assert!(found.contains(word), "{word}: {found}");
        }
    }

    #[test]
    fn json_and_text_that_may_be_json_are_left_to_the_reader() {
        let texts: [&[u8]; 8] = [
            b"",
            b"{",
            b"{}",
            b"[1]",
            b"\xef\xbb\xbf{\"a\":1}",
            b"  \n{\"a\":1}",
            b"id,name\n1,2\n",
            "{\"family\":\"\u{e4}\"}".as_bytes(),
        ];
        for text in texts {
            assert_eq!(unreadable(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf8_names_what_it_may_be() {
        assert!(not_utf8(b"{\"family\":\"M\xfcller\"}").contains("-f WINDOWS-1252"));
        assert!(not_utf8(b"x\0{\0\"\0\xfc\0").contains("UTF-16"));
    }
}
