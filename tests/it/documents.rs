//! The documents say what is there.

use std::fs;

use crate::command::{Bench, repository};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];

#[test]
fn every_link_to_a_file_leads_to_one() {
    for document in DOCUMENTS {
        let text = fs::read_to_string(repository().join(document)).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.starts_with("http") || target.starts_with("mailto:") {
                continue;
            }
            assert!(repository().join(target).exists(), "{document}: {target}");
        }
    }
}

#[test]
fn the_readme_names_every_command_and_no_other() {
    let help = Bench::new().done(&["--help"]).stdout;
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let table = readme
        .split("| command | does |")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .unwrap();
    for command in &listed {
        assert!(
            table.contains(&format!("`{command}`")),
            "{command} is not in the README"
        );
    }
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let names = row.split('|').nth(1).unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            assert!(listed.contains(&name), "there is no command {name}");
        }
    }
}
