//! The query that a load prints reaches Python whole, whatever the data directory is called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::command::{Bench, Ended};

/// In place of Python: says where the lake is said to be.
const PYTHON: &str =
    "#!/bin/sh\n[ \"$1\" = -c ] && [ $# = 3 ] || exit 9\nprintf '%s\\n%s' \"$2\" \"$3\"\n";

#[test]
fn the_lake_is_one_word_of_the_shell_and_no_part_of_the_program() {
    let bench = Bench::new();
    bench.write(
        "people.ndjson",
        "{\"resourceType\":\"Patient\",\"id\":\"-1\"}\n",
    );
    let python = bench.write("bin/python3", PYTHON);
    fs::set_permissions(&python, fs::Permissions::from_mode(0o700)).unwrap();
    let path = format!(
        "{}/bin:{}",
        bench.path().display(),
        std::env::var("PATH").unwrap()
    );
    let here = bench.path().canonicalize().unwrap();
    for data in [
        "plain",
        "it's",
        "a \"quoted\" one",
        "back\\slash\\",
        "new\nline",
        "$HOME `id` !",
    ] {
        bench.done(&["--data", data, "import", "--api", "v2", "people.ndjson"]);
        let ran = bench.done(&["--data", data, "run", "--from", "transform"]);
        let (_, line) = ran.stderr.split_once("(pip install duckdb):\n").unwrap();
        let ended = Ended::of(Command::new("sh").args(["-c", line]).env("PATH", &path));
        assert_eq!(ended.exit, 0, "{line}: {}", ended.stderr);
        let (program, lake) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(lake, format!("{}/{data}/lake/current", here.display()));
        let expected = "import duckdb, os, sys; os.chdir(sys.argv[1]); duckdb.sql('''SELECT eob_type, \
                        service_year, count(*) AS claims FROM read_parquet('eob/**/*.parquet', \
                        hive_partitioning=true) GROUP BY ALL ORDER BY ALL''').show()";
        assert_eq!(program, expected);
    }
}
