//! Lines of claims in version 3.

use super::{STRUCTURE, SYSTEM, Writer};
use crate::fhir::as_sent::{modifier_count, ndc_of_line};
use crate::fhir::vocabulary::{
    C4BB_ADJUDICATION, C4BB_DISCRIMINATOR, C4BB_PAYER_STATUS, CPT, DRUGS, EQUIPMENT, HCPCS,
    HL7_ADJUDICATION, HL7_IDENTIFIER_TYPE, MODIFIERS, NDC, PLACES, SERVICES, Service, UCUM, npi,
};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;

const PLACE_OF_SERVICE: &str =
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set";

pub(super) const SUBMITTED: (&str, &str, &str) =
    (HL7_ADJUDICATION, "submitted", "Submitted Amount");
pub(super) const ELIGIBLE: (&str, &str, &str) = (HL7_ADJUDICATION, "eligible", "Eligible Amount");
const BENEFIT: (&str, &str, &str) = (HL7_ADJUDICATION, "benefit", "Benefit Amount");
pub(super) const DEDUCTIBLE: (&str, &str, &str) = (HL7_ADJUDICATION, "deductible", "Deductible");
pub(super) const COINSURANCE: (&str, &str, &str) =
    (C4BB_ADJUDICATION, "coinsurance", "Co-insurance");
pub(super) const TO_PROVIDER: (&str, &str, &str) =
    (C4BB_ADJUDICATION, "paidtoprovider", "Paid to provider");
const BY_PATIENT: (&str, &str, &str) = (C4BB_ADJUDICATION, "paidbypatient", "Paid by patient");
const PRIOR_PAYER: (&str, &str, &str) = (C4BB_ADJUDICATION, "priorpayerpaid", "Prior payer paid");

