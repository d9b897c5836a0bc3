//! The codes and names that beneficiaries and claims draw from, read from `templates/vocabulary.txt`.

use std::sync::LazyLock;

use crate::population::day::Day;

pub(crate) const C4BB_DIAGNOSIS_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimDiagnosisType";
pub(crate) const HL7_DIAGNOSIS_TYPE: &str =
    "http://terminology.hl7.org/CodeSystem/ex-diagnosistype";
pub(crate) const ICD10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(crate) const ICD9_CM: &str = "http://hl7.org/fhir/sid/icd-9-cm";

/// The first day of the tenth revision.
const ICD10_BEGINS: Day = Day::of(2015, 10, 1);

/// Whether diagnoses of services up to this day are coded in the ninth revision.
pub(crate) fn is_before_icd10(through: Day) -> bool {
    through < ICD10_BEGINS
}

static FILE: &str = include_str!("../templates/vocabulary.txt");

type Text = &'static str;

/// A code and its display text.
pub(crate) type Code = (Text, Text);

/// A diagnosis: its code without a dot and with one, and the display text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Diagnosis {
    pub(crate) bare: Text,
    pub(crate) dotted: Text,
    pub(crate) display: Text,
}

/// A race as Medicare codes it and as the category of the Office of Management and Budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Race {
    pub(crate) medicare: Code,
    pub(crate) omb: Code,
}

/// What a line of the file becomes.
trait Row: Sized {
    /// Nothing where the columns are not those of the row.
    fn of(columns: &[Text]) -> Option<Self>;
}

macro_rules! rows_of {
    ($($columns:pat => $row:ty: $made:expr;)*) => {
        $(impl Row for $row {
            fn of(columns: &[Text]) -> Option<Self> {
                let $columns = *columns else { return None };
                Some($made)
            }
        })*
    };
}

rows_of! {
    [only] => Text: only;
    [code, display] => Code: (code, display);
    [one, two, three] => (Text, Text, Text): (one, two, three);
    [bare, dotted, display] => Diagnosis: Diagnosis { bare, dotted, display };
    [weight, code, display] => (u32, Code): (weight.parse().ok()?, (code, display));
    [state, city, zip] => (Text, Text, u32): (state, city, zip.parse().ok()?);
    [weight, code, display, omb_code, omb_display] => (u32, Race): (
        weight.parse().ok()?,
        Race { medicare: (code, display), omb: (omb_code, omb_display) },
    );
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
        $(pub(crate) static $name: LazyLock<Vec<$row>> = LazyLock::new(|| rows($section));)*

        /// How many rows each table has, to be compared with the file.
        #[cfg(test)]
        fn lengths() -> Vec<(&'static str, usize)> {
            vec![$(($section, $name.len())),*]
        }
    };
}

// Where a row is more than a code and its display, the file says what its columns are.
tables! {
    ADMISSION_TYPES: (u32, Code) = "admission types";
    BETOS: Code = "betos";
    BILL_FREQUENCIES: Code = "bill frequencies";
    BLOOD_TESTS: Code = "blood tests";
    CLAIM_DENIALS: (u32, Code) = "claim denials";
    DIAGNOSES: Diagnosis = "diagnoses";
    DIAGNOSIS_RELATED_GROUPS: Text = "diagnosis related groups";
    DRUGS: Code = "drugs";
    DUAL_ELIGIBILITY: (u32, Code) = "dual eligibility";
    EMERGENCY_CENTERS: Code = "revenue centers of emergencies";
    EMERGENCY_SERVICES: Code = "emergency services";
    EQUIPMENT: Code = "equipment";
    EXTERNAL_CAUSES: Diagnosis = "external causes";
    FACILITIES: Text = "facilities";
    FAMILY_NAMES: Text = "family names";
    HMO_INDICATORS_OF_MEMBERS: (u32, Code) = "hmo indicators of members";
    HMO_INDICATORS_OF_OTHERS: (u32, Code) = "hmo indicators of others";
    HOMES: (Text, Text, u32) = "homes";
    LINE_DENIALS: (u32, Code) = "line denials";
    LONG_CARE_CENTERS: Code = "revenue centers of long care";
    MIDDLE_NAMES: Text = "middle names";
    MODIFIERS: Code = "modifiers";
    NAMES_OF_MEN: Text = "names of men";
    NAMES_OF_WOMEN: Text = "names of women";
    NONPAYMENT_REASONS: (u32, Code) = "reasons for nonpayment";
    OLD_DIAGNOSES: Diagnosis = "diagnoses before icd-10";
    OLD_EXTERNAL_CAUSES: Diagnosis = "external causes before icd-10";
    OTHER_PAID_LINES: (u32, Code) = "other paid lines";
    PLACES: Code = "places";
    PRACTITIONERS: Code = "practitioners";
    PROCEDURES: Code = "procedures";
    RACES: (u32, Race) = "races";
    REVENUE_CENTERS: Code = "revenue centers";
    SENSITIVE: Diagnosis = "sensitive diagnoses";
    SERVICES: Code = "services";
    SPECIALTIES: (Text, Text, Text) = "specialties";
    STATES: Text = "states";
    STAY_ENDINGS: (u32, Code) = "stay endings";
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
