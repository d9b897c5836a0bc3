//! Code systems and the codes that claims draw from.

use crate::population::day::Day;

pub(crate) const C4BB_ADJUDICATION: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication";
pub(crate) const C4BB_DISCRIMINATOR: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator";
pub(crate) const C4BB_CARE_TEAM_ROLE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimCareTeamRole";
pub(crate) const C4BB_DIAGNOSIS_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimDiagnosisType";
pub(crate) const C4BB_IDENTIFIER_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType";
pub(crate) const C4BB_SUB_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBInstitutionalClaimSubType";
pub(crate) const C4BB_PAYER_STATUS: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBPayerAdjudicationStatus";
pub(crate) const C4BB_PROCEDURE_TYPE: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBClaimProcedureType";
pub(crate) const C4BB_SUPPORTING_INFO: &str =
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType";
pub(crate) const HL7_ADJUDICATION: &str = "http://terminology.hl7.org/CodeSystem/adjudication";
pub(crate) const HL7_CARE_TEAM_ROLE: &str =
    "http://terminology.hl7.org/CodeSystem/claimcareteamrole";
pub(crate) const HL7_CLAIM_TYPE: &str = "http://terminology.hl7.org/CodeSystem/claim-type";
pub(crate) const HL7_DIAGNOSIS_TYPE: &str =
    "http://terminology.hl7.org/CodeSystem/ex-diagnosistype";
pub(crate) const HL7_IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
pub(crate) const HL7_INFORMATION: &str =
    "http://terminology.hl7.org/CodeSystem/claiminformationcategory";
pub(crate) const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub(crate) const NDC: &str = "http://hl7.org/fhir/sid/ndc";
pub(crate) const ICD10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(crate) const ICD9_CM: &str = "http://hl7.org/fhir/sid/icd-9-cm";
pub(crate) const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
pub(crate) const ICD10_PCS: &str = "http://www.cms.gov/Medicare/Coding/ICD10";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const CPT: &str = "http://www.ama-assn.org/go/cpt";
pub(crate) const HCPCS: &str = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets";
/// The system that version 2 gives all procedure codes of lines.
pub(crate) const HCPCS_V2: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";
pub(crate) const NUBC_REVENUE: &str = "https://www.nubc.org/CodeSystem/RevenueCodes";
pub(crate) const TAXONOMY: &str = "http://nucc.org/provider-taxonomy";

/// A diagnosis: code without a dot, with one, and what it says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Diagnosis {
    pub(crate) bare: &'static str,
    pub(crate) dotted: &'static str,
    pub(crate) display: &'static str,
}

const fn dx(bare: &'static str, dotted: &'static str, display: &'static str) -> Diagnosis {
    Diagnosis {
        bare,
        dotted,
        display,
    }
}

