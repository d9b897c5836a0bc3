#![doc = include_str!("../README.md")]

mod api_version;
pub mod claim_links;
mod content_hash;
mod identifier;
mod member;
mod patient;
mod reference;
mod release;
mod strings;
mod subject;

pub use api_version::api_version_of;
pub use content_hash::content_hash;
pub use identifier::{PERSONAL_SYSTEMS, identifier_of, identifiers_of, is_personal};
pub use member::{id_hash, quoted_id, resource_id, text_member};
pub use patient::{
    PatientNames, SUBSCRIBER_SYSTEM, each_patient_named, is_about, mentions, names_another_patient,
    names_its_patient, patient_names, patients_named, personal_identifiers,
};
pub use reference::{ReferenceForm, ReferenceQuery, normalized_url, reference_form};
pub use release::{NotR4, OtherRelease, landed_not_r4, not_r4};
pub use subject::{
    Subject, TARGET_TYPES, contained_identifiers, has_patient, may_have_other_references,
    named_identifiers, patient_in_reference, reference_texts, subject_member, subject_of,
    target_type,
};
