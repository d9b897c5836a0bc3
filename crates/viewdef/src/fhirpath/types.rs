//! What is known of FHIR's types without a model: their names, and the few elements whose type decides
//! a result.
//!
//! The crate reads resources of any type and release. A name ending in one of [`CHOICE_TYPES`] may be a
//! choice (<https://hl7.org/fhir/R4/formats.html#choice>); whether an element is declared as one is not
//! known, so a path tries the element first and its choices then.

/// The data types that the name of a choice element may end in, and primitives among them: those of R4,
/// R4B and R5 together (<https://hl7.org/fhir/R4/datatypes.html#open>).
#[rustfmt::skip]
pub const CHOICE_TYPES: &[&str] = &[
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant",
    "integer", "integer64", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt",
    "uri", "url", "uuid", "xhtml", "Address", "Age", "Annotation", "Attachment", "Availability",
    "CodeableConcept", "CodeableReference", "Coding", "ContactDetail", "ContactPoint", "Count",
    "DataRequirement", "Distance", "Dosage", "Duration", "Expression", "ExtendedContactDetail",
    "HumanName", "Identifier", "Meta", "MonetaryComponent", "Money", "ParameterDefinition",
    "Period", "Quantity", "Range", "Ratio", "RatioRange", "Reference", "RelatedArtifact",
    "SampledData", "Signature", "Timing", "TriggerDefinition", "UsageContext",
];

/// How the values of a type look in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// A JSON boolean.
    Boolean,
    /// A JSON number without fraction (`integer64`: or a string of digits).
    Integer,
    /// A JSON number.
    Decimal,
    /// A JSON string that holds text.
    Text,
    /// A JSON string that holds a date, `YYYY[-MM[-DD]]`.
    Date,
    /// A JSON string that holds a date with or without a time.
    DateTime,
    /// A JSON string that holds a time of day.
    Time,
    /// A JSON object.
    Complex,
}

/// How values of a type look in JSON; `System` types are known as well (`Boolean`, `String`).
/// `None` for a lower-case name that is no FHIR primitive.
#[must_use]
pub fn type_kind(type_name: &str) -> Option<TypeKind> {
    Some(match type_name {
        "boolean" | "Boolean" => TypeKind::Boolean,
        "integer" | "integer64" | "positiveInt" | "unsignedInt" | "Integer" | "Long" => {
            TypeKind::Integer
        }
        "decimal" | "Decimal" => TypeKind::Decimal,
        "date" | "Date" => TypeKind::Date,
        "dateTime" | "instant" | "DateTime" => TypeKind::DateTime,
        "time" | "Time" => TypeKind::Time,
        "base64Binary" | "canonical" | "code" | "id" | "markdown" | "oid" | "string" | "uri"
        | "url" | "uuid" | "xhtml" | "String" => TypeKind::Text,
        other if other.starts_with(|first: char| first.is_ascii_uppercase()) => TypeKind::Complex,
        _ => return None,
    })
}

/// The key of a choice element: `value` and `dateTime` give `valueDateTime`.
#[must_use]
pub fn choice_key(element: &str, type_name: &str) -> String {
    let mut key = String::with_capacity(element.len() + type_name.len());
    key.push_str(element);
    let mut letters = type_name.chars();
    key.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    key.push_str(letters.as_str());
    key
}

/// The type that a key names as a choice of an element: `valueDateTime` of `value` is `dateTime`.
#[must_use]
pub fn choice_type_of_key(element: &str, key: &str) -> Option<&'static str> {
    CHOICE_TYPES.get(choice_position(element, key)?).copied()
}

/// The position in [`CHOICE_TYPES`] of what follows `element` in `key`.
pub(crate) fn choice_position(element: &str, key: &str) -> Option<usize> {
    let suffix = key.strip_prefix(element)?;
    let first = suffix.chars().next()?;
    if !first.is_ascii_uppercase() {
        return None;
    }
    CHOICE_TYPES.iter().position(|type_name| {
        type_name.len() == suffix.len()
            && type_name[..1].eq_ignore_ascii_case(&suffix[..1])
            && type_name[1..] == suffix[1..]
    })
}

/// Whether values of a type are also of `wanted`, by FHIR's hierarchy of types and by FHIRPath's
/// System types (<https://hl7.org/fhir/R4/fhirpath.html#types>).
pub(crate) fn is_same_or_narrower(fhir_type: &str, wanted: &str) -> bool {
    let is_system_type = matches!(
        wanted,
        "Boolean" | "String" | "Integer" | "Long" | "Decimal" | "Date" | "DateTime" | "Time"
    );
    if fhir_type == wanted || is_system_type && type_kind(fhir_type) == type_kind(wanted) {
        return true;
    }
    match wanted {
        "string" => matches!(fhir_type, "code" | "id" | "markdown"),
        "uri" => matches!(fhir_type, "canonical" | "oid" | "url" | "uuid"),
        "integer" => matches!(fhir_type, "positiveInt" | "unsignedInt"),
        "Quantity" => matches!(fhir_type, "Age" | "Count" | "Distance" | "Duration"),
        _ => false,
    }
}

/// The other choice types whose values are of the type as well.
pub(crate) fn narrower_types(type_name: &str) -> Vec<&'static str> {
    let types = CHOICE_TYPES.iter().copied();
    types
        .filter(|other| *other != type_name && is_same_or_narrower(other, type_name))
        .collect()
}

/// The type of elements whose name has one type everywhere in FHIR, if the type decides how a value
/// is compared or what its boundaries are (dates and times); `None` for all other names.
#[must_use]
pub fn declared_type_of_element(name: &str) -> Option<&'static str> {
    Some(match name {
        "birthDate" | "approvalDate" | "lastReviewDate" | "statusDate" => "date",
        "openingTime" | "closingTime" | "availableStartTime" | "availableEndTime" => "time",
        // Of appointments and slots they are instants, which are read alike.
        "start" | "end" | "authored" | "authoredOn" | "created" | "received" | "recordedDate"
        | "sent" => "dateTime",
        "lastUpdated" | "recorded" | "issued" => "instant",
        _ => return None,
    })
}