impl Writer<'_> {
    pub(super) fn items(&mut self) {
        let lines = std::mem::take(&mut self.bill.lines);
        self.json.array("item");
        let mut number = 0;
        for amounts in &lines {
            number += 1;
            match self.claim.kind {
                ClaimKind::Pde => self.drug_line(amounts),
                ClaimKind::Carrier | ClaimKind::Dme => self.professional_line(number, amounts),
                _ => self.revenue_line(number, amounts, None),
            }
        }
        if self.bill.has_total_line {
            let sum = self.bill.sum;
            self.revenue_line(number + 1, &sum, Some("0001"));
        }
        self.json.close_array();
        self.bill.lines = lines;
    }

    /// An extension of one of CMS's own codes.
    pub(super) fn code_extension(&mut self, name: &str, code: &str, display: &str) {
        self.json.open();
        self.json.text2("url", STRUCTURE, name);
        self.json.object("valueCoding");
        self.json.text2("system", SYSTEM, name);
        self.json.text("code", code);
        if !display.is_empty() {
            self.json.text("display", display);
        }
        self.json.close();
        self.json.close();
    }

    fn professional_line(&mut self, number: u32, amounts: &Amounts) {
        let units = self.dice.between(1, 3);
        self.json.open();
        self.json.array("extension");
        self.professional_extensions(units, amounts.outcome.indicator.0);
        self.json.close_array();
        self.json.number("sequence", number);
        for name in ["careTeamSequence", "diagnosisSequence"] {
            self.json.array(name);
            self.json.number_element(1);
            self.json.close_array();
        }
        if self.has_observation() && number == 1 {
            self.json.array("informationSequence");
            self.json.number_element(1);
            self.json.close_array();
        }
        let code = if self.claim.kind == ClaimKind::Dme {
            (self.dice.pick(&EQUIPMENT), Service::Hcpcs)
        } else {
            self.dice.pick(&SERVICES)
        };
        self.service(code);
        self.json
            .period("servicedPeriod", self.claim.from, self.claim.through);
        let (place, display) = self.dice.pick(&PLACES);
        let display = if number.is_multiple_of(2) {
            display
        } else {
            ""
        };
        self.json
            .concept("locationCodeableConcept", PLACE_OF_SERVICE, place, display);
        self.json.object("quantity");
        self.json.thousandths("value", units * 1_000);
        self.json.close();
        self.json.array("adjudication");
        for (general, name, cents) in [
            (
                ELIGIBLE,
                ("CLM_LINE_ALOWD_CHRG_AMT", "Line Allowed Charge Amount"),
                amounts.allowed,
            ),
            (
                SUBMITTED,
                ("CLM_LINE_SBMT_CHRG_AMT", "Line Submitted Charge Amount"),
                amounts.submitted,
            ),
            (
                TO_PROVIDER,
                ("CLM_LINE_PRVDR_PMT_AMT", "Line Provider Payment Amount"),
                amounts.paid,
            ),
            (
                BENEFIT,
                ("CLM_LINE_CVRD_PD_AMT", "Payment Amount"),
                amounts.paid,
            ),
            (
                DEDUCTIBLE,
                ("CLM_LINE_MDCR_DDCTBL_AMT", "Line Deductible Amount"),
                amounts.deductible,
            ),
            (
                COINSURANCE,
                ("CLM_LINE_MDCR_COINSRNC_AMT", "Line Coinsurance Amount"),
                amounts.coinsurance,
            ),
            (
                PRIOR_PAYER,
                (
                    "CLM_BENE_PRMRY_PYR_PD_AMT",
                    "Line Primary Payer Paid Amount",
                ),
                0,
            ),
        ] {
            self.amount(general, name, cents);
        }
        self.open_cms_adjudication(
            "CLM_LINE_CARR_PSYCH_OT_LMT_AMT",
            "Therapy Amount Applied to Limit",
        );
        self.json.money("amount", 0);
        self.json.close();
        self.line_status();
        self.json.close_array();
        if self.dice.chance(120) {
            self.drug_detail();
        }
        self.json.close();
    }

    fn professional_extensions(&mut self, units: u32, indicator: &str) {
        self.code_extension("CLM-PRVDR-TYPE-CD", "5", "");
        if self.dice.chance(300) {
            self.json.open();
            self.json.text2("url", STRUCTURE, "CLM-PRVDR-TAX-NUM");
            self.json.object("valueIdentifier");
            self.json
                .concept("type", HL7_IDENTIFIER_TYPE, "TAX", "Tax ID number");
            self.json.text("system", "urn:oid:2.16.840.1.113883.4.4");
            self.json.number_text("value", npi(self.provider) / 10, 9);
            self.json.close();
            self.json.close();
        }
        self.code_extension("CLM-RNDRG-PRVDR-PRTCPTG-CD", "1", "");
        self.code_extension("CLM-MTUS-IND-CD", "3", "VALUES REPORTED AS SERVICES");
        self.json.open();
        self.json.text2("url", STRUCTURE, "CLM-LINE-PRFNL-MTUS-CNT");
        self.json.cents("valueDecimal", i64::from(units) * 100 + 10);
        self.json.close();
        self.json.open();
        self.json
            .text2("url", STRUCTURE, "CLM-LINE-ANSTHSA-UNIT-CNT");
        self.json.number("valueDecimal", units);
        self.json.close();
        self.json.open();
        self.json.text2("url", STRUCTURE, "CLM-LINE-RX-NUM");
        self.json.text("valueString", "no prescription number");
        self.json.close();
        self.code_extension("CLM-PRCNG-LCLTY-CD", "42", "");
        self.code_extension("CLM-PRCSG-IND-CD", indicator, "");
        self.code_extension("CLM-SRVC-DDCTBL-SW", "0", "");
        self.code_extension("CLM-PRVDR-SPCLTY-CD", "11", "");
        self.code_extension("CLM-PMT-80-100-CD", "0", "");
        self.code_extension("CLM-FED-TYPE-SRVC-CD", "1", "");
    }

    pub(super) fn service(&mut self, (code, service): (&str, Service)) {
        self.json.object("productOrService");
        self.json.array("coding");
        match service {
            Service::Cpt => self.json.coding(CPT, code, ""),
            Service::Hcpcs => self.json.coding(HCPCS, code, ""),
        }
        self.json.close_array();
        self.json.close();
        if self.dice.chance(350) {
            self.modifiers();
        }
    }

    /// One modifier, in a few lines up to five: one element with a coding for each.
    fn modifiers(&mut self) {
        let count = modifier_count(self.claim.seed);
        self.json.array("modifier");
        self.json.open();
        self.json.array("coding");
        for _ in 0..count {
            let modifier = self.dice.pick(&MODIFIERS);
            // Two-letter modifiers are CMS's, the numbers are CPT's.
            let is_number = modifier.starts_with(|first: char| first.is_ascii_digit());
            let system = if is_number { CPT } else { HCPCS };
            self.json.coding(system, modifier, "");
        }
        self.json.close_array();
        self.json.close();
        self.json.close_array();
    }

    pub(super) fn line_status(&mut self) {
        self.json.open();
        let display = "Benefit Payment Status";
        self.json.concept(
            "category",
            C4BB_DISCRIMINATOR,
            "benefitpaymentstatus",
            display,
        );
        self.json
            .concept("reason", C4BB_PAYER_STATUS, "other", "Other");
        self.json.close();
        if self.dice.chance(100) {
            self.adjustment_reason();
        }
    }

    /// Why a line was not paid in full: group and reason, each in the general system and CMS's.
    fn adjustment_reason(&mut self) {
        self.json.open();
        let display = "Adjustment Reason";
        self.json
            .concept("category", C4BB_DISCRIMINATOR, "adjustmentreason", display);
        self.json.object("reason");
        self.json.array("coding");
        self.json.coding(
            "https://x12.org/codes/claim-adjustment-group-codes",
            "CO",
            "",
        );
        self.cms_coding("ANSI-GRP-CD", "CO", "Contractual Obligations");
        self.json.coding(
            "https://x12.org/codes/claim-adjustment-reason-codes",
            "45",
            "",
        );
        let display = "Charge exceeds fee schedule/maximum allowable.";
        self.cms_coding("ANSI-RSN-CD", "45", display);
        self.json.close_array();
        self.json.close();
        self.json.close();
    }

    pub(super) fn drug_detail(&mut self) {
        let (drug, _) = self.dice.pick(&DRUGS);
        let drug = if self.claim.kind == ClaimKind::Pde {
            drug
        } else {
            ndc_of_line(drug, self.claim.seed)
        };
        let thousandths = self.dice.between(1, 90) * 500;
        self.json.array("detail");
        self.json.open();
        self.json.number("sequence", 1);
        self.json.concept("productOrService", NDC, drug, "");
        self.json.object("quantity");
        self.json.thousandths("value", thousandths);
        self.json.text("unit", "GR");
        if self.claim.kind != ClaimKind::Pde {
            self.json.text("system", UCUM);
            self.json.text("code", "g");
        }
        self.json.close();
        self.json.close();
        self.json.close_array();
    }

    fn drug_line(&mut self, amounts: &Amounts) {
        let (drug, _) = self.dice.pick(&DRUGS);
        let is_compound = self.claim.is_one_in(8);
        let below = amounts.allowed.min(300_000);
        self.json.open();
        self.json.number("sequence", 1);
        if is_compound {
            let system = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBCompoundLiteral";
            self.json
                .concept("productOrService", system, "compound", "compound");
        } else {
            self.json.concept("productOrService", NDC, drug, "");
        }
        self.json.day("servicedDate", self.claim.from);
        if !is_compound {
            self.json.object("quantity");
            self.json.thousandths("value", 30_000);
            self.json.text("unit", "ML");
            self.json.close();
        }
        self.json.array("adjudication");
        let plan = amounts.allowed - amounts.coinsurance;
        self.amount(BENEFIT, ("CLM_LINE_CVRD_PD_AMT", "Payment Amount"), plan);
        let by_patient = ("CLM_LINE_BENE_PMT_AMT", "Line Paid By Beneficiary Amount");
        self.amount(BY_PATIENT, by_patient, amounts.coinsurance);
        for (code, display, cents) in [
            (
                "CLM_LINE_GRS_ABOVE_THRSHLD_AMT",
                "Gross Drug Cost Above Out Of Pocket Threshold",
                amounts.allowed - below,
            ),
            (
                "CLM_LINE_GRS_BLW_THRSHLD_AMT",
                "Gross Drug Cost Below Out Of Pocket Threshold",
                below,
            ),
            (
                "CLM_LINE_LIS_AMT",
                "Low Income Cost Sharing Subsidy Amount",
                0,
            ),
            (
                "CLM_LINE_PLRO_AMT",
                "Patient Liability Reduction Other Paid Amount",
                0,
            ),
            (
                "CLM_LINE_RPTD_GAP_DSCNT_AMT",
                "Claim Line Reported Gap Discount Amount",
                0,
            ),
        ] {
            self.open_cms_adjudication(code, display);
            self.json.money("amount", cents);
            self.json.close();
        }
        self.amount(
            SUBMITTED,
            ("TOT_RX_CST_AMT", "Total RX Cost Amount"),
            amounts.allowed,
        );
        self.json.close_array();
        if is_compound {
            self.drug_detail();
        }
        self.json.close();
    }
}
