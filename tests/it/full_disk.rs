//! Writes that the system refuses midway, as a full disk does: the path is named, nothing half-written
//! is taken for whole, and the next run finishes.

use crate::command::{Bench, Ended, binary};

/// Runs a command whose files may not grow beyond so many kilobytes.
fn limited(bench: &Bench, kilobytes: u32, arguments: &[&str]) -> Ended {
    // What exceeds the limit is to be an error, not a signal.
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        kilobytes * 2
    );
    let mut command = bench.program("sh");
    Ended::of(command.arg("-c").arg(script).arg(binary()).args(arguments))
}

#[test]
fn what_cannot_be_written_is_named_and_the_next_run_finishes() {
    let bench = Bench::new();
    let made = ["sandbox", "generate", "--patients", "3", "--eobs", "40"];
    let claims = bench.done(&made).stdout;
    bench.write("claims.ndjson", &claims);
    let import = ["--data", "d", "import", "--api", "v2", "claims.ndjson"];
    let stages: [(&[&str], u32, &str, &str); 4] = [
        (&import, 16, "d/landing/", "part-00000.ndjson.zst: "),
        (
            &["--data", "d", "transform"],
            48,
            "d/staged/building-",
            ".arrow: ",
        ),
        (
            &["--data", "e", "run", "--from", "transform"],
            48,
            "e/staged/building-",
            ".arrows: ",
        ),
        (
            &["--data", "d", "load"],
            96,
            "d/lake/.building/snapshot/",
            "manifest.json: ",
        ),
    ];
    for (command, kilobytes, folder, file) in stages {
        if command[1] == "e" {
            let import = ["--data", "e", "import", "--api", "v2", "claims.ndjson"];
            bench.done(&import);
        }
        let refused = limited(&bench, kilobytes, command).exits(1);
        let error = refused.error_line();
        for words in [folder, file, "File too large"] {
            assert!(error.contains(words), "{command:?}: {words}: {error}");
        }
        let current = bench.path().join(command[1]).join("lake/current");
        assert!(!current.exists(), "{command:?}");
        let staged = std::fs::read_dir(bench.path().join(command[1]).join("staged"));
        let half = staged.into_iter().flatten().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("building-")
        });
        assert_eq!(half.count(), 0, "{command:?}");
        bench.done(command);
    }
    for data in ["d", "e"] {
        bench.done(&["--data", data, "verify"]);
    }
}
