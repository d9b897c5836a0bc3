//! Code tables of version 3: claim types, supporting information, amounts.

use crate::population::claim::{Claim, ClaimKind, Source, Standing};

/// Which claims a piece of supporting information belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// All but Part D.
    Medical,
    /// Facilities.
    Facility,
    /// Hospital and nursing facility stays.
    Stay,
    /// Part D.
    Pharmacy,
}

impl On {
    pub(super) fn holds(self, kind: ClaimKind) -> bool {
        match self {
            On::Medical => kind != ClaimKind::Pde,
            On::Facility => kind.is_institutional(),
            On::Stay => matches!(kind, ClaimKind::Inpatient | ClaimKind::Snf),
            On::Pharmacy => kind == ClaimKind::Pde,
        }
    }
}

/// Supporting information that is a code: claims, category, its name, code system, code, display.
pub(super) type CodedInfo = (
    On,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

pub(super) const CODED: [CodedInfo; 19] = [
    (
        On::Medical,
        "CLM_ADJSTMT_TYPE_CD",
        "Claim Adjustment Type Code",
        "CLM-ADJSTMT-TYPE-CD",
        "0",
        "ORIGINAL",
    ),
    (
        On::Pharmacy,
        "CLM_ADJSTMT_TYPE_CD",
        "Claim Adjustment Type Code",
        "CLM-ADJSTMT-TYPE-CD",
        "0",
        "ORIGINAL",
    ),
    (
        On::Medical,
        "CLM_CNTRCTR_NUM",
        "Claim Contractor Number",
        "CLM-CNTRCTR-NUM",
        "10312",
        "PALMETTO GBA LLC",
    ),
    (
        On::Medical,
        "CLM_DISP_CD",
        "Claim Disposition Code",
        "CLM-DISP-CD",
        "01",
        "DEBIT ACCEPTED",
    ),
    (
        On::Facility,
        "CLM_FI_ACTN_CD",
        "Claim Fiscal Intermediary Action Code",
        "CLM-FI-ACTN-CD",
        "1",
        "Original debit action (always a 1 for all regular bills)",
    ),
    (
        On::Facility,
        "CLM_MDCR_INSTNL_MCO_PD_SW",
        "MCO Paid Switch",
        "CLM-MDCR-INSTNL-MCO-PD-SW",
        "0",
        "No managed care organization (MCO) payment",
    ),
    (
        On::Facility,
        "CLM_MDCR_NPMT_RSN_CD",
        "Claim Non Payment Reason Code",
        "CLM-MDCR-NPMT-RSN-CD",
        "P",
        "PAYMENT REQUESTED",
    ),
    (
        On::Medical,
        "CLM_NCH_PRMRY_PYR_CD",
        "NCH Primary Payer Code",
        "CLM-PRMRY-PYR-CD",
        "I",
        "VETERAN'S AFFAIRS",
    ),
    (
        On::Facility,
        "CLM_NRLN_RIC_CD",
        "Near Line Record Identification Code",
        "CLM-NRLN-RIC-CD",
        "V",
        "Part A institutional claim record (inpatient [IP], skilled nursing facility [SNF], hospice [HOS], or home health agency [HHA])",
    ),
    (
        On::Stay,
        "CLM_PPS_IND_CD",
        "Claim PPS Indicator Code",
        "CLM-PPS-IND-CD",
        "2",
        "PPS bill; claim contains PPS indicator",
    ),
    (
        On::Medical,
        "CLM_QUERY_CD",
        "Claim Query Code",
        "CLM-QUERY-CD",
        "3",
        "FINAL BILL",
    ),
    (
        On::Stay,
        "DGNS_DRG_OUTLIER_CD",
        "Claim Diagnosis Related Group Outlier Stay Code",
        "DGNS-DRG-OUTLIER-CD",
        "6",
        "Valid diagnosis related groups (DRG) received from the intermediary *** Non-PPS Only ***",
    ),
    (
        On::Pharmacy,
        "CLM_CTSTRPHC_CVRG_IND_CD",
        "Catastrophic Coverage Code",
        "CLM-CTSTRPHC-CVRG-IND-CD",
        "C",
        "Above attachment point",
    ),
    (
        On::Pharmacy,
        "CLM_DRUG_CVRG_STUS_CD",
        "Drug Coverage Status Code",
        "CLM-DRUG-CVRG-STUS-CD",
        "C",
        "Covered",
    ),
    (
        On::Pharmacy,
        "CLM_DSPNSNG_STUS_CD",
        "Claim Dispensing Status Code",
        "CLM-DSPNSNG-STUS-CD",
        "P",
        "Partially filled",
    ),
    (
        On::Pharmacy,
        "CLM_LTC_DSPNSNG_MTHD_CD",
        "Submission Clarification Code",
        "CLM-LTC-DSPNSNG-MTHD-CD",
        "05",
        "Therapy change. Physician determined that a change in therapy was required – either the medication was used faster than expected, or a different dosage form is needed.",
    ),
    (
        On::Pharmacy,
        "CLM_PHRMCY_SRVC_TYPE_CD",
        "Pharmacy Service Type Code",
        "CLM-PHRMCY-SRVC-TYPE-CD",
        "01",
        "Community/retail pharmacy",
    ),
    (
        On::Pharmacy,
        "CLM_PTNT_RSDNC_CD",
        "Patient Residence Code",
        "CLM-PTNT-RSDNC-CD",
        "01",
        "Home",
    ),
    (
        On::Pharmacy,
        "CLM_SBMT_FRMT_CD",
        "Claim Submission Format Code",
        "CLM-SBMT-FRMT-CD",
        "X",
        "X12 837",
    ),
];

/// Supporting information of a CARIN category, coded twice: claims, category, the general system,
/// code, CMS's system, display.
pub(super) type CarinInfo = (
    On,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

pub(super) const CARIN: [CarinInfo; 7] = [
    (
        On::Facility,
        "discharge-status",
        "https://www.nubc.org/CodeSystem/PatDischargeStatus",
        "06",
        "BENE-PTNT-STUS-CD",
        "DISCHARGED/TRANSFERRED TO HOME UNDER CARE OF ORGANIZED HOME HEALTH SERVICE ORGANIZATION",
    ),
    (
        On::Facility,
        "pointoforigin",
        "https://www.nubc.org/CodeSystem/PointOfOrigin",
        "2",
        "CLM-ADMSN-SRC-CD",
        "CLINIC OR PHYSICIAN'S OFFICE (NON-NEWBORN)/RESERVED FOR NATIONAL ASSIGNMENT (NEWBORN)",
    ),
    (
        On::Facility,
        "admtype",
        "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit",
        "3",
        "CLM-ADMSN-TYPE-CD",
        "Elective - The patient's condition permitted adequate time to schedule the availability of suitable accommodations.",
    ),
    (
        On::Pharmacy,
        "brandgenericindicator",
        "http://terminology.hl7.org/CodeSystem/NCPDPBrandGenericIndicator",
        "G",
        "CLM-BRND-GNRC-CD",
        "Generic Null/Missing",
    ),
    (
        On::Pharmacy,
        "compoundcode",
        "http://terminology.hl7.org/CodeSystem/NCPDPCompoundCode",
        "0",
        "CLM-CMPND-CD",
        "Not specified (missing values are also possible)",
    ),
    (
        On::Pharmacy,
        "dawcode",
        "http://terminology.hl7.org/CodeSystem/NCPDPDispensedAsWrittenOrProductSelectionCode",
        "0",
        "CLM-DAW-PROD-SLCTN-CD",
        "No product selection indicated",
    ),
    (
        On::Pharmacy,
        "rxorigincode",
        "http://terminology.hl7.org/CodeSystem/NCPDPPrescriptionOriginCode",
        "3",
        "CLM-LINE-RX-ORGN-CD",
        "Electronic",
    ),
];

/// Dates among the supporting information: claims, category, its name, days after the last day of
/// service.
pub(super) const DATED: [(On, &str, &str, i32); 8] = [
    (
        On::Facility,
        "CLM_ACTV_CARE_THRU_DT",
        "Covered Care Through Date",
        0,
    ),
    (On::Medical, "CLM_CMS_PROC_DT", "FI Claim Process Date", 9),
    (On::Pharmacy, "CLM_CMS_PROC_DT", "FI Claim Process Date", 9),
    (On::Medical, "CLM_IDR_LD_DT", "Claim IDR Load Date", 16),
    (On::Pharmacy, "CLM_IDR_LD_DT", "Claim IDR Load Date", 16),
    (
        On::Medical,
        "CLM_NCH_WKLY_PROC_DT",
        "Weekly Process Date",
        14,
    ),
    (
        On::Stay,
        "CLM_QLFY_STAY_FROM_DT",
        "Qualified Stay From Date",
        -20,
    ),
    (
        On::Stay,
        "CLM_QLFY_STAY_THRU_DT",
        "Qualified Stay Through Date",
        -16,
    ),
];

/// Counts in the header of stays.
pub(super) const COUNTS: [(&str, &str); 5] = [
    (
        "CLM_MDCR_IP_LRD_USE_CNT",
        "Beneficiary Medicare Lifetime Reserve Days (LRD) Used Count",
    ),
    (
        "CLM_INSTNL_MDCR_COINS_DAY_CNT",
        "Beneficiary Total Coinsurance Days Count",
    ),
    (
        "CLM_INSTNL_NCVRD_DAY_CNT",
        "Claim Medicare Non Utilization Days Count",
    ),
    ("CLM_MDCR_HOSPC_PRD_CNT", "Hospice Period Count"),
    ("CLM_MDCR_HHA_TOT_VISIT_CNT", "Claim HHA Visit Count"),
];

/// Amounts in the header of facility claims that are shares of the payment, in percent.
pub(super) const SHARES: [(&str, &str, i64); 9] = [
    (
        "CLM_INSTNL_PER_DIEM_AMT",
        "Claim Pass Thru Per Diem Amount",
        2,
    ),
    (
        "CLM_MDCR_IP_PPS_DSPRPRTNT_AMT",
        "Claim PPS Capital Disproportionate Share Amount",
        1,
    ),
    (
        "CLM_MDCR_IP_PPS_CPTL_FSP_AMT",
        "Claim PPS Capital Federal Specific Portion (FSP) Amount",
        5,
    ),
    (
        "CLM_MDCR_IP_PPS_CPTL_IME_AMT",
        "Claim PPS Capital Indirect Medical Education (IME) Amount",
        3,
    ),
    (
        "CLM_MDCR_IP_PPS_CPTL_TOT_AMT",
        "Claim Total PPS Capital Amount",
        9,
    ),
    (
        "CLM_MDCR_INSTNL_PRMRY_PYR_AMT",
        "Primary Payer (if not Medicare) Claim Paid Amount",
        0,
    ),
    (
        "CLM_INSTNL_PRFNL_AMT",
        "Professional Component Charge Amount",
        0,
    ),
    (
        "CLM_INSTNL_DRG_OUTLIER_AMT",
        "DRG Outlier Approved Payment Amount",
        0,
    ),
    (
        "CLM_HIPPS_UNCOMPD_CARE_AMT",
        "Claim Uncompensated Care Payment Amount",
        1,
    ),
];

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
