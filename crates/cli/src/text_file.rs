//! Reading a text file that a person wrote: a pipeline, a view.

use std::io;
use std::path::Path;

use claimlake_contract::text_form;

/// The text of a file, without a byte order mark.
///
/// # Errors
/// When it cannot be read, or is not UTF-8: then the error says what it is and how to convert it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    let other =
        |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("the file is {what}"));
    if let Some(what) = text_form::unreadable(&bytes) {
        return Err(other(what));
    }
    let text =
        String::from_utf8(bytes).map_err(|error| other(text_form::not_utf8(error.as_bytes())))?;
    Ok(text_form::without_mark(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_mark_is_left_out_and_another_encoding_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let read_of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read_of(b"\xef\xbb\xbfname = 1").unwrap(), "name = 1");
        assert_eq!(read_of(b"").unwrap(), "");
        let wide: Vec<u8> = "name = 1"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: [(&[u8], &str); 4] = [
            (&wide, "iconv -f UTF-16LE -t UTF-8"),
            (b"name = \"M\xfcller\"", "WINDOWS-1252"),
            (b"PK\x03\x04xl/", "Excel"),
            (b"<!DOCTYPE html>", "HTML"),
        ];
        for (bytes, word) in cases {
            let error = read_of(bytes).unwrap_err();
            assert!(
                error.contains("the file is ") && error.contains(word),
                "{error}"
            );
        }
    }
}
