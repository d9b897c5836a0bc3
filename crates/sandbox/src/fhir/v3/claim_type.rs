//! Claim type codes of version 3.

use crate::population::claim::{Claim, ClaimKind, Source, Standing};

/// The claim type code: by kind, and for shared systems by phase.
pub(super) fn claim_type(claim: &Claim) -> (&'static str, &'static str) {
    if claim.source.is_shared_system() {
        return match claim.source {
            Source::Vms => ("2800", "PROF MEDICARE SS DME"),
            Source::Mcs => ("2700", "PROF MEDICARE SS PART B PROFESSIONAL"),
            _ => match claim.kind {
                ClaimKind::Inpatient => ("2011", "INST MEDICARE SS INPATIENT"),
                ClaimKind::Snf => ("2021", "INST MEDICARE SS SNF"),
                ClaimKind::Hha => ("2033", "INST MEDICARE SS HHA"),
                ClaimKind::Hospice => ("2081", "INST MEDICARE SS HOSPICE"),
                _ => ("2013", "INST MEDICARE SS OUTPATIENT"),
            },
        };
    }
    match (claim.kind, claim.standing) {
        (ClaimKind::Pde, Standing::Superseded) => ("3", "MEDICARE PART D DELETED CLAIM"),
        (ClaimKind::Pde, Standing::Final) if claim.revision > 0 => {
            ("2", "MEDICARE PART D ADJUSTED CLAIM")
        }
        (ClaimKind::Pde, Standing::Final) => ("1", "MEDICARE PART D ORIGINAL CLAIM"),
        (ClaimKind::Carrier, _) => (
            "71",
            "MEDICARE PART B PROFESSIONAL PHYSICIAN/SUPPLIER CLAIM (NON-DMEPOS)",
        ),
        (ClaimKind::Dme, _) => ("82", "MEDICARE DMERC DMEPOS CLAIM"),
        (ClaimKind::Hha, _) => ("10", "MEDICARE HOME HEALTH AGENCY (HHA) CLAIM"),
        (ClaimKind::Hospice, _) => ("50", "MEDICARE HOSPICE CLAIM"),
        (ClaimKind::Inpatient, _) => ("60", "MEDICARE INPATIENT CLAIM"),
        (ClaimKind::Outpatient, _) => ("40", "MEDICARE OUTPATIENT CLAIM"),
        (ClaimKind::Snf, _) => ("20", "MEDICARE NON-SWING BED SNF CLAIM"),
    }
}
