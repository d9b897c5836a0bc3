//! `claimlake access-log`: what was done to which consent, and whether that is the whole truth.

mod person;
mod users;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use anyhow::anyhow;
use claimlake_contract::ExitCode;
use claimlake_vault::{ACCESS_LOG_FILE, AccessAction, AccessLine, AccessLog, Vault};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::access;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

use users::Users;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button access-log show --patient -20140000008325
  claimlake --pipeline blue_button access-log show | jq -c 'select(.action == \"exported\")'
  claimlake --pipeline blue_button access-log verify";

/// Arguments of `access-log`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AccessLogArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the log, one JSON object a line, as a table on a terminal; people are named by keyed
    /// hashes, and by their grant's handle where it is still here
    Show(ShowArguments),
    /// Check that no line was changed, taken out, put in or cut off
    Verify,
}

#[derive(Debug, Args)]
struct ShowArguments {
    /// Only what was done to this person: patient id (v2:ID and v3:ID name the API version), MBI,
    /// your external id, or the grant's handle; after `forget` by patient id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    patient: Option<String>,
}

/// Shows or checks the log.
pub(crate) fn run(arguments: &AccessLogArguments, invocation: &Invocation) -> Outcome {
    let data = invocation.existing_data()?;
    if !Vault::is_made(data.root()) && !data.root().join(ACCESS_LOG_FILE).exists() {
        // Looking makes no vault and no key.
        tell_empty(invocation);
        return Ok(ExitCode::Done);
    }
    let vault = access::open_vault_to_read(invocation)?;
    let log = vault.access_log();
    match &arguments.action {
        Action::Show(arguments) => show(arguments, &vault, &log, invocation)?,
        Action::Verify => verify(&log, invocation)?,
    }
    Ok(ExitCode::Done)
}

/// A line as it is shown: with the handle of the grant, where that is still here.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    line: AccessLine,
    handle: Option<&'a str>,
}

fn show(
    arguments: &ShowArguments,
    vault: &Vault,
    log: &AccessLog<'_>,
    invocation: &Invocation,
) -> Outcome<()> {
    let output = invocation.output();
    let mut lines = log.lines().map_err(access::vault_failure)?;
    if let Some(wanted) = &arguments.patient {
        let names = person::names_of(wanted, &lines, vault, invocation)?;
        lines.retain(|line| names.contains(&line.grant));
    }
    let mut handles = BTreeMap::new();
    for grant in vault.grants()? {
        let handle = grant.handle.as_str().to_owned();
        handles.insert(vault.pseudonym("grant", &handle), handle.clone());
        handles.insert(vault.access_name(&grant), handle);
    }
    let is_table = !output.is_json() && std::io::stdout().is_terminal();
    let mut users = Users::default();
    let count = lines.len();
    for mut line in lines {
        line.user = line.user.or_else(|| users.name(&line.who));
        let handle = handles.get(&line.grant).map(String::as_str);
        output.data(&match is_table {
            true => row(&line, handle),
            false => format!("{}\n", serde_json::to_string(&Shown { line, handle })?),
        })?;
    }
    output.add_to_summary("lines", json!(count));
    // Whoever reads the log must learn that it has gaps.
    if let Some(problem) = log.verify().map_err(access::vault_failure)?.problem {
        output.warn(&format!(
            "warning: this is not all of it, the access log was touched: {problem}"
        ));
    }
    match (count, &arguments.patient) {
        (0, Some(_)) => output.say(
            "no line of the access log is about that patient (of somebody who was forgotten, ask by \
             patient id)",
        ),
        (0, None) => tell_empty(invocation),
        _ => {}
    }
    Ok(())
}

/// A line of the table: time, user, command, action and grant.
fn row(line: &AccessLine, handle: Option<&str>) -> String {
    let action = serde_json::to_value(line.action).unwrap_or_default();
    let action = action.as_str().unwrap_or_default();
    let user = match &line.user {
        Some(user) => format!("{user} ({})", line.who),
        None => line.who.clone(),
    };
    let about = match (line.action, line.missing, handle) {
        (AccessAction::Gap, Some(missing), _) => missing.to_string(),
        (_, _, Some(handle)) => handle.to_owned(),
        (_, _, None) => line.grant.clone(),
    };
    format!(
        "{:<19.19}Z  {user:<20}  {:<14}  {action:<10}  {about}\n",
        line.at, line.command
    )
}

fn verify(log: &AccessLog<'_>, invocation: &Invocation) -> Outcome<()> {
    let output = invocation.output();
    let check = log.verify().map_err(access::vault_failure)?;
    output.add_to_summary("lines", json!(check.lines));
    output.add_to_summary("gaps", json!(check.gaps));
    output.add_to_summary("newer", json!(check.newer));
    if check.newer > 0 {
        let forgotten = match check.newer_forgotten {
            0 => String::new(),
            count => format!(
                "; they forgot {}, whom the next command that writes refuses again: forget them \
                 again",
                counted(count, "patient")
            ),
        };
        output.warn(&format!(
            "warning: the vault has not noted the last {} of the log: it was put back from a \
             backup, or a command was killed{forgotten}",
            counted(check.newer, "line")
        ));
    }
    if let Some(problem) = check.problem {
        return Err(Failure::from(anyhow!(
            "the access log was touched: {problem}"
        )));
    }
    output.say(&format!("the access log is whole, lines: {}", check.lines));
    Ok(())
}

fn tell_empty(invocation: &Invocation) {
    let output = invocation.output();
    output.add_to_summary("lines", json!(0));
    output.say("the access log is empty: nothing was done to any consent yet");
}

#[cfg(test)]
mod tests {
    use claimlake_vault::AccessLine;
    use serde_json::json;

    use super::row;

    fn line(fields: &serde_json::Value) -> AccessLine {
        let mut line = json!({
            "line": 7, "at": "2026-11-23T16:40:12.345Z", "who": "uid 1000",
            "command": "grants export", "action": "exported", "grant": "a85c7b6a4da5",
            "before": "", "hash": "",
        });
        let given = fields.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(given);
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn a_row_of_the_table_names_user_and_grant_as_far_as_they_are_known() {
        let known = line(&json!({"user": "ops"}));
        assert_eq!(
            row(&known, Some("g04748fdb")),
            "2026-11-23T16:40:12Z  ops (uid 1000)        grants export   exported    g04748fdb\n"
        );
        let unknown = row(&line(&json!({})), None);
        assert!(unknown.contains("  uid 1000  "), "{unknown}");
        assert!(unknown.ends_with("a85c7b6a4da5\n"), "{unknown}");
        let gap = json!({"action": "gap", "missing": {"first": 4, "last": 6}});
        assert!(row(&line(&gap), None).ends_with("gap         lines 4 to 6 are missing\n"));
    }
}
