//! Revenue centre lines of facilities in version 2.

use super::Writer;
use super::parts::Category;
use crate::fhir::as_sent::{ndc_of_line, rate_line, revenue_as_sent};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_DISCRIMINATOR, DRUGS, HCPCS_V2, MODIFIERS, NDC, NUBC_REVENUE, REVENUE_CENTERS, SERVICES,
    STATES, UCUM,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;

impl Writer<'_> {
    pub(super) fn revenue_line(&mut self, number: u32, amounts: &Amounts, total: Option<&str>) {
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
        let rate = rate_line(self.claim, number + 1 - self.first_revenue_line())
            .filter(|_| total.is_none());
        self.revenue(total, rate.map(|(center, _)| center));
        if total.is_none() {
            self.service(rate.map(|(_, code)| code));
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

    fn revenue(&mut self, total: Option<&str>, rate: Option<&'static str>) {
        let (center, display) = self.dice.pick(&REVENUE_CENTERS);
        let (center, display) = match rate {
            Some(center) => (
                center,
                "Health Insurance Prospective Payment System (HIPPS)",
            ),
            None => (revenue_as_sent(center, self.claim.seed), display),
        };
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

    fn service(&mut self, rate: Option<&str>) {
        let (code, _) = self.dice.pick(&SERVICES);
        let code = rate.unwrap_or(code);
        self.json.object("productOrService");
        if self.dice.chance(120) {
            let (drug, display) = self.dice.pick(&DRUGS);
            self.json.array("extension");
            self.json.open();
            self.json.text("url", NDC);
            self.json.object("valueCoding");
            self.json.text("system", NDC);
            let drug = ndc_of_line(drug, self.claim.seed);
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
}