pub(crate) const DIAGNOSES: [Diagnosis; 24] = [
    dx("I10", "I10", "ESSENTIAL (PRIMARY) HYPERTENSION"),
    dx(
        "E119",
        "E11.9",
        "TYPE 2 DIABETES MELLITUS WITHOUT COMPLICATIONS",
    ),
    dx("E785", "E78.5", "HYPERLIPIDEMIA, UNSPECIFIED"),
    dx(
        "J449",
        "J44.9",
        "CHRONIC OBSTRUCTIVE PULMONARY DISEASE, UNSPECIFIED",
    ),
    dx("I509", "I50.9", "HEART FAILURE, UNSPECIFIED"),
    dx(
        "N183",
        "N18.3",
        "CHRONIC KIDNEY DISEASE, STAGE 3 (MODERATE)",
    ),
    dx("M179", "M17.9", "OSTEOARTHRITIS OF KNEE, UNSPECIFIED"),
    dx("I4891", "I48.91", "UNSPECIFIED ATRIAL FIBRILLATION"),
    dx("R0602", "R06.02", "SHORTNESS OF BREATH"),
    dx("Z23", "Z23", "ENCOUNTER FOR IMMUNIZATION"),
    dx(
        "K219",
        "K21.9",
        "GASTRO-ESOPHAGEAL REFLUX DISEASE WITHOUT ESOPHAGITIS",
    ),
    dx(
        "G4733",
        "G47.33",
        "OBSTRUCTIVE SLEEP APNEA (ADULT) (PEDIATRIC)",
    ),
    dx("M545", "M54.5", "LOW BACK PAIN"),
    dx(
        "H2510",
        "H25.10",
        "AGE-RELATED NUCLEAR CATARACT, UNSPECIFIED EYE",
    ),
    dx(
        "F329",
        "F32.9",
        "MAJOR DEPRESSIVE DISORDER, SINGLE EPISODE, UNSPECIFIED",
    ),
    dx("R079", "R07.9", "CHEST PAIN, UNSPECIFIED"),
    dx(
        "N390",
        "N39.0",
        "URINARY TRACT INFECTION, SITE NOT SPECIFIED",
    ),
    dx("J189", "J18.9", "PNEUMONIA, UNSPECIFIED ORGANISM"),
    dx("A419", "A41.9", "SEPSIS, UNSPECIFIED ORGANISM"),
    dx("D649", "D64.9", "ANEMIA, UNSPECIFIED"),
    dx("E039", "E03.9", "HYPOTHYROIDISM, UNSPECIFIED"),
    dx(
        "S72001A",
        "S72.001A",
        "FRACTURE OF UNSPECIFIED PART OF NECK OF RIGHT FEMUR, INITIAL",
    ),
    dx(
        "Z7901",
        "Z79.01",
        "LONG TERM (CURRENT) USE OF ANTICOAGULANTS",
    ),
    dx("R465", "R46.5", "SUSPICIOUSNESS AND MARKED EVASIVENESS"),
];

/// Diagnoses of claims from before October 2015, in the ninth revision.
pub(crate) const OLD_DIAGNOSES: [Diagnosis; 4] = [
    dx("4019", "401.9", "HYPERTENSION NOS"),
    dx("25000", "250.00", "DMII WO CMP NT ST UNCNTR"),
    dx("53081", "530.81", "ESOPHAGEAL REFLUX"),
    dx("2724", "272.4", "HYPERLIPIDEMIA NEC/NOS"),
];

/// The first day of the tenth revision.
const ICD10_BEGINS: Day = Day::of(2015, 10, 1);

/// Whether diagnoses of services up to this day are coded in the ninth revision.
pub(crate) fn is_before_icd10(through: Day) -> bool {
    through < ICD10_BEGINS
}

/// Causes from outside, for institutional claims.
pub(crate) const EXTERNAL_CAUSES: [Diagnosis; 3] = [
    dx("W19XXXA", "W19.XXXA", "UNSPECIFIED FALL, INITIAL ENCOUNTER"),
    dx(
        "Y92009",
        "Y92.009",
        "UNSPECIFIED PLACE IN UNSPECIFIED NON-INSTITUTIONAL RESIDENCE",
    ),
    dx(
        "V0310XA",
        "V03.10XA",
        "PEDESTRIAN ON FOOT INJURED IN COLLISION WITH CAR, INITIAL",
    ),
];

/// Diagnoses of substance use: what 42 CFR Part 2 is about.
pub(crate) const SENSITIVE: [Diagnosis; 3] = [
    dx("F1020", "F10.20", "ALCOHOL DEPENDENCE, UNCOMPLICATED"),
    dx("F1120", "F11.20", "OPIOID DEPENDENCE, UNCOMPLICATED"),
    dx("F1421", "F14.21", "COCAINE DEPENDENCE, IN REMISSION"),
];

/// Procedure codes of lines, and whether they are CPT (else HCPCS level II).
pub(crate) const SERVICES: [(&str, Service); 18] = [
    ("99213", Service::Cpt),
    ("99214", Service::Cpt),
    ("99285", Service::Cpt),
    ("36415", Service::Cpt),
    ("80053", Service::Cpt),
    ("85025", Service::Cpt),
    ("93000", Service::Cpt),
    ("71046", Service::Cpt),
    ("97110", Service::Cpt),
    ("90662", Service::Cpt),
    ("66984", Service::Cpt),
    ("G0008", Service::Hcpcs),
    ("G0439", Service::Hcpcs),
    ("J1885", Service::Hcpcs),
    ("A0428", Service::Hcpcs),
    ("G0299", Service::Hcpcs),
    ("Q5001", Service::Hcpcs),
    ("J2270", Service::Hcpcs),
];

