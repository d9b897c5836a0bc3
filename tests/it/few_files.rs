//! A limit of open files that is too low: every command says so, and none panics.

use crate::command::{Bench, Ended, binary};

#[test]
fn a_limit_of_open_files_that_is_too_low_is_an_error_and_no_panic() {
    let bench = Bench::new();
    for command in ["run", "extract", "sandbox"] {
        let mut said = 0;
        for limit in 5..12 {
            let limited = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
            let mut shell = bench.program("sh");
            shell.args(["-c", &limited]).arg(binary()).arg(command);
            let ended = Ended::of(&mut shell);
            let words = format!("{command}, {limit} files: {}", ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{words}");
            assert_ne!(ended.exit, 0, "{words}");
            assert!(!ended.stderr.is_empty(), "{words}");
            said += usize::from(ended.stderr.contains("raise the limit (ulimit -n)"));
        }
        assert!(said > 0, "{command}: the limit is never named");
    }
}
