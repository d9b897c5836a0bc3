//! Carrier and DME claims of version 2: what doctors, laboratories and suppliers bill.

use super::Writer;
use super::parts::{Category, Member};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_DISCRIMINATOR, C4BB_IDENTIFIER_TYPE, DRUGS, EQUIPMENT, HL7_CARE_TEAM_ROLE, MODIFIERS, NDC,
    NPI, PLACES, PRACTITIONERS, SERVICES, SPECIALTIES, STATES, TAXONOMY, npi,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;

const HCPCS_V2: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";

impl Writer<'_> {
    fn is_dme(&self) -> bool {
        self.claim.kind == ClaimKind::Dme
    }

    /// Whether the claim reports a blood test, in a contained Observation.
    fn has_observation(&self) -> bool {
        self.claim.seed % 3 == 0
    }

    /// Old DME bodies number their lines from later on.
    fn first_line(&self) -> u32 {
        if self.claim.seed % 11 == 0 { 6 } else { 1 }
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
        self.json
            .variable_extension("carr_clm_pmt_dnl_cd", "1", "Physician/supplier");
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
        let mut number = self.first_line();
        for (position, amounts) in lines.iter().enumerate() {
            let observation = observation.filter(|_| position == 0);
            self.line(number, amounts, diagnoses, observation);
            number += 1;
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
                .number("sequence", if self.claim.seed % 13 == 0 { 4 } else { 3 });
            self.json.object("provider");
            self.npi_identifier(billing);
            let name = self.dice.pick(&crate::fhir::vocabulary::FACILITIES);
            self.json.text("display", name);
            self.json.close();
            self.json
                .concept("role", HL7_CARE_TEAM_ROLE, "primary", "Primary provider");
            self.json.close();
        }
        self.json.close_array();
    }

    fn line(&mut self, number: u32, amounts: &Amounts, diagnoses: u32, info: Option<u32>) {
        let units = self.dice.between(1, 3);
        self.json.open();
        self.json.array("extension");
        if self.is_dme() {
            self.equipment_extensions(units);
        } else {
            self.service_extensions(units);
        }
        self.json
            .variable_extension("line_bene_prmry_pyr_cd", "E", "Workers' compensation");
        self.json
            .variable_extension("line_prcsg_ind_cd", "A", "Allowed");
        let deductible = ("0", "Service Subject to Deductible");
        self.json
            .variable_extension("line_service_deductible", deductible.0, deductible.1);
        self.json.close_array();
        self.json.number("sequence", number);
        self.json.array("careTeamSequence");
        self.json.number_element(2);
        self.json.close_array();
        self.json.array("diagnosisSequence");
        let diagnosis = 1 + self.dice.below(diagnoses);
        self.json.number_element(diagnosis);
        self.json.close_array();
        if let Some(info) = info {
            self.json.array("informationSequence");
            self.json.number_element(info);
            self.json.close_array();
        }
        self.product();
        let from = self.claim.from;
        self.json.period("servicedPeriod", from, self.claim.through);
        self.location();
        self.json.object("quantity");
        self.json.thousandths("value", units * 1_000);
        self.json.close();
        self.line_adjudications(amounts);
        self.json.close();
    }

    fn service_extensions(&mut self, units: u32) {
        self.quantity_extension("carr_line_mtus_cnt", units);
        self.json.variable_extension("carr_line_mtus_cnt", "3", "");
        self.json
            .variable_extension("carr_line_mtus_cd", "3", "Services");
        let (code, display) = self.dice.pick(&[
            ("T2D", "Other tests - other"),
            ("M1B", "Office visits - established"),
            ("I1A", "Standard imaging - chest"),
        ]);
        self.json.variable_extension("betos_cd", code, display);
    }

    fn equipment_extensions(&mut self, units: u32) {
        let supplier = u64::from(self.dice.between(1_000_000, 9_999_999));
        self.json.identifier_extension("suplrnum", supplier, 10);
        self.json.open();
        self.json.text2("url", VARIABLE, "dmerc_line_mtus_cnt");
        self.json.object("valueQuantity");
        let thousandths = units * 1_000 + self.dice.below(1_000);
        self.json.thousandths("value", thousandths);
        self.json.text("unit", "Number of services");
        self.json.text2("system", VARIABLE, "dmerc_line_mtus_cd");
        self.json.text("code", "3");
        self.json.close();
        self.json.close();
        self.quantity_extension("dmerc_line_scrn_svgs_amt", 0);
        let state = self.dice.pick(&STATES);
        self.json
            .variable_extension("dmerc_line_prcng_state_cd", state, "");
        self.json.variable_extension("dmerc_line_supplr_type_cd", "3", "Suppliers (other than sole proprietorship) for whom employer identification (EI) numbers are used in coding the ID field.");
        self.json.variable_extension("betos_cd", "D9Z", "");
    }

    fn quantity_extension(&mut self, name: &str, value: u32) {
        self.json.open();
        self.json.text2("url", VARIABLE, name);
        self.json.object("valueQuantity");
        self.json.number("value", value);
        self.json.close();
        self.json.close();
    }

    fn product(&mut self) {
        let (code, display) = if self.is_dme() {
            ("P", "Lump sum purchase of DME, prosthetics orthotics")
        } else {
            ("1", "Medical care")
        };
        self.variable_concept("category", "line_cms_type_srvc_cd", code, display);
        self.json.object("productOrService");
        if self.dice.chance(150) {
            let (code, display) = self.dice.pick(&DRUGS);
            self.json.array("extension");
            self.json.open();
            self.json.text("url", NDC);
            self.json.object("valueCoding");
            self.json.text("system", NDC);
            self.json.text("code", code);
            self.json.text("display", display);
            self.json.close();
            self.json.close();
            self.json.close_array();
        }
        let code = if self.is_dme() {
            self.dice.pick(&EQUIPMENT)
        } else {
            self.dice.pick(&SERVICES).0
        };
        self.json.array("coding");
        self.json.coding(HCPCS_V2, code, "");
        self.json.close_array();
        self.json.close();
        if self.dice.chance(400) {
            let modifier = self.dice.pick(&MODIFIERS);
            self.json.array("modifier");
            self.json.open();
            self.json.array("coding");
            self.json.open();
            self.json.text("system", HCPCS_V2);
            self.json.text("version", "5");
            self.json.text("code", modifier);
            self.json.close();
            self.json.close_array();
            self.json.close();
            self.json.close_array();
        }
    }

    fn location(&mut self) {
        self.json.object("locationCodeableConcept");
        self.json.array("extension");
        let state = self.dice.pick(&STATES);
        self.json.variable_extension("prvdr_state_cd", state, "");
        if !self.is_dme() {
            self.json.variable_extension("prvdr_zip", "555558202", "");
            self.json
                .variable_extension("carr_line_prcng_lclty_cd", "15", "CONNECTICUT");
            if self.dice.chance(200) {
                let laboratory = u64::from(self.dice.between(1_000_000, 9_999_999));
                self.json
                    .identifier_extension("carr_line_clia_lab_num", laboratory, 10);
            }
        }
        self.json.close_array();
        let (code, display) = self.dice.pick(&PLACES);
        self.json.array("coding");
        self.json.variable("line_place_of_srvc_cd", code, display);
        self.json.close_array();
        self.json.close();
    }

    fn line_adjudications(&mut self, amounts: &Amounts) {
        use Category::{
            Benefit, Coinsurance, Deductible, Eligible, PaidToPatient, PaidToProvider,
            PriorPayerPaid, Submitted,
        };
        self.json.array("adjudication");
        if self.is_dme() {
            let screened = (
                "line_prmry_alowd_chrg_amt",
                "Line Primary Payer Allowed Charge Amount",
            );
            self.adjudication(Eligible, screened, 0);
            let price = ("line_dme_prchs_price_amt", "Line DME Purchase Price Amount");
            self.adjudication(Submitted, price, amounts.submitted);
        } else {
            self.json.open();
            let display = "Denial Reason";
            self.json
                .concept("category", C4BB_DISCRIMINATOR, "denialreason", display);
            self.variable_concept("reason", "carr_line_rdcd_pmt_phys_astn_c", "0", "N/A");
            self.json.close();
        }
        self.json.open();
        self.json.array("extension");
        self.json
            .variable_extension("line_pmt_80_100_cd", "0", "80%");
        self.json.close_array();
        let display = "Line NCH Medicare Payment Amount";
        self.adjudication_category(Benefit, "line_nch_pmt_amt", display);
        self.json.money("amount", amounts.paid);
        self.json.close();
        let lines = [
            (
                PaidToPatient,
                "line_bene_pmt_amt",
                "Line Payment Amount to Beneficiary",
                0,
            ),
            (
                PaidToProvider,
                "line_prvdr_pmt_amt",
                "Line Provider Payment Amount",
                amounts.paid,
            ),
            (
                Deductible,
                "line_bene_ptb_ddctbl_amt",
                "Line Beneficiary Part B Deductible Amount",
                amounts.deductible,
            ),
            (
                PriorPayerPaid,
                "line_bene_prmry_pyr_pd_amt",
                "Line Primary Payer (if not Medicare) Paid Amount",
                0,
            ),
            (
                Coinsurance,
                "line_coinsrnc_amt",
                "Line Beneficiary Coinsurance Amount",
                amounts.coinsurance,
            ),
            (
                Submitted,
                "line_sbmtd_chrg_amt",
                "Line Submitted Charge Amount",
                amounts.submitted,
            ),
            (
                Eligible,
                "line_alowd_chrg_amt",
                "Line Allowed Charge Amount",
                amounts.allowed,
            ),
        ];
        for (category, variable, display, cents) in lines {
            self.adjudication(category, (variable, display), cents);
        }
        self.json.close_array();
    }
}