/// Which list a procedure code stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Service {
    #[default]
    Cpt,
    Hcpcs,
}

/// Equipment and supplies.
pub(crate) const EQUIPMENT: [&str; 6] = ["E0601", "E1390", "A4253", "K0001", "L1833", "E0143"];

/// Revenue centres of facility lines; 0001 is the total and written apart.
pub(crate) const REVENUE_CENTERS: [(&str, &str); 10] = [
    ("0120", "ROOM & BOARD - SEMI-PRIVATE TWO BED - GENERAL"),
    ("0250", "PHARMACY - GENERAL CLASSIFICATION"),
    ("0300", "LABORATORY - GENERAL CLASSIFICATION"),
    ("0320", "RADIOLOGY - DIAGNOSTIC - GENERAL CLASSIFICATION"),
    ("0360", "OPERATING ROOM SERVICES - GENERAL CLASSIFICATION"),
    ("0420", "PHYSICAL THERAPY - GENERAL CLASSIFICATION"),
    ("0450", "EMERGENCY ROOM - GENERAL CLASSIFICATION"),
    ("0551", "SKILLED NURSING - VISIT CHARGE"),
    (
        "0636",
        "PHARMACY - EXTENSION OF 025X - DRUGS REQUIRING DETAILED CODING",
    ),
    ("0651", "HOSPICE SERVICE - ROUTINE HOME CARE"),
];

/// Drugs by NDC.
pub(crate) const DRUGS: [(&str, &str); 8] = [
    ("00071015523", "Lipitor - ATORVASTATIN CALCIUM"),
    (
        "00093721410",
        "Metformin Hydrochloride - METFORMIN HYDROCHLORIDE",
    ),
    ("00378180510", "Levothyroxine Sodium - LEVOTHYROXINE SODIUM"),
    ("00185014501", "Lisinopril - LISINOPRIL"),
    ("00003089421", "Eliquis - APIXABAN"),
    ("00088221905", "Lantus - INSULIN GLARGINE"),
    ("00173068220", "Ventolin HFA - ALBUTEROL SULFATE"),
    ("00338004904", "Sodium Chloride - SODIUM CHLORIDE"),
];

/// ICD-10-PCS procedures of stays.
pub(crate) const PROCEDURES: [(&str, &str); 6] = [
    (
        "0SR9019",
        "REPLACEMENT OF RIGHT HIP JOINT WITH METAL SYNTHETIC SUBSTITUTE, CEMENTED",
    ),
    (
        "02703ZZ",
        "DILATION OF CORONARY ARTERY, ONE ARTERY, PERCUTANEOUS APPROACH",
    ),
    (
        "0DJ08ZZ",
        "INSPECTION OF UPPER INTESTINAL TRACT, ENDOSCOPIC",
    ),
    ("5A1D70Z", "PERFORMANCE OF URINARY FILTRATION, INTERMITTENT"),
    (
        "B2111ZZ",
        "FLUOROSCOPY OF MULTIPLE CORONARY ARTERIES USING LOW OSMOLAR CONTRAST",
    ),
    (
        "30233N1",
        "TRANSFUSION OF RED BLOOD CELLS INTO PERIPHERAL VEIN, PERCUTANEOUS",
    ),
];

/// Specialties: Medicare's code, the taxonomy and the name.
pub(crate) const SPECIALTIES: [(&str, &str, &str); 8] = [
    ("11", "207R00000X", "Internal Medicine Physician"),
    ("08", "207Q00000X", "Family Medicine Physician"),
    ("06", "207RC0000X", "Cardiovascular Disease Physician"),
    ("18", "207W00000X", "Ophthalmology Physician"),
    ("41", "152W00000X", "Optometrist"),
    ("30", "2085R0202X", "Diagnostic Radiology Physician"),
    ("65", "225100000X", "Physical Therapist"),
    ("50", "363L00000X", "Nurse Practitioner"),
];

