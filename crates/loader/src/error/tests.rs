//! A disk that is full, what may not be read, and what is broken are three things, and each is reported
//! of its file.

use std::fs::File;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;

use super::LoadError;
use crate::merge::candidate_file::CandidateFile;
use crate::merge::keys::KeyFile;
use crate::publish::access::Access;
use crate::row_owners::group_file;
use claimlake_columnar::sort::batch_sorter::BatchSorter;

fn numbers() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![2, 1]));
    RecordBatch::try_from_iter([("number", numbers)]).unwrap()
}

/// Puts a device that is always full where a file is to be written.
fn fill(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("/dev/full", path).unwrap();
}

#[test]
fn a_full_disk_is_told_with_the_file_that_was_being_written() {
    let access = || Access::owner_only();
    type Write = fn(&Path, Access) -> Result<(), LoadError>;
    let writes: [(&str, Write); 4] = [
        ("spill/numbers", |folder, _| {
            let spill = folder.join("spill/numbers");
            let schema = numbers().schema();
            BatchSorter::new("numbers", &schema, vec![0], 0, spill)?
                .push(&numbers())
                .map_err(LoadError::from)
        }),
        ("keys/keys.arrow", |folder, access| {
            KeyFile::create(folder, &access)?.finish().map(|_| ())
        }),
        ("keys/current.arrow", |folder, access| {
            CandidateFile::create(folder, "", &access)?
                .finish()
                .map(|_| ())
        }),
        ("keys/rows/Patient/unfinished", |folder, access| {
            group_file::write(folder, "Patient", Vec::new(), &access).map(|_| ())
        }),
    ];
    for (file, write) in writes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fill(&path);
        let error = write(folder.path(), access()).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let expected = format!(
            "writing {}: No space left on device (os error 28) (the previous snapshot remains current; free \
             some space and load again)",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
}

fn read(path: &Path) -> Result<RecordBatch, ArrowError> {
    let reader = StreamReader::try_new(File::open(path).unwrap(), None)?;
    reader.collect::<Result<Vec<_>, _>>()?;
    Ok(numbers())
}

#[test]
fn what_the_system_refuses_to_read_is_no_damage_and_a_torn_file_is() {
    let folder = tempfile::tempdir().unwrap();
    // A folder opens as a file does, and refuses to be read.
    let refused = read(folder.path()).unwrap_err();
    let words = LoadError::staged_file(Path::new("staged/eob.arrows"), refused).to_string();
    let expected = "reading staged/eob.arrows: Is a directory (os error 21)";
    assert_eq!(words, expected);
    let whole = folder.path().join("whole");
    let file = File::create(&whole).unwrap();
    let mut writer = StreamWriter::try_new(file, &numbers().schema()).unwrap();
    writer.write(&numbers()).unwrap();
    writer.finish().unwrap();
    assert!(read(&whole).is_ok());
    let torn = std::fs::read(&whole).unwrap();
    std::fs::write(&whole, &torn[..torn.len() - 40]).unwrap();
    let torn = || read(&whole).unwrap_err();
    let words = LoadError::staged_file(Path::new("eob.arrows"), torn()).to_string();
    assert!(
        words.starts_with("staged run eob.arrows: it is broken: "),
        "{words}"
    );
    assert!(
        words.ends_with("run `transform --full`, then `load`"),
        "{words}"
    );
    let words = LoadError::lake_file(Path::new("keys.arrow"), torn()).to_string();
    assert!(
        words.starts_with("the lake at keys.arrow: it is broken: "),
        "{words}"
    );
}

#[test]
fn who_may_not_read_is_not_told_to_make_the_lake_writable() {
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let path = Path::new("staged/eob.arrow");
    let words = LoadError::io("opening", path)(denied()).to_string();
    assert!(words.contains("must be allowed to read it"), "{words}");
    let words = LoadError::io("creating", path)(denied()).to_string();
    assert!(words.contains("must be writable"), "{words}");
}

#[test]
fn what_forbids_to_write_is_told_by_its_cause() {
    let path = Path::new("lake/.building");
    for (code, said, wrong) in [
        (30, "mounted read-only", "owner"),
        (122, "quota", "owner"),
        (13, "owner and mode", "read-only"),
    ] {
        let error = io::Error::from_raw_os_error(code);
        let words = LoadError::io("creating", path)(error).to_string();
        assert!(words.contains(said) && !words.contains(wrong), "{words}");
        assert!(
            words.contains("the previous snapshot remains current"),
            "{words}"
        );
    }
}
