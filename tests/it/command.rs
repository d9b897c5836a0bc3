//! Running the binary that this build made, in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run commands in.
pub(crate) struct Bench {
    folder: TempDir,
}

/// How one command ended.
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of this folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command in this folder, without the caller's claimlake settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CLAIMLAKE_") {
                command.env_remove(name);
            }
        }
        // Keys that a first use makes stay in this folder.
        command.env("HOME", self.path());
        command.env("XDG_CONFIG_HOME", self.path().join("config"));
        command.env_remove("XDG_STATE_HOME");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(arguments))
    }

    /// Runs a command that must end with exit code 0.
    pub(crate) fn done(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.exit, 0, "{arguments:?}: {}", ended.stderr);
        ended
    }
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::with(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command that reads `input` from its standard input to the end.
    pub(crate) fn fed(command: &mut Command, input: Vec<u8>) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap().unwrap();
        Self::with(output)
    }

    fn with(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The last event of a `--json` run.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        let event: Value = serde_json::from_str(last).unwrap();
        assert_eq!(event["event"], "summary", "{}", self.stdout);
        assert_eq!(event["exit"], self.exit, "{}", self.stdout);
        event
    }

    /// The one line that says what went wrong, where, and what to do: the last on stderr.
    pub(crate) fn error_line(&self) -> &str {
        let errors = self.stderr.matches("error: ").count();
        assert_eq!(errors, 1, "one error is expected: {}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap();
        last.strip_prefix("error: ")
            .unwrap_or_else(|| panic!("the error is not last: {}", self.stderr))
    }
}

/// Says aloud that a test did not run; the test harness keeps what `eprintln` says to itself.
pub(crate) fn skipped(why: &str) {
    let line = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary beside this test's own: `cargo test --workspace` builds both.
pub(crate) fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let binary = this.ancestors().nth(2).unwrap().join("claimlake");
    assert!(
        binary.is_file(),
        "{} is missing: run `cargo test --workspace`, or `cargo build` first",
        binary.display()
    );
    binary
}
