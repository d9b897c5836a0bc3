//! Lines of carrier and DME claims in version 2.

use super::Writer;
use super::parts::Category;
use crate::fhir::as_sent::{modifier_count, ndc_of_line};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_DISCRIMINATOR, DRUGS, EQUIPMENT, HCPCS_V2, MODIFIERS, NDC, PLACES, SERVICES, STATES,
};
use crate::population::money::Amounts;

impl Writer<'_> {
    pub(super) fn professional_line(
        &mut self,
        number: u32,
        amounts: &Amounts,
        diagnoses: u32,
        info: Option<u32>,
    ) {
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
        let (code, display) = amounts.outcome.indicator;
        self.json
            .variable_extension("line_prcsg_ind_cd", code, display);
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
            self.json.text("code", ndc_of_line(code, self.claim.seed));
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
            self.json.array("modifier");
            for _ in 0..modifier_count(self.claim.seed) {
                let modifier = self.dice.pick(&MODIFIERS);
                self.json.open();
                self.json.array("coding");
                self.json.open();
                self.json.text("system", HCPCS_V2);
                self.json.text("version", "5");
                self.json.text("code", modifier);
                self.json.close();
                self.json.close_array();
                self.json.close();
            }
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
