//! Claims of facilities in version 2: hospitals, nursing facilities, home health, hospice.

use super::Writer;
use super::parts::{Category, Member};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_DISCRIMINATOR, C4BB_IDENTIFIER_TYPE, DRUGS, FACILITIES, HL7_IDENTIFIER_TYPE, ICD10,
    ICD10_PCS, MODIFIERS, NDC, NPI, NUBC_REVENUE, PROCEDURES, REVENUE_CENTERS, SERVICES,
    SPECIALTIES, STATES, TAXONOMY, UCUM, npi,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;

const HCPCS_V2: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";

impl Writer<'_> {
    /// Old outpatient bodies number their lines from 25 on.
    fn first_revenue_line(&self) -> u32 {
        if self.claim.kind == ClaimKind::Outpatient && self.claim.seed % 12 == 0 {
            25
        } else {
            1
        }
    }

    fn is_hospital_stay(&self) -> bool {
        matches!(self.claim.kind, ClaimKind::Inpatient | ClaimKind::Snf)
    }

    pub(super) fn institutional_head(&mut self) {
        let facility = self.dice.below(3_000);
        self.json.array("contained");
        self.json.open();
        self.json.text("resourceType", "Organization");
        self.json.text("id", "provider-org");
        self.json.object("meta");
        self.json.array("profile");
        self.json
            .element("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Organization");
        self.json.close_array();
        self.json.close();
        self.json.array("identifier");
        self.json.open();
        self.json.concept("type", HL7_IDENTIFIER_TYPE, "PRN", "");
        self.json
            .number_text("value", 100_000 + u64::from(facility), 6);
        self.json.close();
        self.json.open();
        self.json.concept("type", C4BB_IDENTIFIER_TYPE, "npi", "");
        self.json.text("system", NPI);
        self.json.number_text("value", npi(facility), 10);
        self.json.close();
        self.json.close_array();
        self.json.literal("active", "true");
        if self.claim.seed % 3 != 0 {
            let name = self.dice.pick(&FACILITIES);
            self.json.text("name", name);
        }
        self.json.close();
        self.json.close_array();
        self.institutional_extensions();
    }

    fn institutional_extensions(&mut self) {
        self.json.array("extension");
        let (code, display) = if self.claim.kind == ClaimKind::Outpatient {
            (
                "W",
                "Part B institutional claim record (outpatient [HOP], HHA)",
            )
        } else {
            (
                "V",
                "Part A institutional claim record (inpatient [IP], skilled nursing facility [SNF], hospice [HOS], or home health agency [HHA])",
            )
        };
        self.json
            .variable_extension("nch_near_line_rec_ident_cd", code, display);
        if self.is_hospital_stay() {
            let display = "Original debit action (always a 1 for all regular bills)";
            self.json.variable_extension("fi_clm_actn_cd", "1", display);
        }
        if self.claim.kind == ClaimKind::Inpatient {
            for variable in [
                "ime_op_clm_val_amt",
                "clm_uncompd_care_pmt_amt",
                "dsh_op_clm_val_amt",
            ] {
                self.json.open();
                self.json.text2("url", VARIABLE, variable);
                let cents = i64::from(self.dice.below(800_000));
                self.json.money("valueMoney", cents);
                self.json.close();
            }
        }
        if self.claim.kind == ClaimKind::Hospice {
            self.json.open();
            self.json.text2("url", VARIABLE, "bene_hospc_prd_cnt");
            self.json.object("valueQuantity");
            self.json.number("value", 2);
            self.json.close();
            self.json.close();
        }
        let control = crate::fhir::control_number(self.claim.seed, self.claim.revision);
        self.json
            .identifier_extension("fi_doc_clm_cntl_num", control, 14);
        self.json.open();
        self.json.text2("url", VARIABLE, "fi_clm_proc_dt");
        self.json.day("valueDate", self.claim.through.plus(9));
        self.json.close();
        self.json
            .variable_extension("clm_mdcr_non_pmt_rsn_cd", "P", "Payment requested");
        self.json
            .variable_extension("clm_srvc_clsfctn_type_cd", "1", "");
        self.json.variable_extension("fi_num", "8299", "");
        self.json.close_array();
    }

    pub(super) fn institutional_body(&mut self) {
        self.json.object("provider");
        self.json.text("reference", "#provider-org");
        self.json.close();
        self.json.object("facility");
        self.json.array("extension");
        let (code, display) = match self.claim.kind {
            ClaimKind::Snf => ("2", "Skilled Nursing Facility (SNF)"),
            ClaimKind::Hha => ("3", "Home Health Agency (HHA)"),
            ClaimKind::Hospice => ("8", "Special facility or ASC surgery"),
            _ => ("1", "Hospital"),
        };
        self.json
            .variable_extension("clm_fac_type_cd", code, display);
        self.json.close_array();
        self.json.close();
        self.json.text("outcome", "complete");
        self.institutional_team();
        self.institutional_info();
        self.diagnoses();
        if self.is_hospital_stay() || self.dice.chance(100) {
            self.procedures();
        }
        let part = match self.claim.kind {
            ClaimKind::Outpatient => "Coverage/part-b-",
            _ => "Coverage/part-a-",
        };
        self.insurance(part);
        self.json.array("item");
        let lines = std::mem::take(&mut self.bill.lines);
        let mut number = self.first_revenue_line();
        for amounts in &lines {
            self.revenue_line(number, amounts, None);
            number += 1;
        }
        self.bill.lines = lines;
        if self.bill.has_total_line {
            let sum = self.bill.sum;
            self.revenue_line(number, &sum, Some("0001"));
        }
        self.json.close_array();
        let sum = self.bill.sum;
        self.json.array("total");
        let total = ("clm_tot_chrg_amt", "Claim Total Charge Amount");
        self.adjudication(Category::Submitted, total, sum.submitted);
        self.json.close_array();
        self.json.object("payment");
        self.json.money("amount", sum.paid);
        self.json.close();
        self.institutional_balance();
    }

    fn institutional_team(&mut self) {
        self.json.array("careTeam");
        let attending = self.dice.below(3_000);
        self.member(&Member {
            sequence: 1,
            provider: attending,
            role: "attending",
            role_display: "Attending",
        });
        if self.is_hospital_stay() {
            self.member(&Member {
                sequence: 2,
                provider: attending + 3,
                role: "operating",
                role_display: "Operating",
            });
            self.member(&Member {
                sequence: 3,
                provider: attending + 5,
                role: "otheroperating",
                role_display: "Other Operating",
            });
        }
        self.open_member(&Member {
            sequence: 4,
            provider: attending + 7,
            role: "performing",
            role_display: "Performing provider",
        });
        let (_, taxonomy, display) = self.dice.pick(&SPECIALTIES);
        self.json
            .concept("qualification", TAXONOMY, taxonomy, display);
        self.json.close();
        self.json.close_array();
    }

    fn institutional_info(&mut self) {
        let mut next = 1;
        let (from, through) = (self.claim.from, self.claim.through);
        self.json.array("supportingInfo");
        if self.claim.kind.is_stay() {
            let status = ("nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code");
            self.coded_info(&mut next, status, ("A", "Discharged"));
        }
        if self.claim.kind != ClaimKind::Outpatient {
            self.open_carin_info(&mut next, "admissionperiod", "Admission Period", None);
            self.json.object("timingPeriod");
            self.json.day("start", from);
            if self.claim.kind.is_stay() {
                self.json.day("end", through);
            }
            self.json.close();
            self.json.close();
        }
        if self.is_hospital_stay() {
            self.stay_info(&mut next);
        }
        if self.claim.kind != ClaimKind::Hha {
            let switch = ("clm_mco_pd_sw", "Claim MCO Paid Switch");
            let none = ("0", "No managed care organization (MCO) payment");
            self.coded_info(&mut next, switch, none);
        }
        self.open_carin_info(&mut next, "typeofbill", "Type of Bill", None);
        self.variable_concept("code", "clm_freq_cd", "1", "Admit thru discharge claim");
        self.json.close();
        self.open_carin_info(&mut next, "discharge-status", "Discharge Status", None);
        let (code, display) = self.dice.pick(&[
            ("1", "Discharged to home/self-care (routine charge)."),
            ("30", "Still patient."),
            (
                "51",
                "Discharged/transferred to a Hospice – medical facility.",
            ),
        ]);
        self.variable_concept("code", "ptnt_dschrg_stus_cd", code, display);
        self.json.close();
        let payer = (
            "nch_prmry_pyr_cd",
            "NCH Primary Payer Code (if not Medicare)",
        );
        let plan = "Employer group health plan (EGHP) insurance for an aged beneficiary";
        self.coded_info(&mut next, payer, ("A", plan));
        self.received_info(&mut next);
        self.json.close_array();
    }

    fn stay_info(&mut self, next: &mut u32) {
        let (from, through) = (self.claim.from, self.claim.through);
        let admission = (
            "clm_ip_admsn_type_cd",
            "Claim Inpatient Admission Type Code",
        );
        self.open_carin_info(next, "admtype", "Information", Some(admission));
        self.json.concept("code", "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit", "1", "Emergency - The patient required immediate medical intervention as a result of severe, life threatening, or potentially disabling conditions. Generally, the patient was admitted through the emergency room.");
        self.json.close();
        let source = (
            "clm_src_ip_admsn_cd",
            "Claim Source Inpatient Admission Code",
        );
        self.coded_info(next, source, ("4", ""));
        let group = self.dice.pick(&["470", "291", "871", "690", "194"]);
        let drg = (
            "clm_drg_cd",
            "Claim Diagnosis Related Group Code (or MS-DRG Code)",
        );
        self.coded_info(next, drg, (group, ""));
        let blood = "NCH Blood Pints Furnished Quantity";
        self.open_info(next, "nch_blood_pnts_frnshd_qty", blood);
        self.json.object("valueQuantity");
        let pints = self.dice.below(5);
        self.json.number("value", pints);
        self.json.text("unit", "pint");
        self.json.text("system", UCUM);
        self.json.text("code", "[pt_us]");
        self.json.close();
        self.json.close();
        if self.claim.kind == ClaimKind::Snf {
            let exhausted = "NCH Beneficiary Medicare Benefits Exhausted Date";
            self.open_info(next, "nch_bene_mdcr_bnfts_exhtd_dt_i", exhausted);
            self.json.day("timingDate", through);
            self.json.close();
            self.open_info(
                next,
                "nch_qlfyd_stay_from_dt",
                "NCH Qualified Stay From Date",
            );
            self.json
                .period("timingPeriod", from.plus(-4), from.plus(-1));
            self.json.close();
        }
    }

    fn procedures(&mut self) {
        let count = self.dice.between(1, 4);
        self.json.array("procedure");
        for sequence in 1..=count {
            let (code, display) = self.dice.pick(&PROCEDURES);
            self.json.open();
            self.json.number("sequence", sequence);
            self.json.midnight("date", self.claim.from);
            self.json.object("procedureCodeableConcept");
            self.json.array("coding");
            self.json.coding(ICD10_PCS, code, display);
            self.json.coding(ICD10, code, display);
            self.json.close_array();
            self.json.close();
            self.json.close();
        }
        self.json.close_array();
    }

    fn revenue_line(&mut self, number: u32, amounts: &Amounts, total: Option<&str>) {
        let is_outpatient = self.claim.kind == ClaimKind::Outpatient;
        let units = self.dice.between(1, 12);
        self.json.open();
        if total.is_none() {
            self.json.array("extension");
            self.json.open();
            self.json.text2("url", VARIABLE, "rev_cntr_unit_cnt");
            self.json.object("valueQuantity");
            self.json.number("value", units);
            self.json.close();
            self.json.close();
            self.json.close_array();
        }
        self.json.number("sequence", number);
        self.json.array("careTeamSequence");
        self.json.number_element(4);
        self.json.close_array();
        self.revenue(total);
        if total.is_none() {
            self.service();
        }
        if is_outpatient && total.is_none() {
            self.json.day("servicedDate", self.claim.from);
        }
        self.json.object("locationAddress");
        let state = self.dice.pick(&STATES);
        self.json.text("state", state);
        self.json.close();
        if total.is_none() && self.dice.chance(300) {
            self.json.object("quantity");
            self.json.thousandths("value", units * 1_500);
            self.json.close();
        }
        self.revenue_adjudications(amounts, total.is_some());
        self.json.close();
    }

    fn revenue(&mut self, total: Option<&str>) {
        let (center, display) = self.dice.pick(&REVENUE_CENTERS);
        self.json.object("revenue");
        if total.is_none() && self.claim.kind == ClaimKind::Outpatient {
            let display = "Services not paid under OPPS; uses a different fee schedule (e.g., ambulance, PT, mammography)";
            self.json.array("extension");
            self.json
                .variable_extension("rev_cntr_stus_ind_cd", "A", display);
            self.json.close_array();
        }
        self.json.array("coding");
        match total {
            Some(code) => self.json.variable("rev_cntr", code, "Total charge"),
            None => self.json.variable("rev_cntr", center, display),
        }
        self.json.coding(NUBC_REVENUE, total.unwrap_or(center), "");
        let coinsurance = "Charges are subject to deductible and coinsurance";
        self.json
            .variable("rev_cntr_ddctbl_coinsrnc_cd", "0", coinsurance);
        self.json.close_array();
        self.json.close();
    }

    fn service(&mut self) {
        let (code, _) = self.dice.pick(&SERVICES);
        self.json.object("productOrService");
        if self.dice.chance(120) {
            let (drug, display) = self.dice.pick(&DRUGS);
            self.json.array("extension");
            self.json.open();
            self.json.text("url", NDC);
            self.json.object("valueCoding");
            self.json.text("system", NDC);
            self.json.text("code", drug);
            self.json.text("display", display);
            self.json.close();
            self.json.close();
            self.json.close_array();
        }
        self.json.array("coding");
        self.json.variable("hcpcs_cd", code, "");
        self.json.coding(HCPCS_V2, code, "");
        self.json.close_array();
        self.json.close();
        if self.dice.chance(300) {
            let modifier = self.dice.pick(&MODIFIERS);
            self.json.array("modifier");
            self.json.concept_element(HCPCS_V2, modifier, "");
            self.json.concept_element(UCUM, "GG", "");
            self.json.close_array();
        }
    }

    fn revenue_adjudications(&mut self, amounts: &Amounts, is_total: bool) {
        use Category::{
            Coinsurance, Deductible, NonCovered, PaidByPatient, PaidToPatient, PaidToProvider,
            PriorPayerPaid, Submitted,
        };
        let is_outpatient = self.claim.kind == ClaimKind::Outpatient;
        self.json.array("adjudication");
        if is_outpatient && !is_total {
            self.json.open();
            let display = "Denial Reason";
            self.json
                .concept("category", C4BB_DISCRIMINATOR, "denialreason", display);
            self.variable_concept("reason", "rev_cntr_1st_ansi_cd", "CO120", "");
            self.json.close();
        }
        let every: [_; 3] = [
            (
                Submitted,
                "rev_cntr_rate_amt",
                "Revenue Center Rate Amount",
                0,
            ),
            (
                Submitted,
                "rev_cntr_tot_chrg_amt",
                "Revenue Center Total Charge Amount",
                amounts.submitted,
            ),
            (
                NonCovered,
                "rev_cntr_ncvrd_chrg_amt",
                "Revenue Center Non-Covered Charge Amount",
                amounts.noncovered,
            ),
        ];
        for (category, variable, display, cents) in every {
            self.adjudication(category, (variable, display), cents);
        }
        if !self.is_hospital_stay() {
            let display = "Revenue Center (Medicare) Payment Amount";
            self.adjudication(Submitted, ("rev_cntr_pmt_amt_amt", display), amounts.paid);
        }
        if is_outpatient {
            let lines = [
                (
                    Deductible,
                    "rev_cntr_blood_ddctbl_amt",
                    "Revenue Center Blood Deductible Amount",
                    0,
                ),
                (
                    Deductible,
                    "rev_cntr_cash_ddctbl_amt",
                    "Revenue Center Cash Deductible Amount",
                    amounts.deductible,
                ),
                (
                    Coinsurance,
                    "rev_cntr_coinsrnc_wge_adjstd_c",
                    "Revenue Center Coinsurance/Wage Adjusted Coinsurance Amount",
                    amounts.coinsurance,
                ),
                (
                    Coinsurance,
                    "rev_cntr_rdcd_coinsrnc_amt",
                    "Revenue Center Reduced Coinsurance Amount",
                    0,
                ),
                (
                    PriorPayerPaid,
                    "rev_cntr_1st_msp_pd_amt",
                    "Revenue Center 1st Medicare Secondary Payer (MSP) Paid Amount",
                    0,
                ),
                (
                    PriorPayerPaid,
                    "rev_cntr_2nd_msp_pd_amt",
                    "Revenue Center 2nd Medicare Secondary Payer (MSP) Paid Amount",
                    0,
                ),
                (
                    PaidToProvider,
                    "rev_cntr_prvdr_pmt_amt",
                    "Revenue Center (Medicare) Provider Payment Amount",
                    amounts.paid,
                ),
                (
                    PaidToPatient,
                    "rev_cntr_bene_pmt_amt",
                    "Revenue Center Payment Amount to Beneficiary",
                    0,
                ),
                (
                    PaidByPatient,
                    "rev_cntr_ptnt_rspnsblty_pmt",
                    "Revenue Center Patient Responsibility Payment Amount",
                    amounts.deductible + amounts.coinsurance,
                ),
            ];
            for (category, variable, display, cents) in lines {
                self.adjudication(category, (variable, display), cents);
            }
        }
        self.json.close_array();
    }

    fn institutional_balance(&mut self) {
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
