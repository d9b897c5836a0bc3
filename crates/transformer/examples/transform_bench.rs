//! Lands a file once and transforms it: `transform_bench VIEWS_DIR INPUT.ndjson DATA_DIR [THREADS]`.
//!
//! The last line prints wall and CPU seconds, rows, rejects and the peak of the memory; a line
//! before it what walking alone costs (`PARSE_ONLY=1`). `claimlake-loader` takes what is staged.
#![allow(
    clippy::print_stdout,
    reason = "an example whose output is what it is for"
)]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use claimlake_contract::{
    BloomColumns, Clock as _, LandingLayout, NoProgress, ResourceType, RunId, SystemClock,
    TableLayout,
};
use claimlake_transformer::{
    ContextColumn, ContextSource, Plan, PlanInput, TransformOptions, ViewText, transform,
};
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::engine::{self, ResourcePlan, ResourceWorker};
use claimlake_viewdef::json::PADDING;

const EOB_TYPE: &str = "type.coding.where(system = 'https://bluebutton.cms.gov/resources/codesystem/eob-type' or system = 'https://bluebutton.cms.gov/fhir/CodeSystem/EOB-TYPE').code.first()";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [views, input, data, rest @ ..] = arguments.as_slice() else {
        return Err("usage: transform_bench VIEWS_DIR INPUT.ndjson DATA_DIR [THREADS]".into());
    };
    let threads = match rest {
        [threads, ..] => Some(threads.parse()?),
        [] => None,
    };
    let data = PathBuf::from(data);
    let views = views_in(views)?;
    if std::env::var_os("PARSE_ONLY").is_some() {
        return parse_only(&views, input);
    }
    let layout = LandingLayout::in_data(&data);
    let mut runs = claimlake_landing::sealed_runs(&layout)?;
    if runs.is_empty() {
        let run = RunId::after(None, SystemClock.now(), 0);
        claimlake_landing::import(&[PathBuf::from(input)], None, &layout, &run, &NoProgress)?;
        runs = claimlake_landing::sealed_runs(&layout)?;
    }
    let plan = Plan::compile(&plan_input(&views)).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })?;
    let staged = data.join("staged");
    if staged.exists() {
        std::fs::remove_dir_all(&staged)?;
    }
    let began = (Instant::now(), cpu_seconds()?);
    let outcome = transform(
        &TransformOptions {
            landed: runs.clone(),
            runs,
            staged,
            run: RunId::after(None, SystemClock.now(), 0),
            full: true,
            form: claimlake_transformer::Form::Files,
            threads,
        },
        &plan,
        &NoProgress,
    )?;
    let wall = began.0.elapsed().as_secs_f64();
    let bytes: u64 = outcome
        .manifest
        .tables
        .iter()
        .flat_map(|table| &table.files)
        .map(|file| file.bytes)
        .sum();
    println!(
        "wall {wall:.2} s, cpu {:.2} s, {} resources, {} rows, {} MB staged, {} rejected, {} cells, peak {} MiB",
        cpu_seconds()? - began.1,
        outcome.manifest.resources,
        outcome.rows(),
        bytes / 1_000_000,
        outcome.manifest.rejected_resources,
        outcome.manifest.rejected_cells,
        peak_mib()?,
    );
    println!("unread paths: {}", outcome.unread.len());
    Ok(())
}

fn parse_only(views: &[ViewText], input: &str) -> Result<(), Box<dyn Error>> {
    let mut definitions = Vec::new();
    for view in views {
        let definition = ViewDefinition::from_text(&view.text)?;
        if definition.resource == "ExplanationOfBenefit" {
            definitions.push((view.place.clone(), definition));
        }
    }
    let plan = ResourcePlan::compile(&engine::PlanInput {
        resource: "ExplanationOfBenefit",
        constants: &[],
        context: &[],
        views: definitions,
        order: None,
        drop_where: None,
    })?;
    let mut worker = ResourceWorker::new(Arc::new(plan), Vec::new(), None);
    let mut buffer = std::fs::read(input)?;
    let length = buffer.len();
    buffer.resize(length + PADDING, b'\n');
    let began = cpu_seconds()?;
    let mut start = 0;
    let mut lines = 0;
    while start < length {
        let end = memchr::memchr(b'\n', &buffer[start..]).map_or(length, |at| start + at);
        std::str::from_utf8(&buffer[start..end])?;
        if worker.walk(&buffer, start).is_err() {
            return Err("a line is not JSON".into());
        }
        lines += 1;
        start = end + 1;
    }
    let seconds = cpu_seconds()? - began;
    println!(
        "parse only: {lines} lines, {:.0} MB per CPU-second",
        length as f64 / 1e6 / seconds
    );
    Ok(())
}

fn plan_input(views: &[ViewText]) -> PlanInput {
    let is_bench = views.iter().any(|view| view.place.contains("header"));
    let path = |name: &str, path: &str| ContextColumn {
        name: name.into(),
        source: ContextSource::Path(path.into()),
    };
    let texts = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
    let context = if is_bench {
        vec![
            path("claim_type", EOB_TYPE),
            ContextColumn {
                name: "year".into(),
                source: ContextSource::YearOf(texts(&["billablePeriod.start"])),
            },
        ]
    } else {
        let starts = [
            "billablePeriod.start",
            "item.first().serviced.ofType(date)",
            "item.first().serviced.ofType(Period).start",
            "preAuthRefPeriod.first().start",
        ];
        let mut years = vec!["billablePeriod.end"];
        years.extend(starts);
        vec![
            path("eob_id", "getResourceKey()"),
            path("patient_id", "patient.getReferenceKey(Patient)"),
            path("last_updated", "meta.lastUpdated"),
            ContextColumn {
                name: "service_date".into(),
                source: ContextSource::DateOf(texts(&starts)),
            },
            path(
                "is_part2_sensitive",
                "meta.security.where(code = '42CFRPart2').exists() or (meta.source != meta.source)",
            ),
            path("eob_type", EOB_TYPE),
            ContextColumn {
                name: "service_year".into(),
                source: ContextSource::YearOf(texts(&years)),
            },
        ]
    };
    let (partition_by, sort_by) = if is_bench {
        (texts(&["claim_type", "year"]), texts(&["eob_id"]))
    } else {
        (
            texts(&["eob_type", "service_year"]),
            texts(&["patient_id", "service_date", "eob_id"]),
        )
    };
    PlanInput {
        views: views.to_vec(),
        context: vec![(ResourceType::explanation_of_benefit(), context)],
        layout: Some(TableLayout {
            partition_by,
            sort_by,
            bloom: BloomColumns(texts(&["eob_id"])),
            ..TableLayout::default()
        }),
        ..PlanInput::default()
    }
}

fn views_in(folder: &str) -> Result<Vec<ViewText>, Box<dyn Error>> {
    let mut views = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            views.push(ViewText {
                place: path.display().to_string(),
                text: std::fs::read_to_string(&path)?,
            });
        }
    }
    views.sort_by(|left, right| left.place.cmp(&right.place));
    Ok(views)
}

/// User and system time of the process, from the kernel's count in hundredths of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |field: usize| {
        fields
            .get(field)
            .map_or(Ok(0.0), |text| text.parse::<f64>())
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn peak_mib() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with("VmHWM"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap_or("0")
        .parse()?;
    Ok(kib / 1024)
}
