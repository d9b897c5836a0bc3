//! Code tables of version 3: supporting information.

use crate::population::claim::{Claim, ClaimKind};

/// Which claims a piece of supporting information belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// All but Part D.
    Medical,
    /// Facilities.
    Facility,
    /// Carrier and DME.
    Professional,
    /// Home health.
    HomeHealth,
    /// Hospital and nursing facility stays.
    Stay,
    /// Claims still in a shared system.
    InFlight,
    /// Part D.
    Pharmacy,
}

impl On {
    pub(super) fn holds(self, claim: &Claim) -> bool {
        let kind = claim.kind;
        match self {
            On::Professional => matches!(kind, ClaimKind::Carrier | ClaimKind::Dme),
            On::HomeHealth => kind == ClaimKind::Hha,
            On::InFlight => claim.source.is_shared_system(),
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

pub(super) const CODED: [CodedInfo; 28] = [
    (
        On::Medical,
        "PRVDR_FAC_FIPS_ST_CD",
        "Federal Information Processing Standards (FIPS) State Code",
        "US-FIPS-STATE-CODES",
        "04",
        "",
    ),
    (
        On::HomeHealth,
        "CLM_HHA_LUP_IND_CD",
        "Claim Lupa Indicator Code",
        "CLM-HHA-LUP-IND-CD",
        "L",
        "Low utilization payment adjustment (LUPA) claim",
    ),
    (
        On::HomeHealth,
        "CLM_HHA_RFRL_CD",
        "Claim Referral Code",
        "CLM-HHA-RFRL-CD",
        "1",
        "PHYSICIAN REFERRAL - THE PATIENT WAS ADMITTED UPON THE RECOMMENDATION OF A PERSONAL PHYSICIAN.",
    ),
    (
        On::HomeHealth,
        "CLM_BNFT_ENHNCMT_CD",
        "Claim Benefit Enhancement Code",
        "CLM-BNFT-ENHNCMT-CD",
        "2",
        "TELEHEALTH",
    ),
    (
        On::Stay,
        "CLM_RLT_COND_CD",
        "Claim Related Condition Code",
        "CLM-RLT-COND-CD",
        "09",
        "NEITHER PATIENT NOR SPOUSE IS EMPLOYED",
    ),
    (
        On::Professional,
        "CLM_CARR_PMT_DNL_CD",
        "Claim Payment Denial Code",
        "CLM-CARR-PMT-DNL-CD",
        "1",
        "Physician/supplier",
    ),
    (
        On::Professional,
        "CLM_MDCR_PRFNL_PRVDR_ASGNMT_SW",
        "Provider Assignment Indicator",
        "CLM-MDCR-PRFNL-PRVDR-ASGNMT-SW",
        "A",
        "Assigned claim",
    ),
    (
        On::InFlight,
        "CLM_PD_STUS_CD",
        "Claim Paid Status Code",
        "CLM-PD-STUS-CD",
        "I",
        "",
    ),
    (
        On::InFlight,
        "CLM_AUDT_TRL_STUS_CD",
        "Claim Status Code",
        "CLM-AUDT-TRL-STUS-CD",
        "FA",
        "Accept",
    ),
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
