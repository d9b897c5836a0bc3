//! How providers write what the code lists have one form of, by the claim's seed.

use crate::population::claim::{Claim, ClaimKind};

/// How many modifiers the lines of a claim have: seldom more than one, five at the most.
pub(crate) fn modifier_count(seed: u64) -> u32 {
    match seed / 3 % 100 {
        0..3 => 5,
        3..8 => 3,
        8..25 => 2,
        _ => 1,
    }
}

/// An NDC as lines of medical claims carry it: providers write hyphens, drop a digit or send
/// zeros; Part D events always have eleven digits.
pub(crate) fn ndc_of_line(code: &'static str, seed: u64) -> &'static str {
    match seed / 5 % 100 {
        0..6 => "0071-0155-23",
        6..9 => "0071015523",
        9..11 => "71015523",
        11 => "00000000000",
        _ => code,
    }
}

/// The line that says by which prospective rate a stay or an episode is paid, the first one:
/// revenue centre and HIPPS code.
pub(crate) fn rate_line(claim: &Claim, number: u32) -> Option<(&'static str, &'static str)> {
    let is_first = number == 1;
    match claim.kind {
        ClaimKind::Snf if is_first => Some(("0022", "KBSE1")),
        ClaimKind::Hha if is_first && claim.is_one_in(4) => Some(("0023", "2GGGG")),
        ClaimKind::Hha if is_first => Some(("0023", "1AFKS")),
        ClaimKind::Inpatient if is_first && claim.is_one_in(12) => Some(("0024", "A0104")),
        _ => None,
    }
}

/// A revenue centre as some claims carry it: without its leading zero.
pub(crate) fn revenue_coding_variants(code: &'static str, seed: u64) -> &'static str {
    let short = code.strip_prefix('0').unwrap_or(code);
    if (seed / 11).is_multiple_of(15) {
        short
    } else {
        code
    }
}
