//! How a request that failed is described: which request, why, how often it was tried and for how
//! long. No id, token or query is ever part of it.

use std::fmt;
use std::time::Duration;

use claimlake_contract::ResourceType;

/// Causes that are named one by one.
const NAMED: usize = 3;

/// Names a request without naming the patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestName<'a> {
    pub(crate) resource: &'a ResourceType,
    /// Which part of that type, if it is requested in parts.
    pub(crate) part: Option<&'static str>,
    pub(crate) offset: u64,
    pub(crate) page_size: u32,
}

/// Why a patient, or part of one, was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// All that is known.
    pub(crate) text: String,
    /// Only the cause: the same for all patients who failed because of it.
    pub(crate) cause: String,
}

/// What went wrong with each try of one request.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// In the order in which they first came.
    causes: Vec<(String, u32)>,
    count: u32,
}

impl Tries {
    pub(crate) fn failed(&mut self, cause: impl Into<String>) {
        let cause = cause.into();
        self.count += 1;
        match self.causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, times)) => *times += 1,
            None => self.causes.push((cause, 1)),
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The reason after the last try; `elapsed` since the first was sent.
    pub(crate) fn reason(&self, name: RequestName<'_>, elapsed: Duration, more: &str) -> Reason {
        let is_mixed = self.causes.len() > 1;
        let with_times = |(cause, times): &(String, u32)| match is_mixed {
            true => format!("{cause} ({})", many(*times)),
            false => cause.clone(),
        };
        let causes = list(self.causes.iter().map(with_times));
        let tried = match self.count {
            1 => String::new(),
            _ => format!(", tried {} in {}", many(self.count), Seconds(elapsed)),
        };
        let mut kinds: Vec<&String> = self.causes.iter().map(|(cause, _)| cause).collect();
        kinds.sort();
        Reason {
            text: format!("{name}: {causes}{tried}{more}"),
            cause: list(kinds.into_iter().cloned()),
        }
    }
}

/// The first few, and how many others there are.
fn list(all: impl ExactSizeIterator<Item = String>) -> String {
    let others = all.len().saturating_sub(NAMED);
    let named: Vec<String> = all.take(NAMED).collect();
    let mut text = named.join(", ");
    if others > 0 {
        text.push_str(&format!(", and {others} other causes"));
    }
    text
}

fn many(times: u32) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{times} times"),
    }
}

/// Whole seconds from ten on.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

impl Reason {
    /// Adds what the cause means.
    pub(crate) fn add(&mut self, meaning: &str) {
        self.text.push_str(meaning);
        self.cause.push_str(meaning);
    }

    /// Of one answer to a request.
    pub(crate) fn of(name: RequestName<'_>, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self {
            text: format!("{name}: {cause}"),
            cause,
        }
    }
}

/// Several reasons as one: the first few, each text and each cause once.
pub(crate) fn all_of(reasons: Vec<Reason>) -> Reason {
    let mut causes: Vec<String> = reasons.iter().map(|reason| reason.cause.clone()).collect();
    causes.sort();
    causes.dedup();
    let mut texts: Vec<String> = Vec::new();
    for reason in reasons {
        // A cause that concerns all requests, such as a missing access token, names none of them.
        if !texts.contains(&reason.text) {
            texts.push(reason.text);
        }
    }
    let others = texts.len().saturating_sub(NAMED);
    let mut text = texts[..texts.len() - others].join("; ");
    if others > 0 {
        text.push_str(&format!("; and {others} other requests"));
    }
    Reason {
        text,
        cause: list(causes.into_iter()),
    }
}

impl From<String> for Reason {
    /// A reason that is the same for all patients.
    fn from(text: String) -> Self {
        Self {
            cause: text.clone(),
            text,
        }
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for RequestName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {}", self.resource)?;
        if let Some(part) = self.part {
            write!(f, " ({part})")?;
        }
        write!(f, " from offset {}, {} a page", self.offset, self.page_size)
    }
}

#[cfg(test)]
mod tests;
