//! Ways to name a patient, and what each of them comes to.

use super::{BY_MBI, MBI, ONE, TWO, bundle, by, claim, patient};

/// What a case is called, its files, the patients its claims are resolved to (empty: not resolved),
/// and what is counted as without a patient.
pub(super) type Case = (
    &'static str,
    Vec<String>,
    &'static [&'static str],
    &'static [(&'static str, u64)],
);

pub(super) fn cases() -> Vec<Case> {
    let p = || patient("p1", MBI);
    vec![
        (
            "a uuid",
            vec![bundle(&[(ONE, p()), ("", by(ONE))])],
            &["p1"],
            &[],
        ),
        (
            "the patient after the claim",
            vec![bundle(&[("", by(ONE)), (ONE, p())])],
            &["p1"],
            &[],
        ),
        (
            "a uuid in capitals",
            vec![bundle(&[
                (&ONE.replace("0b6e3f0c", "0B6E3F0C"), p()),
                ("", by(ONE)),
            ])],
            &["p1"],
            &[],
        ),
        (
            "an oid",
            vec![bundle(&[("urn:oid:1.2.3", p()), ("", by("urn:oid:1.2.3"))])],
            &["p1"],
            &[],
        ),
        (
            "an address without a type",
            vec![bundle(&[
                ("http://a.example/x/77", p()),
                ("", by("http://a.example/x/77")),
            ])],
            &["p1"],
            &[],
        ),
        (
            "an address without a type that nothing has",
            vec![bundle(&[
                ("http://a.example/x/77", p()),
                ("", by("http://a.example/x/78")),
            ])],
            &[""],
            &[("not_found", 1)],
        ),
        (
            "another file, by id",
            vec![bundle(&[("", by(ONE))]), patient(&ONE[9..], MBI)],
            &["0b6e3f0c-1111-4222-8333-444455556666"],
            &[],
        ),
        (
            "two Bundles that give one uuid to two patients",
            vec![
                bundle(&[(ONE, p()), ("", by(ONE))]),
                bundle(&[(ONE, patient("p2", "")), ("", by(ONE))]),
            ],
            &["p1", "p2"],
            &[],
        ),
        (
            "a third Bundle that names it",
            vec![
                bundle(&[(ONE, p())]),
                bundle(&[(ONE, patient("p2", ""))]),
                by(ONE),
            ],
            &[""],
            &[("ambiguous", 1)],
        ),
        (
            "one uuid twice in a Bundle",
            vec![bundle(&[
                (ONE, p()),
                (ONE, patient("p2", "")),
                ("", by(ONE)),
            ])],
            &[""],
            &[("ambiguous", 1)],
        ),
        (
            "one uuid of two bodies of one patient",
            vec![bundle(&[
                (ONE, p()),
                (ONE, patient("p1", "")),
                ("", by(ONE)),
            ])],
            &["p1"],
            &[],
        ),
        (
            "an identifier",
            vec![bundle(&[("", p()), ("", by(BY_MBI))])],
            &["p1"],
            &[],
        ),
        (
            "an identifier in any system",
            vec![bundle(&[
                ("", p()),
                ("", by("Patient?identifier=1S00E00AA32")),
            ])],
            &["p1"],
            &[],
        ),
        (
            "an identifier in no system",
            vec![bundle(&[
                ("", p()),
                ("", by("Patient?identifier=|1S00E00AA32")),
            ])],
            &[""],
            &[("not_found", 1)],
        ),
        (
            "another system that holds the letters",
            vec![bundle(&[
                (
                    "",
                    patient(
                        "p1",
                        r#"{"system":"https://columbia.example/mrn","value":"1S00E00AA32"}"#,
                    ),
                ),
                ("", by(BY_MBI)),
            ])],
            &[""],
            &[("not_found", 1)],
        ),
        (
            "an identifier of two patients",
            vec![bundle(&[
                ("", p()),
                ("", patient("p2", MBI)),
                ("", by(BY_MBI)),
            ])],
            &[""],
            &[("ambiguous", 1)],
        ),
        (
            "a parameter that is not understood",
            vec![bundle(&[
                ("", p()),
                ("", by(&format!("{BY_MBI}&active=true"))),
            ])],
            &[""],
            &[("not_found", 1)],
        ),
        (
            "a logical reference",
            vec![bundle(&[
                ("", p()),
                (
                    "",
                    claim("e", &format!(r#"{{"type":"Patient","identifier":{MBI}}}"#)),
                ),
            ])],
            &["p1"],
            &[],
        ),
        (
            "a uuid that nobody has, and an identifier",
            vec![bundle(&[
                ("", p()),
                (
                    "",
                    claim(
                        "e",
                        &format!(r#"{{"reference":"{TWO}","identifier":{MBI}}}"#),
                    ),
                ),
            ])],
            &["p1"],
            &[],
        ),
        (
            "a contained patient",
            vec![bundle(&[
                ("", p()),
                (
                    "",
                    format!(
                        r##"{{"resourceType":"ExplanationOfBenefit","id":"e","contained":[{}],"patient":{{"reference":"#c"}}}}"##,
                        patient("c", MBI)
                    ),
                ),
            ])],
            &["p1"],
            &[],
        ),
        (
            "a contained patient that nobody is",
            vec![format!(
                r##"{{"resourceType":"ExplanationOfBenefit","id":"e","contained":[{}],"patient":{{"reference":"#c"}}}}"##,
                patient("c", MBI)
            )],
            &[""],
            &[("not_found", 1)],
        ),
        (
            "a plain reference",
            vec![bundle(&[
                ("", p()),
                ("", by("Patient/p1")),
                ("", by("https://h.example/fhir/Patient/p1/_history/2")),
            ])],
            &["", ""],
            &[],
        ),
        (
            "an address that a Bundle gives to another id",
            vec![bundle(&[
                ("https://h.example/fhir/Patient/9", p()),
                (
                    "https://h.example/fhir/ExplanationOfBenefit/e",
                    by("Patient/9"),
                ),
            ])],
            &["p1"],
            &[],
        ),
        (
            "a patient who is nowhere",
            vec![by("Patient/p1")],
            &[""],
            &[("not_here", 1)],
        ),
        (
            "no patient at all",
            vec![claim("e", "{}")],
            &[""],
            &[("no_reference", 1)],
        ),
        (
            "a patient without an id",
            vec![bundle(&[
                (ONE, r#"{"resourceType":"Patient"}"#.into()),
                ("", by(ONE)),
            ])],
            &[""],
            &[("no_id", 1)],
        ),
        (
            "a uuid of something else",
            vec![bundle(&[
                (ONE, r#"{"resourceType":"Organization","id":"o"}"#.into()),
                ("", by(ONE)),
            ])],
            &[""],
            &[("not_found", 1)],
        ),
    ]
}
