//! Running the binary that this build made, in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run commands in.
pub(crate) struct Bench {
    folder: TempDir,
}

/// How one command ended.
pub(crate) struct Ended {
    /// Its arguments, for messages.
    command: String,
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

    /// Imports resources of API v2 into a data directory.
    #[track_caller]
    pub(crate) fn import(&self, data: &str, name: &str, resources: &str) -> Ended {
        self.write(name, resources);
        self.done(&["--json", "--data", data, "import", "--api", "v2", name])
    }

    /// Makes tables of what has landed.
    #[track_caller]
    pub(crate) fn publish(&self, data: &str) -> Ended {
        self.done(&["--json", "--data", data, "run", "--from", "transform"])
    }

    /// Imports and publishes.
    #[track_caller]
    pub(crate) fn load(&self, data: &str, name: &str, resources: &str) -> Ended {
        self.import(data, name, resources);
        self.publish(data)
    }

    /// Another program in this folder, with the environment of a command.
    pub(crate) fn program(&self, program: &str) -> Command {
        in_environment_of(&self.command(&[]), program)
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
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> Ended {
        self.run(arguments).exits(0)
    }
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        Self::with(command, output)
    }

    /// Runs a command that reads `input` from its standard input to the end.
    pub(crate) fn fed(command: &mut Command, input: Vec<u8>) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap().unwrap();
        Self::with(command, output)
    }

    fn with(command: &Command, output: Output) -> Self {
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        Self {
            command: words.join(" "),
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let (command, said) = (&self.command, [&*self.stdout, &self.stderr].concat());
        assert_eq!(self.exit, code, "`{command}`: {said}");
        self
    }

    /// It must have been killed.
    #[track_caller]
    pub(crate) fn was_killed(self) -> Self {
        self.exits(-1)
    }

    /// Its stderr must have these words.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        let (command, said) = (&self.command, &self.stderr);
        assert!(
            said.contains(words),
            "`{command}` does not say {words}: {said}"
        );
    }

    /// Its stdout must have these words.
    #[track_caller]
    pub(crate) fn prints(&self, words: &str) {
        let (command, said) = (&self.command, &self.stdout);
        assert!(
            said.contains(words),
            "`{command}` does not print {words}: {said}"
        );
    }

    /// Its error line must have these words.
    #[track_caller]
    pub(crate) fn fails_with(&self, words: &str) {
        let (command, error) = (&self.command, self.error_line());
        assert!(
            error.contains(words),
            "`{command}` does not fail with {words}: {error}"
        );
    }

    /// The JSON lines of stdout.
    pub(crate) fn events(&self) -> Vec<Value> {
        json_lines(&self.stdout)
    }

    /// The events of this name.
    pub(crate) fn events_of(&self, name: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["event"] == name);
        events
    }

    /// The checks of a `--json verify`.
    pub(crate) fn checks(&self) -> Vec<Value> {
        let summary = self.summary();
        summary["verify"]["checks"].as_array().unwrap().clone()
    }

    /// The check of this name of a `--json verify`.
    #[track_caller]
    pub(crate) fn check(&self, name: &str) -> Value {
        let mut checks = self.checks();
        checks.retain(|check| check["name"] == name);
        assert_eq!(checks.len(), 1, "{name}: {}", self.stdout);
        checks.remove(0)
    }

    /// The names of the hard checks of a `--json verify` that do not hold.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut checks = self.checks();
        checks.retain(|check| check["severity"] == "hard" && check["failed"] != 0);
        let names = checks.iter().map(|check| check["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
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

/// Another program where a command would run, with its environment.
pub(crate) fn in_environment_of(command: &Command, program: &str) -> Command {
    let mut other = Command::new(program);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other.current_dir(command.get_current_dir().unwrap());
    other
}

/// A `PATH` on which the binary is first.
pub(crate) fn path_of_binary() -> String {
    let folder = binary().parent().unwrap().to_owned();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// Waits for another process, and fails where it takes much longer than it ever should.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(300);
    while !is_so() {
        assert!(Instant::now() < limit, "after five minutes: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A patient alone, as a line.
pub(crate) fn a_patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n")
}

/// The words of a command line.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// NDJSON as values.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Reports visibly that a test, or a part of one, did not run; the test harness keeps what `eprintln` says to itself.
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
