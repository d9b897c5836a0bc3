//! The text form of a fault: `KIND[:option=value[,option=value]…]`.

use std::fmt;
use std::str::FromStr;

use super::kind::{FaultKind, NextTrick, RetryAfter, WrongTotal};
use crate::error::SandboxError;

const DAY_SECONDS: u32 = 86_400;

/// A fault as it was asked for, written `KIND[:option=value[,option=value]…]`.
///
#[doc = include_str!("../../FAULTS.md")]
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The share of requests that get it, 0 to 1.
    pub rate: f64,
    /// Which requests.
    pub only: FaultTarget,
    /// Whose requests, by login or patient id.
    pub patient: Option<String>,
    /// How often at most.
    pub count: Option<u64>,
    /// How many requests are let through first.
    pub skip: u64,
}

/// The requests that a fault may apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTarget {
    /// Claims.
    Eob,
    /// Coverage.
    Coverage,
    /// Patient.
    Patient,
    /// Searches.
    Search,
    /// Single reads.
    Read,
    /// Everything under `/fhir/` that carries data.
    Fhir,
    /// The token endpoint.
    Token,
    /// Pages for a browser: authorize, login, consent.
    Login,
    /// Everything but the admin routes.
    All,
}

const TARGETS: [(FaultTarget, &str); 9] = [
    (FaultTarget::Eob, "eob"),
    (FaultTarget::Coverage, "coverage"),
    (FaultTarget::Patient, "patient"),
    (FaultTarget::Search, "search"),
    (FaultTarget::Read, "read"),
    (FaultTarget::Fhir, "fhir"),
    (FaultTarget::Token, "token"),
    (FaultTarget::Login, "login"),
    (FaultTarget::All, "all"),
];

const TRICKS: [(NextTrick, &str); 3] = [
    (NextTrick::Origin, "origin"),
    (NextTrick::UserInfo, "userinfo"),
    (NextTrick::Suffix, "suffix"),
];

const TOTALS: [(WrongTotal, &str); 4] = [
    (WrongTotal::Absent, "none"),
    (WrongTotal::Less, "less"),
    (WrongTotal::More, "more"),
    (WrongTotal::Text, "text"),
];

/// The value of a name, in a table of both.
fn named<T: Copy>(table: &[(T, &'static str)], name: &str) -> Option<T> {
    table.iter().find(|row| row.1 == name).map(|row| row.0)
}

fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    let row = table.iter().find(|row| row.0 == *value);
    row.map_or("", |row| row.1)
}

fn names() -> String {
    FaultKind::names().collect::<Vec<_>>().join(", ")
}

impl FromStr for FaultSpec {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, options) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let unknown = || format!("unknown fault '{name}'; known are {}", names());
        let kind = FaultKind::named(name).ok_or_else(|| SandboxError::Fault(unknown()))?;
        let mut spec = FaultSpec::from(kind);
        for pair in options.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (option, value) = pair.split_once('=').unwrap_or((pair, ""));
            spec.apply(name, option.trim(), value.trim())?;
        }
        Ok(spec)
    }
}

impl From<FaultKind> for FaultSpec {
    fn from(kind: FaultKind) -> Self {
        let only = match kind {
            FaultKind::DenyRefresh
            | FaultKind::RotateThenDeny
            | FaultKind::RotateThen502
            | FaultKind::RotateThenDrop
            | FaultKind::TokenSeconds(_) => FaultTarget::Token,
            _ => FaultTarget::Fhir,
        };
        Self {
            kind,
            rate: 1.0,
            only,
            patient: None,
            count: None,
            skip: 0,
        }
    }
}

impl FaultSpec {
    fn apply(&mut self, kind: &str, option: &str, value: &str) -> Result<(), SandboxError> {
        let wrong = |expected: &str| {
            SandboxError::Fault(format!(
                "the option '{option}' of fault '{kind}' takes {expected}, not '{value}'"
            ))
        };
        let whole = || value.parse::<u32>().map_err(|_| wrong("a whole number"));
        match (option, &mut self.kind) {
            ("rate", _) => self.rate = share(value).ok_or_else(|| wrong("0 to 1 or 0% to 100%"))?,
            ("count", _) => self.count = Some(whole()?.into()),
            ("skip", _) => self.skip = whole()?.into(),
            ("patient", _) => self.patient = Some(value.to_owned()),
            ("only", _) => {
                let expected =
                    "one of eob, coverage, patient, search, read, fhir, token, login, all";
                self.only = named(&TARGETS, value).ok_or_else(|| wrong(expected))?;
            }
            (
                "retry-after",
                FaultKind::TooManyRequests(wait) | FaultKind::RequestsPerSecond(_, wait),
            ) => {
                *wait = retry_after(value)
                    .ok_or_else(|| wrong("seconds, date, date:SECONDS, day or none"))?;
            }
            ("limit", FaultKind::RequestsPerSecond(limit, _)) => *limit = whole()?,
            ("status", FaultKind::Html(status) | FaultKind::Backend(status)) => {
                *status = value
                    .parse()
                    .ok()
                    .filter(|status| (200..600).contains(status))
                    .ok_or_else(|| wrong("a status of 200 to 599"))?;
            }
            ("ms", FaultKind::Slow(ms) | FaultKind::SlowBody(ms)) => *ms = whole()?,
            ("seconds", FaultKind::TokenSeconds(seconds)) => *seconds = whole()?,
            ("form", FaultKind::NextForeign(form)) => {
                *form = named(&TRICKS, value).ok_or_else(|| wrong("origin, userinfo or suffix"))?;
            }
            ("form", FaultKind::Total(form)) => {
                *form = named(&TOTALS, value).ok_or_else(|| wrong("none, less, more or text"))?;
            }
            _ => {
                let own = own_options(self.kind);
                return Err(SandboxError::Fault(format!(
                    "unknown option '{option}' of fault '{kind}'; known are rate, count, skip, \
                     only, patient{own}"
                )));
            }
        }
        Ok(())
    }
}

