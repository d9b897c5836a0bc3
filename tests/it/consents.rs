//! Consents from the command line: what is asked for, what is over, and the sandbox to try it with.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::command::{Bench, Ended, words};
use crate::servers::{Sandbox, ask, post};

fn scope_of(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let scope = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("scope="));
    scope.unwrap().replace('+', " ").replace("%2F", "/")
}

#[test]
fn a_consent_asks_for_what_the_pipeline_reads_and_nothing_else() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    let shown = sandbox.run(&bench, &["authorize", "--start"]);
    assert_eq!(
        scope_of(shown.stdout.trim()),
        "openid profile patient/Patient.read patient/Coverage.read patient/ExplanationOfBenefit.read"
    );
    let views = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/views/*.json");
    for (resources, scope) in [
        (
            r#"["ExplanationOfBenefit", "Coverage"]"#,
            "openid patient/Coverage.read patient/ExplanationOfBenefit.read",
        ),
        (r#"["Coverage"]"#, "openid patient/Coverage.read"),
    ] {
        bench.write(
            "mine.toml",
            &format!(
                "name = \"mine\"\n[source]\nkind = \"blue_button\"\nresources = {resources}\n\
                 client_id_env = \"BLUE_BUTTON_CLIENT_ID\"\n\
                 client_secret_env = \"BLUE_BUTTON_CLIENT_SECRET\"\n\
                 [transform]\nviews = [\"{views}\"]\n"
            ),
        );
        let mut mine = sandbox.command_of(&bench, "mine.toml", &["authorize", "--start"]);
        let shown = Ended::of(&mut mine).exits(0);
        assert_eq!(scope_of(shown.stdout.trim()), scope);
    }
}

#[test]
fn a_person_who_stopped_sharing_needs_consent_in_every_place_that_says_so() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "2"]);
    post(
        &sandbox,
        "/_sandbox/grant",
        r#"{"login":"BBUser00000","action":"delete"}"#,
    );
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    let extracted = run(&["extract"]).exits(4);
    extracted.says("stopped sharing");
    let listed = run(&["grants", "list", "--state", "needs-consent"]);
    let grant: Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!(
        (&grant["state"], &grant["needs"]),
        (&"needs_consent".into(), &"consent".into())
    );
    assert!(
        grant["reason"]
            .as_str()
            .unwrap()
            .contains("stopped sharing")
    );
    assert_eq!(run(&["grants", "list", "--state", "doubtful"]).stdout, "");
    let status = run(&["--json", "status"]);
    let by_state = &status.summary()["grants"]["by_state"];
    assert_eq!(
        (&by_state["needs_consent"], &by_state["active"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn the_sandbox_prints_what_a_shell_sets_logs_requests_without_names_and_warns_when_it_is_open() {
    let bench = Bench::new();
    let arguments = words("-v sandbox --listen 0.0.0.0:0 --patients 1 --eobs 1");
    let mut serving = bench
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(serving.stdout.take().unwrap());
    let lines: Vec<String> = stdout.lines().take(3).map(Result::unwrap).collect();
    let names = [
        "BLUE_BUTTON_CLIENT_ID",
        "BLUE_BUTTON_CLIENT_SECRET",
        "CLAIMLAKE_SOURCE_BASE_URL",
    ];
    let values: Vec<&str> = names
        .iter()
        .zip(&lines)
        .map(|(name, line)| line.strip_prefix(&format!("export {name}=")).unwrap())
        .collect();
    assert_eq!((values[0].len(), values[1].len()), (40, 128));
    let url = values[2];
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    ask(
        "GET",
        &format!("{url}/v2/fhir/Patient/-20140000008325?access_token=secret"),
    );
    ask("GET", &format!("{url}/v3/o/token/"));
    // A request is logged after its answer.
    let mut unsaid = vec![
        "GET /v2/fhir/Patient/{id} 400 ",
        "GET /v3/o/token/ 405 ",
        "warning: --listen 0.0.0.0:0",
        "ssh -L ",
    ];
    let (send, said) = mpsc::channel();
    let stderr = BufReader::new(serving.stderr.take().unwrap());
    let reading = thread::spawn(move || {
        for line in stderr.lines() {
            send.send(line.unwrap()).unwrap();
        }
    });
    let mut words = String::new();
    while !unsaid.is_empty() {
        let line = said.recv_timeout(Duration::from_secs(60));
        words += &line.unwrap_or_else(|_| panic!("{unsaid:?}: {words}"));
        unsaid.retain(|what| !words.contains(what));
    }
    serving.kill().unwrap();
    serving.wait().unwrap();
    reading.join().unwrap();
    words.extend(said);
    for unsaid in ["20140000008325", "access_token", values[1]] {
        assert!(!words.contains(unsaid), "{unsaid}: {words}");
    }
}
