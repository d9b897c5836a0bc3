//! The faults in force, and which of them a request gets.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::kind::{FaultKind, Stage};
use super::spec::{FaultSpec, FaultTarget};
use crate::http::Request;
use crate::random::share;
use crate::serve::records::Kind;
use crate::service::Service;

/// What is known of a request when a fault is looked for.
#[derive(Debug, Clone)]
pub(crate) struct FaultContext {
    /// Method, path and query: with the patient, what an attempt is counted by.
    key: String,
    /// The targets that a fault may name to be meant for this request.
    targets: Vec<FaultTarget>,
    /// Login and patient ids.
    patient: Vec<String>,
}

impl FaultContext {
    pub(crate) fn of(service: &Service, request: &Request, patient: Option<usize>) -> Self {
        let path = request.path.trim_end_matches('/');
        let query = request.raw_query.as_deref().unwrap_or_default();
        let records = &service.records;
        let names = |patient| {
            vec![
                records.login(patient),
                records.patient_id(patient, ApiVersion::V2),
                records.patient_id(patient, ApiVersion::V3),
            ]
        };
        Self {
            key: format!("{} {path}?{query}", request.method),
            targets: targets(path),
            patient: patient.map(names).unwrap_or_default(),
        }
    }

    fn is_meant(&self, spec: &FaultSpec) -> bool {
        let patient = spec.patient.as_ref();
        self.targets.contains(&spec.only)
            && patient.is_none_or(|patient| self.patient.contains(patient))
    }
}

fn targets(path: &str) -> Vec<FaultTarget> {
    let rest = path.split_once("/fhir/").map(|(_, rest)| rest);
    let (name, is_read) = match rest.map(|rest| (rest, rest.split_once('/'))) {
        Some((_, Some((name, _)))) => (name, true),
        Some((name, None)) => (name, false),
        None => ("", false),
    };
    let mut targets = Vec::new();
    if let Some(kind) = Kind::parse(name) {
        let interaction = if is_read {
            FaultTarget::Read
        } else {
            FaultTarget::Search
        };
        let kind = match kind {
            Kind::ExplanationOfBenefit => FaultTarget::Eob,
            Kind::Coverage => FaultTarget::Coverage,
            Kind::Patient => FaultTarget::Patient,
        };
        targets.extend([kind, interaction, FaultTarget::Fhir]);
    }
    if path.ends_with("/o/token") {
        targets.push(FaultTarget::Token);
    }
    let begins = |prefix| path.starts_with(prefix);
    if path.contains("/o/authorize") || begins("/mymedicare/") || begins("/sso/") {
        targets.push(FaultTarget::Login);
    }
    if !begins("/_sandbox") {
        targets.push(FaultTarget::All);
    }
    targets
}

#[derive(Debug)]
struct Entry {
    spec: FaultSpec,
    injected: u64,
    seen: u64,
    /// For a limit of requests per second: when the current second began, and how many came in it.
    second: Option<(DateTime<Utc>, u32)>,
}

/// The faults in force.
#[derive(Debug)]
pub(crate) struct ActiveFaults {
    seed: u64,
    entries: Vec<Entry>,
    attempts: HashMap<(usize, String), u32>,
    /// How often faults that are no longer in force were applied.
    past: BTreeMap<String, u64>,
}

impl ActiveFaults {
    pub(crate) fn new(seed: u64, specs: Vec<FaultSpec>) -> Self {
        let mut book = Self {
            seed,
            entries: Vec::new(),
            attempts: HashMap::new(),
            past: BTreeMap::new(),
        };
        book.replace(specs);
        book
    }

