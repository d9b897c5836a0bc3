//! One claim as it was billed: both API versions show it, each in its own terms.

use super::day::Day;

/// The eight kinds of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum ClaimKind {
    #[default]
    Carrier,
    Pde,
    Outpatient,
    Dme,
    Hha,
    Hospice,
    Inpatient,
    Snf,
}

impl ClaimKind {
    pub(crate) const ALL: [ClaimKind; 8] = [
        ClaimKind::Carrier,
        ClaimKind::Pde,
        ClaimKind::Outpatient,
        ClaimKind::Dme,
        ClaimKind::Hha,
        ClaimKind::Hospice,
        ClaimKind::Inpatient,
        ClaimKind::Snf,
    ];

    /// As in a v2 id, in the search parameter `type` and in the names of templates; the code of
    /// the EOB type is the same in upper case.
    pub(crate) fn lower(self) -> &'static str {
        match self {
            ClaimKind::Carrier => "carrier",
            ClaimKind::Pde => "pde",
            ClaimKind::Outpatient => "outpatient",
            ClaimKind::Dme => "dme",
            ClaimKind::Hha => "hha",
            ClaimKind::Hospice => "hospice",
            ClaimKind::Inpatient => "inpatient",
            ClaimKind::Snf => "snf",
        }
    }

    /// Billed by a facility on revenue centre lines.
    pub(crate) fn is_institutional(self) -> bool {
        !matches!(self, ClaimKind::Carrier | ClaimKind::Pde | ClaimKind::Dme)
    }
}

/// Whether a claim is the current one of its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum FinalAction {
    /// The current version.
    #[default]
    Final,
    /// Replaced by a later one, or voided.
    Superseded,
}

/// The system a claim was read from; v2 knows only the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Source {
    /// National Claims History.
    #[default]
    Nch,
    /// Part D events.
    Ddps,
    /// Shared systems, in flight: Part A.
    Fiss,
    /// Shared systems, in flight: Part B.
    Mcs,
    /// Shared systems, in flight: DME.
    Vms,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Source::Nch => "NCH",
            Source::Ddps => "DDPS",
            Source::Fiss => "FISS",
            Source::Mcs => "MCS",
            Source::Vms => "VMS",
        }
    }

    /// The code of the System-Type tag.
    pub(crate) fn system_type(self) -> &'static str {
        match self {
            Source::Nch => "NationalClaimsHistory",
            Source::Ddps => "DDPS",
            Source::Fiss | Source::Mcs | Source::Vms => "SharedSystem",
        }
    }

    pub(crate) fn is_shared_system(self) -> bool {
        matches!(self, Source::Fiss | Source::Mcs | Source::Vms)
    }

    /// Where a claim of `kind` comes from once it is settled.
    pub(crate) fn settled(kind: ClaimKind) -> Self {
        if kind == ClaimKind::Pde {
            Source::Ddps
        } else {
            Source::Nch
        }
    }

    /// Where a claim of `kind` is while in flight; Part D events never are.
    pub(crate) fn in_flight(kind: ClaimKind) -> Option<Self> {
        match kind {
            ClaimKind::Carrier => Some(Source::Mcs),
            ClaimKind::Dme => Some(Source::Vms),
            ClaimKind::Pde => None,
            _ => Some(Source::Fiss),
        }
    }
}

/// Which bill of a stay a claim is; the rest are bills of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum StayBill {
    /// One bill for the whole stay, or no stay at all.
    #[default]
    Whole,
    First,
    Continuing,
    Last,
}

impl StayBill {
    /// Whether the patient was still there when it was billed.
    pub(crate) fn is_interim(self) -> bool {
        matches!(self, StayBill::First | StayBill::Continuing)
    }
}

