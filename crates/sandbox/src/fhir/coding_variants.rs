//! Codes in the various forms in which providers write them, chosen by the claim's seed.

use crate::population::claim::{Claim, ClaimKind};
use crate::random::Random;
use crate::vocabulary::{
    Code, EMERGENCY_CENTERS, EMERGENCY_SERVICES, LONG_CARE_CENTERS, REVENUE_CENTERS,
};

const EMERGENCY_ROOM: Code = (
    "23",
    "Emergency Room - Hospital. A portion of a hospital where emergency diagnosis and treatment of illness or injury is provided.",
);

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

/// Whether a claim is of an emergency visit: revenue centre 045x, or place of service 23.
pub(crate) fn is_emergency(claim: &Claim) -> bool {
    match claim.kind {
        ClaimKind::Outpatient => claim.is_one_in(5),
        ClaimKind::Carrier => claim.is_one_in(17),
        _ => false,
    }
}

/// What the first line of an emergency visit is for.
pub(crate) fn emergency_service(claim: &Claim, number: u32) -> Option<Code> {
    let is_shown = number == 1 && is_emergency(claim);
    is_shown.then(|| pick(&EMERGENCY_SERVICES, claim.seed / 7))
}

/// Draws the revenue centre of a line, and what it is called.
pub(crate) fn revenue_center(claim: &Claim, number: u32, random: &mut Random) -> Code {
    let centers = match claim.kind {
        ClaimKind::Snf | ClaimKind::Hha | ClaimKind::Hospice => &LONG_CARE_CENTERS,
        _ => &REVENUE_CENTERS,
    };
    let drawn = random.pick(centers);
    let (center, display) = if number == 1 && is_emergency(claim) {
        pick(&EMERGENCY_CENTERS, claim.seed / 7)
    } else {
        drawn
    };
    (revenue_coding_variants(center, claim.seed), display)
}

/// The place of all lines of an emergency visit; for other claims the one drawn.
pub(crate) fn place_of_service(claim: &Claim, drawn: Code) -> Code {
    if is_emergency(claim) {
        EMERGENCY_ROOM
    } else {
        drawn
    }
}

fn pick(choices: &[Code], seed: u64) -> Code {
    let count = u64::try_from(choices.len()).unwrap_or(1).max(1);
    let place = usize::try_from(seed % count).unwrap_or_default();
    choices.get(place).copied().unwrap_or_default()
}

/// A revenue centre as some claims carry it: without its leading zero.
fn revenue_coding_variants(code: &'static str, seed: u64) -> &'static str {
    let short = code.strip_prefix('0').unwrap_or(code);
    if (seed / 11).is_multiple_of(15) {
        short
    } else {
        code
    }
}
