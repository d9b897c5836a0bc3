#![doc = include_str!("../README.md")]

mod api_version;
mod content_hash;
mod member;
mod patient;
mod reference;
mod release;
mod strings;

pub use api_version::api_version_of;
pub use content_hash::content_hash;
pub use member::{id_hash, quoted_id, resource_id, text_member};
pub use patient::{
    PatientNames, SUBSCRIBER_SYSTEM, each_patient_named, is_about, mentions, names_another_patient,
    names_its_patient, patient_names, patients_named, personal_identifiers,
};
pub use reference::{
    ReferenceForm, ReferenceQuery, Subject, TARGET_TYPES, contained_identifiers, identifier_of,
    identifiers_of, may_hold_others, named_identifiers, normalized_url, patient_in_reference,
    reference_form, reference_texts, subject_member, subject_of, target_type,
};
pub use release::{NotR4, OtherRelease, landed_not_r4, not_r4};