/// One version of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Claim {
    /// Unique per patient; the ids follow from it.
    pub(crate) number: u32,
    /// The number of the first version: all versions of a claim share it.
    pub(crate) group: u32,
    /// The number of the version that this one replaces.
    pub(crate) prior: Option<u32>,
    /// 0 for the original.
    pub(crate) revision: u8,
    pub(crate) kind: ClaimKind,
    pub(crate) final_action: FinalAction,
    pub(crate) source: Source,
    /// First and last day of service.
    pub(crate) from: Day,
    pub(crate) through: Day,
    /// The first day of the stay, on all bills of it.
    pub(crate) admitted: Day,
    pub(crate) stay_bill: StayBill,
    /// The provider who bills, the same on all bills of a stay.
    pub(crate) provider: u32,
    /// The patient died on the last day.
    pub(crate) is_last: bool,
    /// `meta.lastUpdated`, in milliseconds since the epoch.
    pub(crate) updated: i64,
    /// Concerns treatment of substance use: labelled in v3, left out by v2.
    pub(crate) is_sensitive: bool,
    /// Inserted ahead of all others to change paging.
    pub(crate) is_inserted: bool,
    /// What decides the contents; versions of a claim share it.
    pub(crate) seed: u64,
}

impl Claim {
    /// True for one claim in `n`, always the same ones: how contents vary.
    pub(crate) fn is_one_in(&self, n: u64) -> bool {
        self.seed.is_multiple_of(n)
    }

    /// Whether v2 serves it: settled, and not about substance use.
    pub(crate) fn is_in_v2(&self) -> bool {
        !self.source.is_shared_system() && !self.is_sensitive
    }
}

/// A prior authorization (v3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PriorAuthorization {
    pub(crate) number: u32,
    pub(crate) from: Day,
    pub(crate) until: Day,
    pub(crate) updated: i64,
    pub(crate) seed: u64,
}

// Regular ids begin with -11… or -9…, so that -10… of an inserted claim sorts first as text.
const V2_LONG: i64 = 11_000_000_000;
const V2_SHORT: i64 = 9_000_000_000;
const V2_INSERTED: i64 = 10_000_000_000;
const V3_REGULAR: i64 = 9_000_000_000_000;
const V3_INSERTED: i64 = 9_900_000_000_000;
const NUMBERS: i64 = 10_000;

/// How many claims a patient can have.
pub(crate) const MOST_CLAIMS: u32 = 9_999;

/// The claim id of v2: lengths and signs differ, so that text and number order differ too.
pub(crate) fn v2_claim_id(patient: usize, number: u32, is_inserted: bool) -> i64 {
    let key = key(patient, number);
    if is_inserted {
        return -(V2_INSERTED + key);
    }
    match number % 16 {
        3 | 9 => -(V2_SHORT + key),
        7 => V2_SHORT + key,
        _ => -(V2_LONG + key),
    }
}

/// The claim id of v3.
pub(crate) fn v3_claim_id(patient: usize, number: u32, is_inserted: bool) -> i64 {
    let key = key(patient, number);
    if is_inserted {
        return -(V3_INSERTED + key);
    }
    if number % 16 == 5 {
        V3_REGULAR + key
    } else {
        -(V3_REGULAR + key)
    }
}

/// Beneficiary and number of a claim id of either version.
pub(crate) fn patient_and_number(claim_id: i64) -> Option<(usize, u32)> {
    let size = claim_id.checked_abs()?;
    let bases = [V3_INSERTED, V3_REGULAR, V2_LONG, V2_INSERTED, V2_SHORT];
    let base = bases.into_iter().find(|base| size >= *base)?;
    let key = size - base;
    let patient = usize::try_from(key / NUMBERS).ok()?;
    Some((patient, u32::try_from(key % NUMBERS).ok()?))
}

fn key(patient: usize, number: u32) -> i64 {
    i64::try_from(patient).unwrap_or_default() * NUMBERS + i64::from(number)
}

#[cfg(test)]
mod tests {
    use super::{patient_and_number, v2_claim_id, v3_claim_id};

    #[test]
    fn a_claim_id_leads_back_to_its_patient_and_number() {
        for patient in [0, 1, 4_999, 99_999] {
            for number in [0, 3, 5, 7, 16, 9_999] {
                for inserted in [false, true] {
                    let expected = Some((patient, number));
                    let v2 = v2_claim_id(patient, number, inserted);
                    assert_eq!(patient_and_number(v2), expected);
                    let v3 = v3_claim_id(patient, number, inserted);
                    assert_eq!(patient_and_number(v3), expected);
                }
            }
        }
        assert_eq!(patient_and_number(5), None);
        assert_eq!(patient_and_number(i64::MIN), None);
    }
}
