//! Servers that are down, odd, or not to be reached; credentials that are missing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, Ended, words};

/// A sandbox in a process of its own, as another machine would be; it ends with its test.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) listening: Value,
}

impl Sandbox {
    pub(crate) fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let fixed = words("--json sandbox --listen 127.0.0.1:0 --auto-consent");
        let mut child = bench
            .command(&[&fixed, arguments].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(listening["event"], "listening");
        Self { child, listening }
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.listening[key].as_str().unwrap()
    }

    /// A command with the pipeline of the real service, pointed here.
    pub(crate) fn command(&self, bench: &Bench, arguments: &[&str]) -> Command {
        self.command_of(bench, "blue_button", arguments)
    }

    /// Runs such a command.
    pub(crate) fn run(&self, bench: &Bench, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(bench, arguments))
    }

    /// The same with another pipeline.
    pub(crate) fn command_of(&self, bench: &Bench, pipeline: &str, arguments: &[&str]) -> Command {
        let mut command = bench.command(&[&["--pipeline", pipeline], arguments].concat());
        command
            .env("CLAIMLAKE_DATA", "d")
            .env("BLUE_BUTTON_CLIENT_ID", self.text("client_id"))
            .env("BLUE_BUTTON_CLIENT_SECRET", self.text("client_secret"))
            .env("CLAIMLAKE_SOURCE_BASE_URL", self.text("url"))
            .env(
                "CLAIMLAKE_SOURCE_REDIRECT_URI",
                "http://127.0.0.1:1/callback",
            );
        command
    }

    /// A sandbox of so many patients and claims, all of whom have consented.
    pub(crate) fn with_consents(bench: &Bench, patients: usize, more: &[&str]) -> Self {
        let number = patients.to_string();
        let sandbox = Self::start(bench, &[&["--patients", number.as_str()], more].concat());
        for _ in 0..patients {
            sandbox.consent(bench);
        }
        sandbox
    }

    /// One person consents, in two steps.
    pub(crate) fn consent(&self, bench: &Bench) {
        let started = Ended::of(&mut self.command(bench, &["authorize", "--start"])).exits(0);
        let callback = location(started.stdout.trim());
        let finished =
            Ended::of(&mut self.command(bench, &["--json", "authorize", "--finish", &callback]))
                .exits(0);
        let last: Value = serde_json::from_str(finished.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["event"], "authorized");
        assert!(last["patient"].is_string() && last["expires"].is_string());
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a GET is redirected to, asked by hand: this is the browser.
pub(crate) fn location(url: &str) -> String {
    let answer = ask("GET", url);
    let header = answer.lines().find_map(|line| {
        let is_location = line.to_ascii_lowercase().starts_with("location: ");
        is_location.then(|| &line[10..])
    });
    header.unwrap().trim().to_owned()
}

/// An exchange by hand without a body; head and body of the answer.
pub(crate) fn ask(method: &str, url: &str) -> String {
    exchange(method, url, "")
}

/// Posts to an admin route of the sandbox.
pub(crate) fn post(sandbox: &Sandbox, path: &str, body: &str) {
    let answer = exchange("POST", &format!("{}{path}", sandbox.text("url")), body);
    assert!(answer.contains(" 200 "), "{answer}");
}

fn exchange(method: &str, url: &str, body: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_grant_of_another_process_is_extracted_and_a_server_that_is_down_is_named() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "5"]);
    sandbox.consent(&bench);
    let extracted = sandbox.run(&bench, &["--json", "extract"]).exits(0);
    assert_eq!(extracted.summary()["extract"]["patients"], 1);

    let mut again = sandbox.command(&bench, &["extract"]);
    drop(sandbox);
    let ended = Ended::of(&mut again).exits(1);
    ended.fails_with("the connection was refused");
}

#[test]
fn html_where_json_is_due_is_an_error_of_that_person_and_nothing_lands() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "5", "--fault", "html"]);
    let ended = sandbox.run(&bench, &["--json", "extract"]).exits(1);
    assert!(
        ended.summary()["extract"]["resources"] == 0,
        "{}",
        ended.stdout
    );
    assert!(!ended.stderr.contains("<html"), "{}", ended.stderr);
}

#[test]
fn after_the_weekly_load_only_what_changed_lands_and_the_lake_is_what_the_server_has() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "40"]);
    let run = || {
        let ended = sandbox.run(&bench, &["--json", "run"]).exits(0);
        ended.summary()
    };
    let first = run();
    let url = sandbox.text("url");
    assert!(ask("POST", &format!("{url}/_sandbox/advance-week")).contains(" 200 "));
    let second = run();
    let truth = ask("GET", &format!("{url}/_sandbox/truth?api=v2"));
    let truth: Value = serde_json::from_str(truth.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let claims = truth[0]["eob_ids"].as_array().unwrap().len();
    assert_eq!(second["load"]["rows"]["eob"], claims);
    assert_eq!(second["load"]["snapshot"], 2);
    let landed = second["extract"]["resources"].as_u64().unwrap();
    assert!(landed > 0 && landed < first["extract"]["resources"].as_u64().unwrap());
}

#[test]
fn a_server_that_says_tomorrow_parks_the_person_and_the_run_goes_on() {
    let bench = Bench::new();
    let fault = "429:retry-after=day,only=eob";
    let arguments = ["--patients", "1", "--eobs", "3", "--fault", fault];
    let sandbox = Sandbox::start(&bench, &arguments);
    sandbox.consent(&bench);
    let ended = sandbox.run(&bench, &["--json", "run"]).exits(5);
    let summary = ended.summary();
    assert_eq!(summary["extract"]["outcome"]["by_state"]["parked"], 1);
    assert!(summary["load"].is_object(), "{summary}");
}

#[test]
fn a_missing_credential_names_its_variable() {
    let bench = Bench::new();
    for (command, variable) in [
        ("extract", "BLUE_BUTTON_CLIENT_ID"),
        ("authorize", "BLUE_BUTTON_CLIENT_ID"),
    ] {
        let mut command = bench.command(&["--pipeline", "blue_button", command]);
        command
            .env_remove("BLUE_BUTTON_CLIENT_ID")
            .env_remove("BLUE_BUTTON_CLIENT_SECRET");
        let ended = Ended::of(&mut command).exits(2);
        ended.fails_with(variable);
    }
    assert!(!bench.path().join("data").exists());
}

#[test]
fn extract_before_any_consent_says_what_comes_first() {
    let bench = Bench::new();
    let mut command = bench.command(&["--pipeline", "blue_button", "extract"]);
    command
        .env("BLUE_BUTTON_CLIENT_ID", "a".repeat(40))
        .env("BLUE_BUTTON_CLIENT_SECRET", "b");
    let ended = Ended::of(&mut command).exits(2);
    ended.fails_with("authorize");
}

#[test]
fn a_port_that_is_taken_is_named_with_the_flag_that_helps() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = bench.run(&["sandbox", "--listen", &address]).exits(1);
    let said = ended.error_line();
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn no_secret_and_no_patient_id_is_in_any_word() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "5", "--fault", "500:count=2"]);
    let ended = sandbox.run(&bench, &["-vv", "extract"]).exits(0);
    let secret = sandbox.text("client_secret");
    for word in [
        secret,
        "Bearer",
        "access_token",
        "patient=",
        "-20140000008325",
    ] {
        assert!(!ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(!ended.stderr.is_empty());
}
