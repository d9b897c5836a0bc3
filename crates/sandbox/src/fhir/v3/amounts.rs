//! Names of counts and amounts in the header of version 3.

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
