//! A truth written by hand: claims as texts of facts, and who is whom.

use super::{Candidate, FactRule, Pair, Pairing, Turn, pair};
use crate::rules::Confidence;

/// Places of facts: `same`, `one_of`, `not_different`, `at_most_one_different`.
type Places = [&'static [usize]; 4];

/// Facts: type, control number, dates, charge, NPI, CCN.
const RULES: &[(Confidence, Places)] = &[
    (
        Confidence::Certain,
        [&[0, 1, 2], &[3, 4, 5], &[3, 4, 5], &[]],
    ),
    (Confidence::Likely, [&[0, 2, 3, 4], &[], &[1, 5], &[]]),
    (Confidence::Likely, [&[0, 2, 3, 5], &[], &[1, 4], &[]]),
    (Confidence::Likely, [&[0, 1, 2], &[], &[], &[3, 4, 5]]),
];

fn rules() -> Vec<FactRule> {
    let rule = |(confidence, places): &(Confidence, Places)| {
        let [same, one_of, not_different, at_most_one_different] = places.map(<[usize]>::to_vec);
        FactRule {
            confidence: *confidence,
            same,
            one_of,
            not_different,
            at_most_one_different,
        }
    };
    RULES.iter().map(rule).collect()
}

/// `CARRIER c1 0105 10 n1 -`: a dash is unknown; in front, `!`: not current, `~`: paired last.
fn claim(text: &str) -> Candidate {
    let (turn, text) = match (text.strip_prefix('!'), text.strip_prefix('~')) {
        (Some(rest), _) => (Turn::Earlier, rest),
        (_, Some(rest)) => (Turn::Last, rest),
        _ => (Turn::Current, text),
    };
    let fact = |fact: &str| (fact != "-").then(|| fact.to_owned());
    Candidate {
        turn,
        facts: text.split(' ').map(fact).collect(),
    }
}

/// Pairs as `left-right rule`, then who is ambiguous.
#[track_caller]
fn expect(
    left: &[&str],
    right: &[&str],
    pairs: &[(usize, usize, usize)],
    ambiguous: [&[usize]; 2],
) {
    let claims = |texts: &[&str]| texts.iter().map(|text| claim(text)).collect::<Vec<_>>();
    let (left, right) = (claims(left), claims(right));
    let pairs = pairs.iter().map(|(left, right, rule)| Pair {
        left: *left,
        right: *right,
        rule: *rule,
    });
    let expected = Pairing {
        pairs: pairs.collect(),
        ambiguous_left: ambiguous[0].to_vec(),
        ambiguous_right: ambiguous[1].to_vec(),
    };
    assert_eq!(pair(&left, &right, &rules()), expected);
    // It does not matter which lake is which.
    let mirrored = pair(&right, &left, &rules());
    let mut back: Vec<Pair> = mirrored
        .pairs
        .iter()
        .map(|pair| Pair {
            left: pair.right,
            right: pair.left,
            rule: pair.rule,
        })
        .collect();
    back.sort_by_key(|pair| (pair.left, pair.right));
    assert_eq!(back, expected.pairs);
    assert_eq!(mirrored.ambiguous_left, expected.ambiguous_right);
    assert_eq!(mirrored.ambiguous_right, expected.ambiguous_left);
}

const NONE: [&[usize]; 2] = [&[], &[]];

#[test]
fn control_number_dates_and_charge_or_provider_are_certain() {
    expect(
        &["CARRIER c1 0105 10 n1 -"],
        &["CARRIER c1 0105 10 - -"],
        &[(0, 0, 0)],
        NONE,
    );
    expect(
        &["CARRIER c1 0105 - n1 -"],
        &["CARRIER c1 0105 10 n1 -"],
        &[(0, 0, 0)],
        NONE,
    );
}

#[test]
fn a_control_number_alone_is_never_certain() {
    // Nothing else is known of either.
    expect(
        &["CARRIER c1 0105 - - -"],
        &["CARRIER c1 0105 - - -"],
        &[(0, 0, 3)],
        NONE,
    );
    // The charge changed, the provider is the same.
    expect(
        &["CARRIER c1 0105 10 n1 -"],
        &["CARRIER c1 0105 12 n1 -"],
        &[(0, 0, 3)],
        NONE,
    );
    // Charge and provider are others: another claim.
    expect(
        &["CARRIER c1 0105 10 n1 -"],
        &["CARRIER c1 0105 12 n2 -"],
        &[],
        NONE,
    );
}

#[test]
fn a_control_number_on_claims_of_other_types_and_dates_joins_only_its_like() {
    expect(
        &[
            "HHA c1 0105 10 n1 -",
            "OUTPATIENT c1 0105 20 n1 -",
            "OUTPATIENT c1 0206 20 n1 -",
        ],
        &[
            "OUTPATIENT c1 0206 20 n1 -",
            "OUTPATIENT c1 0105 20 n1 -",
            "HHA c1 0105 10 n1 -",
        ],
        &[(0, 2, 0), (1, 1, 0), (2, 0, 0)],
        NONE,
    );
    expect(
        &["CARRIER c1 0105 10 n1 -"],
        &["DME c1 0105 10 n1 -"],
        &[],
        NONE,
    );
}

#[test]
fn repeated_control_numbers_are_told_apart_by_charge_and_provider() {
    // One constant on everything of a day, as in published examples.
    expect(
        &[
            "CARRIER c 0105 10 n1 -",
            "CARRIER c 0105 20 n1 -",
            "CARRIER c 0105 20 n2 -",
        ],
        &[
            "CARRIER c 0105 20 n2 -",
            "CARRIER c 0105 10 n1 -",
            "CARRIER c 0105 20 n1 -",
        ],
        &[(0, 1, 0), (1, 2, 0), (2, 0, 0)],
        NONE,
    );
}

#[test]
fn same_day_twins_are_ambiguous_and_none_of_them_is_paired() {
    let twin = "CARRIER c1 0105 10 n1 -";
    expect(&[twin, twin], &[twin, twin], &[], [&[0, 1], &[0, 1]]);
    expect(&[twin, twin], &[twin], &[], [&[0, 1], &[0]]);
    // A third one beside them is paired.
    expect(
        &[twin, "CARRIER c2 0105 30 n1 -", twin],
        &["CARRIER c2 0105 30 n1 -", twin],
        &[(1, 0, 0)],
        [&[0, 2], &[1]],
    );
    // Without control numbers, too.
    let twin = "CARRIER - 0105 10 n1 -";
    expect(&[twin, twin], &[twin], &[], [&[0, 1], &[0]]);
}

#[test]
fn without_control_numbers_dates_provider_and_charge_are_likely() {
    expect(
        &["CARRIER - 0105 10 n1 -"],
        &["CARRIER c1 0105 10 n1 -"],
        &[(0, 0, 1)],
        NONE,
    );
    expect(
        &["SNF - 0105 10 - p1"],
        &["SNF c1 0105 10 n1 p1"],
        &[(0, 0, 2)],
        NONE,
    );
    // Two control numbers are two claims.
    expect(
        &["CARRIER c1 0105 10 n1 -"],
        &["CARRIER c2 0105 10 n1 -"],
        &[],
        NONE,
    );
    // No provider, or no dates, is no sign.
    expect(
        &["CARRIER - 0105 10 - -"],
        &["CARRIER - 0105 10 - -"],
        &[],
        NONE,
    );
    expect(
        &["CARRIER - - 10 n1 -"],
        &["CARRIER - - 10 n1 -"],
        &[],
        NONE,
    );
}

#[test]
fn current_claims_are_paired_first() {
    // A superseded version with the same facts takes no pair from the current one.
    expect(
        &["!CARRIER c1 0105 10 n1 -", "CARRIER c1 0105 10 n1 -"],
        &["CARRIER c1 0105 10 n1 -", "!CARRIER c1 0105 10 n1 -"],
        &[(0, 1, 0), (1, 0, 0)],
        NONE,
    );
    // One that is current in one lake only is still the same claim.
    expect(
        &["!CARRIER c1 0105 10 n1 -"],
        &["CARRIER c1 0105 10 n1 -"],
        &[(0, 0, 0)],
        NONE,
    );
}

#[test]
fn a_version_that_stands_beside_another_is_paired_last() {
    let (version, beside) = ("!CARRIER c1 0105 10 n1 -", "~CARRIER c1 0105 10 n1 -");
    expect(&[version], &[beside, version], &[(0, 1, 0)], NONE);
    expect(&[version], &[beside], &[(0, 0, 0)], NONE);
}

#[test]
fn a_changed_charge_does_not_take_the_pair_of_an_equal_one() {
    expect(
        &["CARRIER c1 0105 10 n1 -", "CARRIER c1 0105 20 n1 -"],
        &["CARRIER c1 0105 20 n1 -", "CARRIER c1 0105 21 n1 -"],
        &[(0, 1, 3), (1, 0, 0)],
        NONE,
    );
}

#[test]
fn nothing_is_paired_with_nothing() {
    expect(&[], &[], &[], NONE);
    expect(&["CARRIER c1 0105 10 n1 -"], &[], &[], NONE);
}

#[test]
fn so_many_alike_that_they_cannot_be_looked_at_one_by_one_are_ambiguous() {
    let many = vec!["CARRIER c1 0105 10 n1 -"; 1_100];
    let claims: Vec<Candidate> = many.iter().map(|text| claim(text)).collect();
    let found = pair(&claims, &claims, &rules());
    assert_eq!(found.pairs, []);
    assert_eq!(found.ambiguous_left.len(), 1_100);
}
