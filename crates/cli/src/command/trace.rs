//! `claimlake trace`: from an id in a table back to the raw line, the page and the expressions.

mod key;

use anyhow::anyhow;
use claimlake_contract::{ExitCode, LandingOrigin};
use claimlake_verify::{BodyStatus, LandedBody};
use claimlake_viewdef::definition::{Column, Iteration, Select, ViewDefinition};
use claimlake_viewdef::reference;
use clap::Args;
use serde_json::{Value, json};

use super::transform::plan;
use super::verify;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::nearest;
use crate::plural::counted;

const EXAMPLES: &str = "\
Examples:
  claimlake trace carrier--10045426206                        where it landed, which tables it is in
  claimlake trace carrier--10045426206 --table eob_item       each cell with its FHIRPath
  claimlake trace carrier--10045426206 --body                 the raw resource

What it prints is PHI.";

/// Arguments of `trace`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TraceArguments {
    /// The id of a resource, an eob_id, coverage_id or patient_id, or any id of a patient: MBI, your
    /// external id, the grant's handle; v2: or v3: before an id names the API version
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    key: String,

    /// Show this table's rows, each cell with the expression that made it
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// Print the raw resource, too
    #[arg(long)]
    body: bool,
}

/// A column and where its values come from.
struct Origin<'v> {
    column: &'v Column,
    /// The iterations around it, then its path: `∀item › amount.value`.
    expression: String,
}

/// Traces a resource.
pub(crate) fn run(arguments: &TraceArguments, invocation: &Invocation) -> Outcome {
    let pipeline = invocation.pipeline()?;
    let data = invocation.existing_data()?;
    let input = plan::checked_input(pipeline, invocation.origin())?;
    let mut views = Vec::new();
    for view in &input.views {
        views.push(ViewDefinition::from_text(&view.text).map_err(|error| anyhow!("{error}"))?);
    }
    if let Some(table) = &arguments.table
        && !views.iter().any(|view| view.name.as_ref() == Some(table))
    {
        let names: Vec<&str> = views
            .iter()
            .filter_map(|view| view.name.as_deref())
            .collect();
        let near = nearest(table, &names);
        let near = near.map_or(String::new(), |near| format!(", did you mean '{near}'?"));
        return Err(Failure::usage(anyhow!(
            "no view of the pipeline makes a table '{table}'{near}"
        )));
    }
    let bodies = key::bodies(&arguments.key, &data, &verify::views(&input), invocation)?;
    let output = invocation.output();
    for body in &bodies {
        match output.is_json() {
            true => output.event(&event(body, arguments.body))?,
            false => output.data(&words(body, arguments.body))?,
        }
    }
    let newest = bodies
        .iter()
        .filter(|body| body.status == BodyStatus::Newest);
    for body in newest {
        let resource: Value = serde_json::from_str(&body.text)?;
        for view in views
            .iter()
            .filter(|view| view.resource == body.resource.as_str())
        {
            table(view, &resource, body, arguments, invocation)?;
        }
    }
    output.add_to_summary("bodies", json!(bodies.len()));
    Ok(ExitCode::Done)
}

fn event(body: &LandedBody, with_text: bool) -> Value {
    let mut event = json!(body);
    event["event"] = json!("landed");
    if with_text {
        event["body"] = serde_json::from_str(&body.text).unwrap_or(Value::Null);
    }
    event
}

fn words(body: &LandedBody, with_text: bool) -> String {
    let mut words = format!(
        "{} ({}), landed by {}\n  where     {}, frame {}, line {}\n",
        body.resource, body.api, body.run, body.file, body.frame, body.line
    );
    if let Some(kept_in) = &body.kept_in {
        words.push_str(&format!(
            "  kept in   {}, {} bytes from byte {}\n",
            kept_in.file, kept_in.length, kept_in.offset
        ));
    }
    if let Some(person) = &body.patient {
        words.push_str(&format!(
            "  page      resource {} of {} of grant {}, read in {}, {}\n",
            person.position,
            person.of,
            person.grant,
            counted(person.pages, "page"),
            person.state.as_str(),
        ));
    } else if body.origin == LandingOrigin::Import {
        words.push_str("  page      none: it was imported from a file\n");
    }
    if let Some(last_updated) = &body.last_updated {
        words.push_str(&format!("  updated   {last_updated}\n"));
    }
    words.push_str(match body.status {
        BodyStatus::Newest => "  counts    yes: the tables' rows are made of this body\n",
        BodyStatus::Superseded => {
            "  counts    no: another body is newer, or was there first with the same content\n"
        }
        BodyStatus::Refused => {
            "  counts    no: the views cannot read it, it is among the rejects\n"
        }
        BodyStatus::Gone => "  counts    no: it is no longer at the server\n",
        BodyStatus::LeftOut => {
            "  counts    no rows: the pipeline leaves out what is labelled 42 CFR Part 2\n"
        }
    });
    if let Some(run) = &body.gone_since {
        words.push_str(&format!("  server    no longer there since run {run}\n"));
    }
    if with_text {
        words.push_str(&format!("{}\n", body.text));
    }
    words
}