fn own_options(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::TooManyRequests(_) => ", retry-after",
        FaultKind::RequestsPerSecond(..) => ", limit, retry-after",
        FaultKind::Html(_) | FaultKind::Backend(_) => ", status",
        FaultKind::Slow(_) | FaultKind::SlowBody(_) => ", ms",
        FaultKind::TokenSeconds(_) => ", seconds",
        FaultKind::NextForeign(_) | FaultKind::Total(_) => ", form",
        _ => "",
    }
}

fn share(value: &str) -> Option<f64> {
    let share = match value.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => value.parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

fn retry_after(value: &str) -> Option<RetryAfter> {
    Some(match value {
        "none" => RetryAfter::Absent,
        "day" => RetryAfter::Seconds(DAY_SECONDS),
        "date" => RetryAfter::Date(2),
        _ => match value.strip_prefix("date:") {
            Some(seconds) => RetryAfter::Date(seconds.parse().ok()?),
            None => RetryAfter::Seconds(value.parse().ok()?),
        },
    })
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options: Vec<String> = Vec::new();
        let wait = |wait: RetryAfter| match wait {
            RetryAfter::Absent => "retry-after=none".to_owned(),
            RetryAfter::Seconds(seconds) => format!("retry-after={seconds}"),
            RetryAfter::Date(seconds) => format!("retry-after=date:{seconds}"),
        };
        match self.kind {
            FaultKind::TooManyRequests(after) => options.push(wait(after)),
            FaultKind::RequestsPerSecond(limit, after) => {
                options.push(format!("limit={limit}"));
                options.push(wait(after));
            }
            FaultKind::Html(status) | FaultKind::Backend(status) => {
                options.push(format!("status={status}"));
            }
            FaultKind::Slow(ms) | FaultKind::SlowBody(ms) => options.push(format!("ms={ms}")),
            FaultKind::TokenSeconds(seconds) => options.push(format!("seconds={seconds}")),
            FaultKind::Total(form) => options.push(format!("form={}", name_of(&TOTALS, &form))),
            FaultKind::NextForeign(form) => {
                options.push(format!("form={}", name_of(&TRICKS, &form)));
            }
            _ => {}
        }
        if self.rate < 1.0 {
            options.push(format!("rate={}", self.rate));
        }
        if self.only != FaultSpec::from(self.kind).only {
            options.push(format!("only={}", name_of(&TARGETS, &self.only)));
        }
        if let Some(patient) = &self.patient {
            options.push(format!("patient={patient}"));
        }
        if let Some(count) = self.count {
            options.push(format!("count={count}"));
        }
        if self.skip > 0 {
            options.push(format!("skip={}", self.skip));
        }
        f.write_str(self.kind.name())?;
        if !options.is_empty() {
            write!(f, ":{}", options.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, FaultSpec};
    use crate::error::SandboxErrorKind;

    #[test]
    fn every_known_name_is_understood_and_reads_back_what_it_wrote() {
        for name in FaultKind::names() {
            let spec: FaultSpec = name.parse().unwrap();
            assert_eq!(spec.kind.name(), name);
            assert_eq!(spec.to_string().parse::<FaultSpec>().unwrap(), spec);
        }
        let all = "429:retry-after=date:3,rate=0.25,only=eob,patient=BBUser00001,count=2,skip=1";
        let spec: FaultSpec = all.parse().unwrap();
        assert_eq!(spec.to_string(), all);
        assert_eq!("cut:rate=5%".parse::<FaultSpec>().unwrap().rate, 0.05);
    }

    #[test]
    fn what_is_unknown_is_named_together_with_what_is_known() {
        let unknown = |text: &str| {
            let error = text.parse::<FaultSpec>().unwrap_err();
            assert_eq!(error.kind(), SandboxErrorKind::Settings);
            error.to_string()
        };
        assert!(unknown("flood").contains("unknown fault 'flood'; known are 429, 500"));
        assert!(unknown("cut:ms=1").contains("unknown option 'ms' of fault 'cut'"));
        assert!(unknown("slow:speed=1").contains("patient, ms"));
        assert!(unknown("cut:rate=2").contains("takes 0 to 1 or 0% to 100%, not '2'"));
        assert!(unknown("429:retry-after=soon").contains("seconds, date"));
    }
}
