//! The query that a load prints reaches Python whole, whatever the data directory is called.

use std::process::Command;

use crate::command::{Bench, Ended, a_patient};
use crate::files::set_mode;

/// In place of Python: says where the lake is said to be.
const PYTHON: &str =
    "#!/bin/sh\n[ \"$1\" = -c ] && [ $# = 3 ] || exit 9\nprintf '%s\\n%s' \"$2\" \"$3\"\n";

#[test]
fn the_lake_is_one_word_of_the_shell_and_no_part_of_the_program() {
    let bench = Bench::new();
    let python = bench.write("bin/python3", PYTHON);
    set_mode(&python, 0o700);
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
        bench.import(data, "patient.ndjson", &a_patient("-1"));
        let ran = bench.done(&["--data", data, "run", "--from", "transform"]);
        let (_, line) = ran.stderr.split_once("(pip install duckdb):\n").unwrap();
        let ended = Ended::of(Command::new("sh").args(["-c", line]).env("PATH", &path)).exits(0);
        let (program, lake) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(lake, format!("{}/{data}/lake/current", here.display()));
        let expected = "import duckdb, os, sys; os.chdir(sys.argv[1]); duckdb.sql('''SELECT eob_type, \
                        service_year, count(*) AS claims FROM read_parquet('eob/**/*.parquet', \
                        hive_partitioning=true) GROUP BY ALL ORDER BY ALL''').show()";
        assert_eq!(program, expected);
    }
}