fn table(
    view: &ViewDefinition,
    resource: &Value,
    body: &LandedBody,
    arguments: &TraceArguments,
    invocation: &Invocation,
) -> Outcome<()> {
    let name = view.name.as_deref().unwrap_or_default();
    let is_wanted = arguments
        .table
        .as_deref()
        .is_none_or(|wanted| wanted == name);
    if !is_wanted {
        return Ok(());
    }
    let resolved = claimlake_verify::resolved(&body.references);
    let evaluation = reference::evaluate_resolved(view, resource, &resolved)
        .map_err(|error| anyhow!("{error}"))?;
    let output = invocation.output();
    let rows = evaluation.rows.len() as u64;
    if arguments.table.is_none() {
        if output.is_json() {
            let event = json!({"event": "table", "api": body.api, "table": name, "rows": rows});
            output.event(&event)?;
        } else if rows > 0 {
            output.data(&format!("  {name:<28} {}\n", counted(rows, "row")))?;
        }
        return Ok(());
    }
    let origins = origins(view);
    for (number, row) in (1_u64..).zip(&evaluation.rows) {
        if !output.is_json() {
            output.data(&format!("{name}, row {number} of {rows}\n"))?;
        }
        for (origin, value) in origins.iter().zip(row) {
            let column = &origin.column.name;
            match output.is_json() {
                true => output.event(&json!({
                    "event": "cell", "api": body.api, "table": name, "row": number, "column": column,
                    "value": value, "type": origin.column.column_type.to_string(),
                    "expression": origin.expression,
                }))?,
                false => {
                    let value = value.to_string();
                    let line = format!("  {column:<28} {value:<24} ← {}\n", origin.expression);
                    output.data(&line)?;
                }
            }
        }
    }
    Ok(())
}

/// The columns in the order of the table. The branches of a union are listed one by one.
fn origins(view: &ViewDefinition) -> Vec<Origin<'_>> {
    let mut found = Vec::new();
    for select in &view.selects {
        collect(select, "", &mut found);
    }
    found
}

fn collect<'v>(select: &'v Select, around: &str, found: &mut Vec<Origin<'v>>) {
    let around = match &select.iteration {
        Iteration::Once => around.to_owned(),
        Iteration::ForEach(path) => format!("{around}∀{} › ", path.source),
        Iteration::ForEachOrNull(path) => format!("{around}∀?{} › ", path.source),
        Iteration::Repeat(paths) => {
            let paths: Vec<&str> = paths.iter().map(|path| path.source.as_str()).collect();
            format!("{around}repeat({}) › ", paths.join(", "))
        }
    };
    found.extend(select.columns.iter().map(|column| Origin {
        column,
        expression: format!("{around}{}", column.path.source),
    }));
    for nested in &select.selects {
        collect(nested, &around, found);
    }
    if let Some(first) = select.union_all.first() {
        let mut branches: Vec<Vec<Origin<'v>>> = Vec::new();
        for branch in &select.union_all {
            let mut columns = Vec::new();
            collect(branch, &around, &mut columns);
            branches.push(columns);
        }
        let mut columns = Vec::new();
        collect(first, &around, &mut columns);
        for (index, mut origin) in columns.into_iter().enumerate() {
            let all = branches.iter().filter_map(|branch| branch.get(index));
            let all: Vec<&str> = all.map(|origin| origin.expression.as_str()).collect();
            origin.expression = format!("one of: {}", all.join(" | "));
            found.push(origin);
        }
    }
}
