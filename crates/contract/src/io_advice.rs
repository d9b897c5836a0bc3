//! Advice about errors of the operating system: one text for each cause.

use std::io::{Error, ErrorKind};

/// `EIO`, `ENFILE` and `EMFILE`, for which the standard library has no kind.
const INPUT_OUTPUT: i32 = 5;
const TABLE_FULL: i32 = 23;
const TOO_MANY_OPEN: i32 = 24;

/// What to do about a refusal; `None` if the error says all there is to say.
///
/// Each cause has a text of its own, so that the reader looks in the right place.
#[must_use]
pub fn io_advice(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            return Some("check its owner and mode, and those of its folder");
        }
        ErrorKind::ReadOnlyFilesystem => {
            return Some(
                "this file system is mounted read-only: mount it for writing, or name a folder on \
                 another one",
            );
        }
        ErrorKind::StorageFull => {
            return Some("the disk is full: free space, then run again");
        }
        ErrorKind::QuotaExceeded => {
            return Some(
                "the quota of this user on this disk is used up: free space of theirs or raise the \
                 quota, then run again",
            );
        }
        _ => {}
    }
    match error.raw_os_error()? {
        INPUT_OUTPUT => {
            Some("the disk does not answer as it should: see the system's log, then run again")
        }
        TABLE_FULL | TOO_MANY_OPEN => {
            Some("too many files are open: raise the limit (ulimit -n), then run again")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::io_advice;

    #[test]
    fn each_cause_has_advice_of_its_own() {
        let cases = [
            (1, Some("owner and mode")),
            (13, Some("owner and mode")),
            (30, Some("mounted read-only")),
            (28, Some("free space")),
            (122, Some("quota")),
            (5, Some("the system's log")),
            (24, Some("ulimit -n")),
            (2, None),
        ];
        for (code, words) in cases {
            let error = Error::from_raw_os_error(code);
            let said = io_advice(&error);
            assert_eq!(said.is_some(), words.is_some(), "{error}");
            for (_, other) in cases {
                let is_own = other == words;
                let has = other.is_some_and(|other| said.is_some_and(|said| said.contains(other)));
                // Who is over a quota frees space, too.
                let is_quota_too = code == 122 && other == Some("free space");
                assert!(
                    is_quota_too || has == (is_own && words.is_some()),
                    "{error}: {said:?}"
                );
            }
        }
    }
}
