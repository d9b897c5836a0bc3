//! A command line that cannot be parsed: the error is reported in the form that it requests, as far
//! as that can be read.

use std::borrow::Cow;
use std::ffi::OsString;

use claimlake_contract::ExitCode;
use serde_json::{Map, json};

use crate::plain_text;
use crate::record::{self, Level};

/// Which form of output a command line that clap could not parse asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    quiet: bool,
    records: bool,
}

/// `--help` and `--version` are answers; everything else that clap stops at is a usage error.
pub(crate) fn exit(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // The reader may be gone.
        let _ = error.print();
        return ExitCode::Done;
    }
    let form = Form::of(std::env::args_os().skip(1));
    let steering = steering_arguments();
    let text = escaped(error.render().to_string(), &steering);
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    match form {
        Form { records: true, .. } => {
            let mut fields = Map::new();
            fields.insert("exit".into(), json!(ExitCode::Usage.code()));
            write(&record::line(Level::Error, text, fields));
        }
        Form { quiet: true, .. } => write(&format!("error: {}", one_line(text))),
        _ if steering.is_empty() => {
            let _ = error.print();
        }
        _ => write(&format!("error: {}", text.trim_end())),
    }
    ExitCode::Usage
}

/// Arguments that hold what a terminal obeys: names of files, say, that the shell put there.
fn steering_arguments() -> Vec<String> {
    let arguments = std::env::args_os().map(|one| one.to_string_lossy().into_owned());
    let steers = |one: &String| matches!(plain_text::one_line(one), Cow::Owned(_));
    arguments.filter(steers).collect()
}

/// The text with these arguments, and other characters that control a terminal, escaped.
fn escaped(mut text: String, arguments: &[String]) -> String {
    for argument in arguments {
        text = text.replace(argument.as_str(), &plain_text::one_line(argument));
    }
    plain_text::printable(&text).into_owned()
}

/// What is wrong and, where clap knows one, its tip; not how all is used.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_about = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more");
    let said: Vec<&str> = lines.take_while(is_about).collect();
    format!("{} (--help says more)", said.join(" "))
}

impl Form {
    fn of(arguments: impl Iterator<Item = OsString>) -> Self {
        let mut form = Self::default();
        let mut before = String::new();
        for argument in arguments {
            let argument = argument.to_string_lossy().into_owned();
            if argument == "--" {
                break;
            }
            let is_json = before == "--log-format" && argument == "json";
            form.records |= is_json || argument == "--log-format=json";
            // `-qv` is two short flags.
            let short = argument
                .strip_prefix('-')
                .filter(|rest| !rest.starts_with('-'));
            let is_short = |flags: &str| flags.chars().all(|flag| "qv".contains(flag));
            let has_quiet = short.is_some_and(|flags| is_short(flags) && flags.contains('q'));
            form.quiet |= has_quiet || argument == "--quiet";
            before = argument;
        }
        form
    }
}

fn write(line: &str) {
    use std::io::Write as _;
    // If stderr is closed, there is nowhere to report it.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::{Form, one_line};

    #[test]
    fn flags_are_found_in_a_command_line_that_cannot_be_parsed() {
        let quiet = |quiet, records| Form { quiet, records };
        for (line, expected) in [
            ("--bogus run", quiet(false, false)),
            ("run --bogus --log-format json", quiet(false, true)),
            ("--log-format=json rn", quiet(false, true)),
            ("--log-format text rn", quiet(false, false)),
            ("-q --bogus", quiet(true, false)),
            ("-vq --bogus", quiet(true, false)),
            ("--quiet --bogus --log-format json", quiet(true, true)),
            ("forget -- -q --log-format json", quiet(false, false)),
            ("forget -20140000008325q", quiet(false, false)),
        ] {
            let arguments = line.split(' ').map(Into::into);
            assert_eq!(Form::of(arguments), expected, "{line}");
        }
    }

    #[test]
    fn a_usage_error_is_one_line_with_its_tip() {
        let text =
            "unrecognized subcommand 'rn'\n\n  tip: a similar one exists: 'run'\n\nUsage: x\n";
        assert_eq!(
            one_line(text),
            "unrecognized subcommand 'rn' tip: a similar one exists: 'run' (--help says more)"
        );
    }
}
