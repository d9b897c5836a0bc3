//! Carrier and DME claims of version 2: what doctors, laboratories and suppliers bill.

use super::Writer;
use super::parts::{Category, Member};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_IDENTIFIER_TYPE, HL7_CARE_TEAM_ROLE, NPI, PRACTITIONERS, SPECIALTIES, TAXONOMY, npi,
};
use crate::population::claim::ClaimKind;

impl Writer<'_> {
    pub(super) fn is_dme(&self) -> bool {
        self.claim.kind == ClaimKind::Dme
    }

    /// Whether the claim reports a blood test, in a contained Observation.
    fn has_observation(&self) -> bool {
        self.claim.is_one_in(3)
    }

    /// Old DME bodies number their lines from later on.
    fn first_line(&self) -> u32 {
        if self.claim.is_one_in(11) { 6 } else { 1 }
    }

    pub(super) fn professional_head(&mut self) {
        if self.has_observation() {
            self.json.array("contained");
            self.json.open();
            self.json.text("resourceType", "Observation");
            self.json
                .id_text("id", "line-observation-", i64::from(self.first_line()));
            self.json.text("status", "unknown");
            let (code, display) = self
                .dice
                .pick(&[("R1", "Hemoglobin Test"), ("R2", "Hematocrit Test")]);
            self.variable_concept("code", "line_hct_hgb_type_cd", code, display);
            self.json.object("valueQuantity");
            let tenths = i64::from(self.dice.between(90, 460)) * 10;
            self.json.cents("value", tenths);
            self.json.close();
            self.json.close();
            self.json.close_array();
        }
        self.json.array("extension");
        let (code, display) = if self.is_dme() {
            (
                "M",
                "Part B DMEPOS claim record (processed by DME Regional Carrier)",
            )
        } else {
            (
                "O",
                "Part B physician/supplier claim record (processed by local carriers; can include DMEPOS services)",
            )
        };
        self.json
            .variable_extension("nch_near_line_rec_ident_cd", code, display);
        let contractor = u64::from(self.dice.between(10_000, 69_999));
        self.json.identifier_extension("carr_num", contractor, 5);
        let control = crate::fhir::control_number(self.claim.seed, self.claim.revision);
        self.json
            .identifier_extension("carr_clm_cntl_num", control, 14);
        let (code, display) = self.processing.payment_denial;
        self.json
            .variable_extension("carr_clm_pmt_dnl_cd", code, display);
        self.json
            .variable_extension("asgmntcd", "A", "Assigned claim");
        self.json.identifier_extension("clm_clncl_tril_num", 0, 1);
        self.json.variable_extension("carr_clm_entry_cd", "1", "Original debit; void of original debit (If CLM_DISP_CD = 3, code 1 means voided original debit)");
        self.json.close_array();
    }

    pub(super) fn professional_body(&mut self) {
        let billing = self.dice.below(3_000);
        let referring = self.dice.below(3_000);
        self.provider(billing);
        self.referral(referring);
        self.json.text("outcome", "complete");
        self.json
            .text("disposition", if self.is_dme() { "01" } else { "1" });
        self.professional_team(billing, referring);
        self.json.array("supportingInfo");
        let mut sequence = 1;
        self.received_info(&mut sequence);
        let observation = self.has_observation().then_some(sequence);
        if observation.is_some() {
            let (name, display) = (
                "line_hct_hgb_rslt_num",
                "Hematocrit / Hemoglobin Test Results",
            );
            self.open_info(&mut sequence, name, display);
            self.json.object("valueReference");
            let id = i64::from(self.first_line());
            self.json.id_text("reference", "#line-observation-", id);
            self.json.close();
            self.json.close();
        }
        self.json.close_array();
        let diagnoses = self.diagnoses();
        self.insurance("Coverage/part-b-");
        self.json.array("item");
        let lines = std::mem::take(&mut self.bill.lines);
        let first = self.first_line();
        for (number, amounts) in (first..).zip(&lines) {
            let observation = observation.filter(|_| number == first);
            self.professional_line(number, amounts, diagnoses, observation);
        }
        self.bill.lines = lines;
        self.json.close_array();
        // The source writes nought here, under a category that is not meant.
        self.json.array("total");
        let total = ("clm_tot_chrg_amt", "Claim Total Charge Amount");
        self.adjudication(Category::PriorPayerPaid, total, 0);
        self.json.close_array();
        let sum = self.bill.sum;
        self.json.object("payment");
        self.json.money("amount", sum.paid);
        self.json.close();
        self.open_benefit_balance();
        self.financial("carr_clm_cash_ddctbl_apld_amt", "Carrier Claim Cash Deductible Applied Amount (sum of all line-level deductible amounts)", sum.deductible);
        self.financial(
            "nch_clm_prvdr_pmt_amt",
            "NCH Claim Provider Payment Amount",
            sum.paid,
        );
        self.financial(
            "nch_clm_bene_pmt_amt",
            "NCH Claim Payment Amount to Beneficiary",
            0,
        );
        self.financial(
            "nch_carr_clm_sbmtd_chrg_amt",
            "NCH Carrier Claim Submitted Charge Amount (sum of all line-level submitted charges)",
            sum.submitted,
        );
        self.financial(
            "nch_carr_clm_alowd_amt",
            "NCH Carrier Claim Allowed Charge Amount (sum of all line-level allowed charges)",
            sum.allowed,
        );
        self.close_benefit_balance();
    }

    fn provider(&mut self, billing: u32) {
        self.json.object("provider");
        if self.is_dme() {
            self.json.text("type", "Practitioner");
        }
        self.json.object("identifier");
        if self.is_dme() {
            self.json.text("system", NPI);
        } else {
            self.json.text2("system", VARIABLE, "carr_clm_blg_npi_num");
        }
        self.json.number_text("value", npi(billing), 10);
        self.json.close();
        if self.is_dme() {
            let (family, given) = self.dice.pick(&PRACTITIONERS);
            self.json.text3("display", given, " ", family);
        }
        self.json.close();
    }

    fn referral(&mut self, referring: u32) {
        self.json.object("referral");
        self.json.object("identifier");
        let display = "National Provider Identifier";
        self.json
            .concept("type", C4BB_IDENTIFIER_TYPE, "npi", display);
        self.json.number_text("value", npi(referring), 10);
        self.json.close();
        if self.is_dme() {
            let (family, given) = self.dice.pick(&PRACTITIONERS);
            self.json.text3("display", given, " ", family);
        }
        self.json.close();
    }

    /// Member 1 refers, member 2 performs, and carriers name the organisation too; numbers have
    /// gaps now and then.
    fn professional_team(&mut self, billing: u32, referring: u32) {
        self.json.array("careTeam");
        let referring = Member {
            sequence: 1,
            provider: referring,
            role: "referring",
            role_display: "Referring",
        };
        self.member(&referring);
        self.json.open();
        self.json.array("extension");
        if !self.is_dme() {
            self.json
                .variable_extension("carr_line_prvdr_type_cd", "0", "");
        }
        self.json
            .variable_extension("prtcptng_ind_cd", "1", "Participating");
        self.json.close_array();
        self.member_tail(&Member {
            sequence: 2,
            provider: billing + 1,
            role: "performing",
            role_display: "Performing provider",
        });
        self.json.literal("responsible", "true");
        let (specialty, taxonomy, display) = self.dice.pick(&SPECIALTIES);
        self.json.object("qualification");
        self.json.array("coding");
        self.json.coding(TAXONOMY, taxonomy, display);
        self.json.variable("prvdr_spclty", specialty, display);
        self.json.close_array();
        self.json.close();
        self.json.close();
        if !self.is_dme() {
            self.json.open();
            self.json
                .number("sequence", if self.claim.is_one_in(13) { 4 } else { 3 });
            self.json.object("provider");
            if self.claim.is_one_in(19) {
                self.unknown_npi();
            } else {
                self.npi_identifier(billing);
            }
            let name = self.dice.pick(&crate::fhir::vocabulary::FACILITIES);
            self.json.text("display", name);
            self.json.close();
            self.json
                .concept("role", HL7_CARE_TEAM_ROLE, "primary", "Primary provider");
            self.json.close();
        }
        self.json.close_array();
    }
}