    /// Puts other faults in force.
    pub(crate) fn replace(&mut self, specs: Vec<FaultSpec>) {
        self.past = self.injected();
        self.attempts.clear();
        self.entries = specs
            .into_iter()
            .map(|spec| Entry {
                spec,
                injected: 0,
                seen: 0,
                second: None,
            })
            .collect();
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = &FaultSpec> {
        self.entries.iter().map(|entry| &entry.spec)
    }

    /// How often each fault was applied.
    pub(crate) fn injected(&self) -> BTreeMap<String, u64> {
        let mut injected = self.past.clone();
        for entry in &self.entries {
            if entry.injected > 0 {
                *injected.entry(entry.spec.to_string()).or_default() += entry.injected;
            }
        }
        injected
    }

    /// The first fault of `stage` that the request gets.
    pub(crate) fn inject(
        &mut self,
        stage: Stage,
        context: &FaultContext,
        now: DateTime<Utc>,
    ) -> Option<FaultKind> {
        let mut indexes = self.of(stage).into_iter();
        let injected = indexes.find(|index| self.is_injected(*index, context, now))?;
        Some(self.entries[injected].spec.kind)
    }

    /// Every fault of `stage` that the request gets.
    pub(crate) fn inject_all(
        &mut self,
        stage: Stage,
        context: &FaultContext,
        now: DateTime<Utc>,
    ) -> Vec<FaultKind> {
        let mut indexes = self.of(stage);
        indexes.retain(|index| self.is_injected(*index, context, now));
        indexes
            .into_iter()
            .map(|index| self.entries[index].spec.kind)
            .collect()
    }

    fn of(&self, stage: Stage) -> Vec<usize> {
        (0..self.entries.len())
            .filter(|index| self.entries[*index].spec.kind.stage() == stage)
            .collect()
    }

    /// How long access tokens live, if a fault sets it.
    pub(crate) fn token_seconds(&self) -> Option<u32> {
        self.specs().find_map(|spec| match spec.kind {
            FaultKind::TokenSeconds(seconds) => Some(seconds),
            _ => None,
        })
    }

    fn is_injected(&mut self, index: usize, context: &FaultContext, now: DateTime<Utc>) -> bool {
        let entry = &mut self.entries[index];
        let spec = &entry.spec;
        if !context.is_meant(spec) {
            return false;
        }
        entry.seen += 1;
        if entry.seen <= spec.skip || spec.count.is_some_and(|count| entry.injected >= count) {
            return false;
        }
        if let FaultKind::RequestsPerSecond(limit, _) = spec.kind {
            let (began, seen) = entry.second.unwrap_or((now, 0));
            let (began, seen) = if (now - began).num_milliseconds() >= 1000 {
                (now, 0)
            } else {
                (began, seen)
            };
            entry.second = Some((began, seen + 1));
            if seen < limit {
                return false;
            }
        } else if spec.rate < 1.0 {
            let patient = context.patient.first().map_or("", String::as_str);
            let key = (index, format!("{patient} {}", context.key));
            let attempt = self.attempts.entry(key).or_default();
            let drawn = share(
                self.seed,
                &[
                    spec.kind.name().as_bytes(),
                    patient.as_bytes(),
                    context.key.as_bytes(),
                    &attempt.to_be_bytes(),
                ],
            );
            *attempt += 1;
            if drawn >= spec.rate {
                return false;
            }
        }
        entry.injected += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{ActiveFaults, FaultContext, Stage};

    fn context(query: &str, login: &str) -> FaultContext {
        FaultContext {
            key: format!("GET /v2/fhir/ExplanationOfBenefit?{query}"),
            targets: super::targets("/v2/fhir/ExplanationOfBenefit"),
            patient: vec![login.to_owned()],
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-24T00:00:00Z".parse().unwrap()
    }

    fn injected(order: &[u32]) -> Vec<u32> {
        let mut book = ActiveFaults::new(9, vec!["503:rate=0.3".parse().unwrap()]);
        let mut injected: Vec<u32> = order
            .iter()
            .filter(|page| {
                let context = context(&format!("startIndex={page}"), "BBUser00000");
                book.inject(Stage::Gate, &context, now()).is_some()
            })
            .copied()
            .collect();
        injected.sort_unstable();
        injected
    }

    #[test]
    fn a_seeded_fault_strikes_the_same_requests_in_any_order() {
        let forwards: Vec<u32> = (0..100).collect();
        let backwards: Vec<u32> = (0..100).rev().collect();
        assert_eq!(injected(&forwards), injected(&backwards));
        assert!((15..45).contains(&injected(&forwards).len()));
    }

    #[test]
    fn a_fault_keeps_to_its_patient_its_skip_and_its_count() {
        let spec = "cut:patient=BBUser00001,skip=1,count=2".parse().unwrap();
        let mut book = ActiveFaults::new(1, vec![spec]);
        let mut inject = |login: &str| {
            book.inject(Stage::Wire, &context("", login), now())
                .is_some()
        };
        assert!(!inject("BBUser00000"));
        let four: Vec<bool> = (0..4).map(|_| inject("BBUser00001")).collect();
        assert_eq!(four, [false, true, true, false]);
    }

    #[test]
    fn a_limit_by_the_second_lets_through_what_it_allows() {
        let mut book = ActiveFaults::new(1, vec!["rps:limit=2".parse().unwrap()]);
        let mut at = |ms: i64| {
            let instant = now() + chrono::TimeDelta::milliseconds(ms);
            book.inject(Stage::Gate, &context("", "x"), instant)
                .is_some()
        };
        assert_eq!([at(0), at(1), at(2), at(1001)], [false, false, true, false]);
    }
}
