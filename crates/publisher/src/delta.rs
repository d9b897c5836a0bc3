//! The log of a Delta table: one folder `_delta_log` per table, of which only what this project
//! needs is written. Protocol: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>, reader
//! version 1, writer version 2.

pub(crate) mod checkpoint;
pub(crate) mod commit;
pub(crate) mod read_back;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod stats;
pub(crate) mod uri;

/// The folder of a table's log.
pub(crate) const LOG: &str = "_delta_log";

/// The path of a commit.
pub(crate) fn commit_path(table: &str, version: u64) -> String {
    format!("{table}/{LOG}/{version:020}.json")
}

/// The path of a checkpoint.
pub(crate) fn checkpoint_path(table: &str, version: u64) -> String {
    format!("{table}/{LOG}/{version:020}.checkpoint.parquet")
}

/// The path of the file that names the last checkpoint.
pub(crate) fn last_checkpoint_path(table: &str) -> String {
    format!("{table}/{LOG}/_last_checkpoint")
}

/// What a file of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFile {
    Commit(u64),
    Checkpoint(u64),
}

/// Reads the name of a file below `_delta_log`.
pub(crate) fn log_file(name: &str) -> Option<LogFile> {
    let (digits, kind) = name.split_once('.')?;
    let is_version = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let version = digits.parse().ok().filter(|_| is_version)?;
    match kind {
        "json" => Some(LogFile::Commit(version)),
        "checkpoint.parquet" => Some(LogFile::Checkpoint(version)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LogFile, checkpoint_path, commit_path, log_file};

    #[test]
    fn versions_are_read_from_names() {
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        assert_eq!(
            commit_path("eob", 7),
            "eob/_delta_log/00000000000000000007.json"
        );
        assert_eq!(
            log_file(&name(&commit_path("t", 12))),
            Some(LogFile::Commit(12))
        );
        let checkpoint = log_file(&name(&checkpoint_path("t", 10)));
        assert_eq!(checkpoint, Some(LogFile::Checkpoint(10)));
        for other in [
            "_last_checkpoint",
            "7.json",
            "0000000000000000000x.json",
            "x",
        ] {
            assert_eq!(log_file(other), None, "{other}");
        }
    }
}
