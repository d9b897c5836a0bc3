//! `benefitBalance` of facilities in version 2: the money of the header.

use super::Writer;
use crate::population::claim::ClaimKind;

impl Writer<'_> {
    pub(super) fn institutional_balance(&mut self) {
        let sum = self.bill.sum;
        let days = u32::try_from(self.claim.through.0 - self.claim.from.0).unwrap_or_default();
        self.open_benefit_balance();
        self.financial(
            "prpayamt",
            "NCH Primary Payer (if not Medicare) Claim Paid Amount",
            0,
        );
        if self.claim.kind.is_stay() {
            self.financial_count(
                "clm_utlztn_day_cnt",
                "Claim Medicare Utilization Day Count",
                days,
            );
        }
        if self.claim.kind == ClaimKind::Outpatient {
            self.financial(
                "nch_profnl_cmpnt_chrg_amt",
                "Professional Component Charge Amount",
                0,
            );
            self.financial(
                "nch_bene_blood_ddctbl_lblty_am",
                "NCH Beneficiary Blood Deductible Liability Amount",
                0,
            );
            self.financial(
                "nch_bene_ptb_ddctbl_amt",
                "NCH Beneficiary Part B Deductible Amount",
                sum.deductible,
            );
            self.financial(
                "nch_bene_ptb_coinsrnc_amt",
                "NCH Beneficiary Part B Coinsurance Amount",
                sum.coinsurance,
            );
            self.financial(
                "clm_op_prvdr_pmt_amt",
                "Claim Outpatient Provider Payment Amount",
                sum.paid,
            );
            self.financial(
                "clm_op_bene_pmt_amt",
                "Claim Outpatient Payment Amount to Beneficiary",
                0,
            );
        }
        if self.is_hospital_stay() {
            self.financial_count(
                "bene_tot_coinsrnc_days_cnt",
                "Beneficiary Total Coinsurance Days Count",
                0,
            );
            self.financial_count(
                "clm_non_utlztn_days_cnt",
                "Claim Medicare Non Utilization Days Count",
                0,
            );
            self.financial(
                "nch_bene_ip_ddctbl_amt",
                "NCH Beneficiary Inpatient (or other Part A) Deductible Amount",
                sum.deductible,
            );
            self.financial(
                "nch_bene_pta_coinsrnc_lblty_amt",
                "NCH Beneficiary Part A Coinsurance Liability Amount",
                sum.coinsurance,
            );
            self.financial(
                "nch_ip_ncvrd_chrg_amt",
                "NCH Inpatient(or other Part A) Non-covered Charge Amount",
                sum.noncovered,
            );
            self.financial(
                "nch_ip_tot_ddctn_amt",
                "NCH Inpatient (or other Part A) Total Deductible/Coinsurance Amount",
                sum.deductible + sum.coinsurance,
            );
        }
        if self.claim.kind == ClaimKind::Inpatient {
            self.financial(
                "clm_pass_thru_per_diem_amt",
                "Claim Pass Thru Per Diem Amount",
                1_000,
            );
            self.financial(
                "clm_tot_pps_cptl_amt",
                "Claim Total PPS Capital Amount",
                sum.paid / 10,
            );
            self.financial(
                "clm_pps_cptl_fsp_amt",
                "Claim PPS Capital Federal Specific Portion (FSP) Amount",
                sum.paid / 20,
            );
            self.financial(
                "clm_pps_cptl_ime_amt",
                "Claim PPS Capital Indirect Medical Education (IME) Amount",
                sum.paid / 40,
            );
            self.financial(
                "nch_drg_outlier_aprvd_pmt_amt",
                "NCH DRG Outlier Approved Payment Amount",
                0,
            );
            // The source cuts the weight to a whole number.
            self.financial_count(
                "clm_pps_cptl_drg_wt_num",
                "Claim PPS Capital DRG Weight Number",
                1,
            );
            self.financial_count(
                "bene_lrd_used_cnt",
                "Beneficiary Medicare Lifetime Reserve Days (LRD) Used Count",
                0,
            );
        }
        self.close_benefit_balance();
    }
}
