//! The summary that a stage prints at its end: a few lines of text, or fields with `--json`.

use std::time::Instant;

use claimlake_contract::ExitCode;
use serde_json::{Value, json};

use crate::invocation::Invocation;
use crate::output::Output;
use crate::plain_text::one_line;
use crate::plural;

/// The summary of one stage, collected while it runs.
#[derive(Debug)]
pub(crate) struct StageSummary {
    stage: &'static str,
    began: Instant,
    lines: Vec<(String, String)>,
    fields: serde_json::Map<String, Value>,
    /// Labels of lines that are printed even with `--quiet`.
    urgent: &'static [&'static str],
}

impl StageSummary {
    /// Starts the summary, and the measurement of time.
    pub(crate) fn begin(stage: &'static str) -> Self {
        Self {
            stage,
            began: Instant::now(),
            lines: Vec::new(),
            fields: serde_json::Map::new(),
            urgent: &[],
        }
    }

    /// Lines with these labels, and those without a label below them, are printed even with `--quiet`.
    pub(crate) fn urgent(&mut self, labels: &'static [&'static str]) -> &mut Self {
        self.urgent = labels;
        self
    }

    /// Adds a line of text with a label.
    pub(crate) fn line(&mut self, label: &str, text: impl Into<String>) -> &mut Self {
        self.lines.push((label.into(), text.into()));
        self
    }

    /// Adds a line with a count, unless the count is 0.
    pub(crate) fn some(&mut self, label: &str, count: u64, thing: &str, words: &str) -> &mut Self {
        match count {
            0 => self,
            _ => self.line(label, format!("{} {words}", plural::counted(count, thing))),
        }
    }

    /// Names a command to run next, unless it runs automatically; several are listed in order.
    pub(crate) fn next(&mut self, invocation: &Invocation, command: &str) -> &mut Self {
        if invocation.is_chained() {
            return self;
        }
        let is_first = self.lines.iter().all(|(label, _)| label != "next");
        self.line(if is_first { "next" } else { "" }, invocation.next(command))
    }

    /// Adds a field for `--json`.
    pub(crate) fn field(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.fields.insert(key.into(), value.into());
        self
    }

    /// Prints the summary: `headline` first, then the lines.
    pub(crate) fn tell(&mut self, invocation: &Invocation, headline: &str) {
        let took = self.began.elapsed();
        let output = invocation.output();
        let mut words = format!("{:<10} {headline} in {}", self.stage, plural::seconds(took));
        for (label, text) in &self.lines {
            words.push_str(&format!("\n  {label:<9} {}", one_line(text)));
        }
        self.fields
            .insert("seconds".into(), json!(took.as_secs_f64()));
        output.say_with(&words, self.record_fields());
        if output.is_quiet() {
            self.tell_urgent(output);
        }
        output.add_to_summary(self.stage, Value::Object(std::mem::take(&mut self.fields)));
    }

    /// The fields of a record on stderr: those that are of a known length.
    fn record_fields(&self) -> serde_json::Map<String, Value> {
        let mut fields = self.fields.clone();
        fields.retain(|_, value| !value.is_array() && !value.is_object() && !value.is_null());
        fields.insert("stage".into(), json!(self.stage));
        fields
    }

    fn tell_urgent(&self, output: &Output) {
        let mut is_urgent = false;
        for (label, text) in &self.lines {
            if !label.is_empty() {
                is_urgent = self.urgent.contains(&label.as_str());
            }
            if is_urgent {
                output.warn(&format!("  {label:<9} {text}"));
            }
        }
    }
}

/// The exit code if `rejected` of `all` records were rejected.
pub(crate) fn reject_exit(rejected: u64, all: u64, max_share: f64) -> ExitCode {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no exact counts")]
    let too_many = rejected as f64 > max_share * all as f64;
    if too_many {
        ExitCode::Rejected
    } else {
        ExitCode::Done
    }
}