/// Places of service.
pub(crate) const PLACES: [(&str, &str); 6] = [
    (
        "11",
        "Office. Location, other than a hospital, skilled nursing facility (SNF), military treatment facility, community health center, State or local public health clinic, or intermediate care facility (ICF), where the health professional routinely provides health examinations, diagnosis, and treatment of illness or injury on an ambulatory basis.",
    ),
    (
        "12",
        "Home. Location, other than a hospital or other facility, where the patient receives care in a private residence.",
    ),
    (
        "21",
        "Inpatient Hospital. A facility, other than psychiatric, which primarily provides diagnostic, therapeutic (both surgical and nonsurgical), and rehabilitation services by, or under, the supervision of physicians to patients admitted for a variety of medical conditions.",
    ),
    (
        "22",
        "Outpatient Hospital. A portion of a hospital which provides diagnostic, therapeutic (both surgical and nonsurgical), and rehabilitation services to sick or injured persons who do not require hospitalization or institutionalization.",
    ),
    (
        "31",
        "Skilled Nursing Facility. A facility which primarily provides inpatient skilled nursing care and related services to patients who require medical, nursing, or rehabilitative services but does not provide the level of care or treatment available in a hospital.",
    ),
    (
        "81",
        "Independent Laboratory. A laboratory certified to perform diagnostic and/or clinical tests independent of an institution or a physician's office.",
    ),
];

/// Modifiers of lines.
pub(crate) const MODIFIERS: [&str; 6] = ["25", "59", "LT", "RT", "GP", "XU"];

/// States of providers.
pub(crate) const STATES: [&str; 8] = ["CA", "TX", "FL", "NY", "OH", "IL", "VT", "MO"];

/// Names of facilities, as they stand inside a JSON string: one holds quotes, one letters beyond
/// ASCII, one an escaped letter.
pub(crate) const FACILITIES: [&str; 8] = [
    "LAKESIDE GENERAL HOSPITAL",
    "ST. ANNE \\\"ON THE HILL\\\" CLINIC",
    "CLÍNICA SAN JOSÉ DE LA MONTAÑA",
    "O\\u0027BRIEN HOME HEALTH, INC.",
    "COTTONWOOD NURSING & REHABILITATION",
    "PRAIRIE HOSPICE / PALLIATIVE CARE",
    "NORTH FORK IMAGING",
    "BAYVIEW PHARMACY #114",
];

/// Names of practitioners: family, given.
pub(crate) const PRACTITIONERS: [(&str, &str); 8] = [
    ("Ashworth", "Nora"),
    ("Bellweather", "Otis"),
    ("Castañeda", "Pilar"),
    ("Dunmore", "Quentin"),
    ("Eastlake", "Rosa"),
    ("Fairbanks", "Silas"),
    ("Grünewald", "Thea"),
    ("Hollister", "Upton"),
];

/// A ten-digit NPI; its last digit checks the others, as in real ones.
pub(crate) fn npi(provider: u32) -> u64 {
    let first_nine = 199_000_000 + u64::from(provider % 1_000_000);
    let mut sum = 24;
    let mut rest = first_nine;
    for position in 0..9 {
        let digit = rest % 10;
        rest /= 10;
        let doubled = digit * 2;
        sum += if position % 2 == 0 {
            doubled / 10 + doubled % 10
        } else {
            digit
        };
    }
    first_nine * 10 + (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::npi;

    #[test]
    fn an_npi_passes_the_luhn_check_with_its_prefix() {
        for provider in [0, 1, 77, 4_242, 999_999] {
            let digits = format!("80840{}", npi(provider));
            let sum: u32 = digits
                .chars()
                .rev()
                .enumerate()
                .map(|(position, digit)| {
                    let digit = digit.to_digit(10).unwrap();
                    let doubled = if position % 2 == 1 { digit * 2 } else { digit };
                    doubled / 10 + doubled % 10
                })
                .sum();
            assert_eq!(sum % 10, 0, "{digits}");
        }
    }
}
