//! The codes that claims draw from, read from `templates/vocabulary.txt`.

use std::sync::LazyLock;

use crate::population::day::Day;

pub(super) const C4BB_DIAGNOSIS_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimDiagnosisType";
pub(super) const HL7_DIAGNOSIS_TYPE: &str =
    "http://terminology.hl7.org/CodeSystem/ex-diagnosistype";
pub(super) const ICD10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(super) const ICD9_CM: &str = "http://hl7.org/fhir/sid/icd-9-cm";

/// The first day of the tenth revision.
const ICD10_BEGINS: Day = Day::of(2015, 10, 1);

/// Whether diagnoses of services up to this day are coded in the ninth revision.
pub(super) fn is_before_icd10(through: Day) -> bool {
    through < ICD10_BEGINS
}

static FILE: &str = include_str!("../../templates/vocabulary.txt");

type Text = &'static str;

/// A diagnosis: code without a dot, with one, and what it says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Diagnosis {
    pub(super) bare: Text,
    pub(super) dotted: Text,
    pub(super) display: Text,
}

/// What a line of the file becomes.
trait Row: Sized {
    /// Nothing where there are more or fewer columns.
    fn of(columns: &[Text]) -> Option<Self>;
}

impl Row for Text {
    fn of(columns: &[Text]) -> Option<Self> {
        <[Text; 1]>::try_from(columns).ok().map(|[only]| only)
    }
}

impl Row for (Text, Text) {
    fn of(columns: &[Text]) -> Option<Self> {
        <[Text; 2]>::try_from(columns).ok().map(Into::into)
    }
}

impl Row for (Text, Text, Text) {
    fn of(columns: &[Text]) -> Option<Self> {
        <[Text; 3]>::try_from(columns).ok().map(Into::into)
    }
}

impl Row for Diagnosis {
    fn of(columns: &[Text]) -> Option<Self> {
        Row::of(columns).map(|(bare, dotted, display)| Self {
            bare,
            dotted,
            display,
        })
    }
}

/// The rows of a section of the file.
fn rows<R: Row>(section: &str) -> Vec<R> {
    let lines = FILE.lines().map(str::trim);
    let is_heading = |line: &str| line.starts_with('[');
    lines
        .skip_while(|line| !(is_heading(line) && line.trim_matches(['[', ']']) == section))
        .skip(1)
        .take_while(|line| !is_heading(line))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| R::of(&line.split('|').map(str::trim).collect::<Vec<_>>()))
        .collect()
}

macro_rules! tables {
    ($($name:ident: $row:ty = $section:literal;)*) => {
        $(pub(super) static $name: LazyLock<Vec<$row>> = LazyLock::new(|| rows($section));)*

        /// How many rows each table has, to be compared with the file.
        #[cfg(test)]
        fn lengths() -> Vec<(&'static str, usize)> {
            vec![$(($section, $name.len())),*]
        }
    };
}

// Where a row is more than a code and its display, the file says what its columns are.
tables! {
    BETOS: (Text, Text) = "betos";
    BLOOD_TESTS: (Text, Text) = "blood tests";
    DIAGNOSES: Diagnosis = "diagnoses";
    DIAGNOSIS_RELATED_GROUPS: Text = "diagnosis related groups";
    DISCHARGES: (Text, Text) = "discharge status";
    DRUGS: (Text, Text) = "drugs";
    EQUIPMENT: (Text, Text) = "equipment";
    EXTERNAL_CAUSES: Diagnosis = "external causes";
    FACILITIES: Text = "facilities";
    MODIFIERS: (Text, Text) = "modifiers";
    OLD_DIAGNOSES: Diagnosis = "diagnoses before icd-10";
    PLACES: (Text, Text) = "places";
    PRACTITIONERS: (Text, Text) = "practitioners";
    PROCEDURES: (Text, Text) = "procedures";
    REVENUE_CENTERS: (Text, Text) = "revenue centers";
    SENSITIVE: Diagnosis = "sensitive diagnoses";
    SERVICES: (Text, Text) = "services";
    SPECIALTIES: (Text, Text, Text) = "specialties";
    STATES: Text = "states";
}

#[cfg(test)]
mod tests {
    use super::{FILE, lengths};

    #[test]
    fn every_line_of_the_file_is_a_row_of_a_table() {
        let is_row = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
        let read: usize = lengths().iter().map(|(_, length)| length).sum();
        assert_eq!(read, FILE.lines().filter(is_row).count());
        for (section, length) in lengths() {
            assert!(length > 1, "{section}");
        }
    }
}
