//! Links within one ExplanationOfBenefit ([FHIR R4](https://hl7.org/fhir/R4/explanationofbenefit.html)).

/// A pointer array of a line (`item`), and the array of the claim whose `sequence` it points to.
pub const SEQUENCE_POINTERS: [(&str, &str); 4] = [
    ("diagnosisSequence", "diagnosis"),
    ("careTeamSequence", "careTeam"),
    ("procedureSequence", "procedure"),
    ("informationSequence", "supportingInfo"),
];

/// The path of the ids that `#` references name ([FHIR R4, contained
/// resources](https://hl7.org/fhir/R4/references.html#contained)).
pub const CONTAINED_ID: [&str; 2] = ["contained", "id"];
