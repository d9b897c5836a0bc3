//! What the pages under `docs/` tell people to type does what they say.

use std::fs;
use std::process::Command;

use crate::command::{Bench, path_of_binary, repository};
use crate::demo::{demo, of_size};

const PAGES: &[&str] = &[
    "docs/operations.md",
    "docs/security.md",
    "docs/what-is-not-in-here.md",
    "docs/FORMAT.md",
    "docs/pipeline.md",
];

fn page(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// The lines of all blocks in this language, in their order.
fn lines_of(text: &str, language: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(of), None) => inside = Some(of == language),
            (None, Some(true)) => lines.push(line.to_owned()),
            (None, _) => {}
        }
    }
    lines
}

#[test]
fn every_command_of_the_pages_runs() {
    let bench = Bench::new();
    bench.write("pipeline.toml", &of_size(&demo(), 2, 5));
    let in_shell = |line: &str| {
        let mut shell = bench.program("sh");
        shell
            .args(["-euc", line])
            .env("PATH", path_of_binary())
            .env("CLAIMLAKE_PIPELINE", "pipeline.toml")
            .env("CLAIMLAKE_DATA", "data");
        crate::command::Ended::of(&mut shell)
    };
    let mut commands = 0;
    for line in PAGES.iter().flat_map(|name| lines_of(&page(name), "sh")) {
        let line = match line.contains("PATIENT") {
            false => line,
            true => {
                let listed = in_shell("claimlake grants list").stdout;
                let first = listed.lines().next().unwrap();
                let grant: serde_json::Value = serde_json::from_str(first).unwrap();
                line.replace("PATIENT", grant["patient"].as_str().unwrap())
            }
        };
        let ended = in_shell(&line);
        // What `doctor` finds is the machine's; that it looks is what the page says.
        let is_found = line.ends_with("doctor") && ended.exit == 1;
        assert!(ended.exit == 0 || is_found, "{line}: {}", ended.stderr);
        commands += 1;
    }
    assert!(commands >= 15, "{commands} commands");
}

/// What the README has people type, and why a test does not type it.
const NOT_TYPED: &[(&str, &str)] = &[
    ("make ", "tests/it/makefile.rs holds the Makefile's targets"),
    (
        "pip install",
        "needs the network; tests/interop queries with DuckDB",
    ),
    ("python3 -c", "needs DuckDB; tests/interop queries with it"),
    ("export ", "sets the environment, as this test does"),
    (
        "claimlake --pipeline blue_button",
        "needs the real service; tests/it/servers.rs does it with a sandbox",
    ),
];

#[test]
fn every_command_of_the_readme_runs() {
    let bench = Bench::new();
    let made = ["sandbox", "generate", "--patients", "3", "--eobs", "4"];
    let claims = bench.done(&made).stdout;
    let third = |from: usize| {
        let lines = claims.lines().skip(from).step_by(3);
        lines.collect::<Vec<_>>()
    };
    bench.write("claims.ndjson", &third(0).join("\n"));
    bench.write("more.ndjson", &third(1).join("\n"));
    let mut gzip = Command::new("gzip");
    gzip.arg("more.ndjson").current_dir(bench.path());
    assert!(gzip.status().unwrap().success());
    let entries: Vec<String> = third(2)
        .iter()
        .map(|resource| format!("{{\"resource\":{resource}}}"))
        .collect();
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{}]}}",
        entries.join(",")
    );
    bench.write("bundle.json", &bundle);
    let readme = page("README.md");
    let unindented: Vec<&str> = readme.lines().map(str::trim_start).collect();
    let mut typed = 0;
    for line in lines_of(&unindented.join("\n"), "sh") {
        let line = line.split(" #").next().unwrap().trim();
        if line.is_empty()
            || NOT_TYPED
                .iter()
                .any(|(begin, _)| line.starts_with(begin) || line == begin.trim())
        {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "claimlake", "{line}");
        typed += 1;
        if words[1] != "sandbox" {
            bench.done(&words[1..]);
            continue;
        }
        // It serves until it is stopped; the port may be taken.
        let mut arguments = words[1..].to_vec();
        arguments.retain(|word| *word != "--listen" && *word != "127.0.0.1:8380");
        arguments.extend(["--listen", "127.0.0.1:0", "--json"]);
        let mut serving = bench.command(&arguments);
        let mut serving = serving
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let stdout = serving.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut first).unwrap();
        serving.kill().unwrap();
        serving.wait().unwrap();
        assert!(first.contains("\"listening\""), "{line}: {first}");
    }
    assert_eq!(typed, 5, "import, transform, load, and two sandboxes");
}

#[test]
fn keys_that_the_pages_show_are_keys() {
    let bench = Bench::new();
    let shown = lines_of(&page("docs/operations.md"), "toml").join("\n");
    assert!(shown.contains("on_revoked"), "{shown}");
    let minimal = "name = 'small'\n[source]\nkind = 'sandbox'\n[transform]\nviews = []\n";
    bench.write("pipeline.toml", &format!("{minimal}{shown}\n"));
    bench.done(&["--pipeline", "pipeline.toml", "status"]);
}

#[test]
fn every_link_of_the_pages_leads_to_a_file() {
    for name in PAGES {
        let text = page(name);
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.starts_with("http") {
                continue;
            }
            assert!(
                repository().join("docs").join(target).exists(),
                "{name}: {target}"
            );
        }
        let readme = page("README.md");
        assert!(
            readme.contains(&format!("]({name})")),
            "the README leads to {name}"
        );
    }
}

#[test]
fn the_exit_codes_of_the_pages_are_those_of_the_help() {
    let help = Bench::new().done(&["--help"]).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in 0..=5 {
        let row = format!("\n| {code} | ");
        assert!(page("docs/operations.md").contains(&row), "{code}");
        let said = [format!("codes: {code} "), format!("· {code} ")];
        assert!(
            said.iter().any(|said| help.contains(said)),
            "{code}: {help}"
        );
    }
}
