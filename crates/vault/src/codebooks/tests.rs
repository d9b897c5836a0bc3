//! Tests of codebooks.

use claimlake_contract::{ApiVersion, PatientId, Person};

use super::{Code, PATIENT_CODE, patient_of_code};
use crate::Vault;
use crate::grants::tests::vault;

fn patient(id: &str) -> Option<String> {
    Some(patient_of_code(ApiVersion::V2, &PatientId::new(id)))
}

fn code(kind: &str, value: &str, code: &str, patient: Option<String>) -> Code {
    Code {
        kind: kind.into(),
        value: value.into(),
        code: code.into(),
        patient,
    }
}

fn fill(vault: &Vault, recipient: &str, ending: &str) {
    vault.codebook(recipient).unwrap();
    let codes = [
        code(PATIENT_CODE, "v2/-1", &format!("P1{ending}"), patient("-1")),
        code(PATIENT_CODE, "v2/-2", &format!("P2{ending}"), patient("-2")),
        code("claim", "v2/c-1", &format!("C1{ending}"), patient("-1")),
        code("provider", "1990001004", &format!("N1{ending}"), None),
    ];
    vault.add_codes(recipient, &codes).unwrap();
}

fn kept(vault: &Vault, recipient: &str) -> Vec<String> {
    let codes = vault.codes(recipient).unwrap().into_iter();
    let mut codes: Vec<String> = codes.map(|code| code.code).collect();
    codes.sort();
    codes
}

fn person(id: &str) -> Person {
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new(id)));
    person
}

#[test]
fn a_code_stays_the_first_one_and_each_recipient_has_a_codebook_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let mut vault = vault(&data);
    fill(&vault, "north", "a");
    fill(&vault, "south", "b");
    // Another code for the same is not stored.
    fill(&vault, "north", "z");
    assert_eq!(kept(&vault, "north"), ["C1a", "N1a", "P1a", "P2a"]);
    assert_eq!(kept(&vault, "south"), ["C1b", "N1b", "P1b", "P2b"]);
    assert_eq!(
        vault.codebook("north").unwrap(),
        vault.codebook("north").unwrap()
    );
    assert_ne!(
        vault.codebook("north").unwrap(),
        vault.codebook("south").unwrap()
    );
    // They open with a new key of the vault, too.
    vault
        .rekey(
            Some(&claimlake_contract::Secret::new("7".repeat(64))),
            &mut |_| {},
        )
        .unwrap();
    assert_eq!(kept(&vault, "north"), ["C1a", "N1a", "P1a", "P2a"]);
}

#[test]
fn forgetting_a_person_removes_their_codes_and_notes_the_rows_at_each_place() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    for (recipient, ending) in [("north", "a"), ("south", "b")] {
        fill(&vault, recipient, ending);
    }
    vault.add_copy("/copy/1", "north", "safe-harbor").unwrap();
    vault
        .add_copy("/copy/2", "north", "limited-data-set")
        .unwrap();
    vault.add_copy("/copy/3", "south", "safe-harbor").unwrap();
    vault.remove_person(&person("-1")).unwrap();
    // As after a removal that was interrupted: the second time changes nothing.
    vault.remove_person(&person("-1")).unwrap();
    assert_eq!(kept(&vault, "north"), ["N1a", "P2a"]);
    assert_eq!(kept(&vault, "south"), ["N1b", "P2b"]);
    let open = |vault: &Vault| -> Vec<Vec<String>> {
        let copies = vault.copies().unwrap().into_iter();
        copies.map(|copy| copy.to_remove).collect()
    };
    assert_eq!(open(&vault), [["P1a"], ["P1a"], ["P1b"]]);
    vault.removed_from_copy("/copy/2", &["P1a".into()]).unwrap();
    assert_eq!(
        open(&vault),
        [vec!["P1a".to_owned()], vec![], vec!["P1b".into()]]
    );
    assert!(vault.drop_copy("/copy/1").unwrap());
    assert!(!vault.drop_copy("/copy/1").unwrap());
    assert_eq!(open(&vault), [vec![], vec!["P1b".to_owned()]]);
}

#[test]
fn what_a_code_stands_for_is_sealed_in_the_file_and_hidden_in_words() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(&data);
    let secret = code("provider", "1990001004", "N-secret-code", patient("-2014"));
    vault.codebook("north").unwrap();
    vault
        .add_codes("north", std::slice::from_ref(&secret))
        .unwrap();
    drop(vault);
    for file in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for word in ["1990001004", "N-secret-code", "-2014"] {
            let found = bytes.windows(word.len()).any(|at| at == word.as_bytes());
            assert!(!found, "{word}");
        }
    }
    assert_eq!(format!("{secret:?}"), "Code(provider, redacted)");
}
