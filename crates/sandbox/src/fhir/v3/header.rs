//! Supporting information and the money of the header in version 3.

use super::amounts::{COUNTS, SHARES};
use super::codes::{CARIN, CODED, DATED, On};
use super::{SYSTEM, Writer};
use crate::fhir::vocabulary::{
    C4BB_ADJUDICATION, C4BB_DISCRIMINATOR, C4BB_PAYER_STATUS, C4BB_SUPPORTING_INFO,
    HL7_ADJUDICATION, HL7_INFORMATION, UCUM,
};
use crate::population::claim::{ClaimKind, Standing};
use crate::population::processing::Code;

const DRG: &str = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software";

impl Writer<'_> {
    pub(super) fn supporting_info(&mut self) {
        let kind = self.claim.kind;
        self.json.array("supportingInfo");
        self.observation_info();
        for (on, category, system, code, cms, display) in CARIN {
            if on.holds(self.claim) {
                self.open_carin(category);
                self.json.object("code");
                self.json.array("coding");
                self.json.coding(system, code, "");
                self.cms_coding(cms, code, display);
                self.json.close_array();
                self.json.close();
                self.json.close();
            }
        }
        if On::Facility.holds(self.claim) {
            self.open_carin("admissionperiod");
            self.json
                .period("timingPeriod", self.claim.from, self.claim.through);
            self.json.close();
        }
        for (on, category, name, system, code, display) in CODED {
            if on.holds(self.claim) {
                let Some((code, display)) = self.decided(category, (code, display)) else {
                    continue;
                };
                self.open_info(category, name);
                self.json.object("code");
                self.json.array("coding");
                self.cms_coding(system, code, display);
                self.json.close_array();
                self.json.close();
                self.json.close();
            }
        }
        for (on, category, name, days) in DATED {
            if on.holds(self.claim) {
                self.open_info(category, name);
                self.json.day("timingDate", self.claim.through.plus(days));
                self.json.close();
            }
        }
        if kind == ClaimKind::Pde {
            self.pharmacy_info();
        } else {
            self.medical_info();
        }
        self.json.close_array();
    }

    /// The code of a category where it depends on how the claim was processed, else the usual one.
    fn decided(&self, category: &str, usual: Code) -> Option<Code> {
        match (category, self.claim.standing, self.claim.revision) {
            ("CLM_ADJSTMT_TYPE_CD", Standing::Superseded, _) => Some(("1", "VOID")),
            ("CLM_ADJSTMT_TYPE_CD", Standing::Final, 1..) => Some(("2", "ADJUSTMENT")),
            ("CLM_CARR_PMT_DNL_CD", ..) => Some(self.processing.payment_denial),
            ("CLM_MDCR_NPMT_RSN_CD", ..) => self.processing.non_payment,
            ("CLM_MDCR_INSTNL_MCO_PD_SW", ..) if self.processing.is_paid_by_plan => {
                Some(("1", "MCO has paid the provider for a claim"))
            }
            _ => Some(usual),
        }
    }

    fn observation_info(&mut self) {
        if !self.has_observation() {
            return;
        }
        self.open_info(
            "CLM_LINE_HCT_HGB_RSLT_NUM",
            "Hematocrit / Hemoglobin Test Results",
        );
        self.json.object("valueReference");
        self.json.text("reference", "#line-observation-1");
        self.json.close();
        self.json.close();
    }

    fn medical_info(&mut self) {
        self.open_carin("clmrecvddate");
        self.json.day("timingDate", self.claim.through.plus(4));
        self.json.close();
        self.open_info("CLM_BLOOD_PT_FRNSH_QTY", "Blood Pints Furnished Quantity");
        self.json.object("valueQuantity");
        let pints = self.dice.below(4);
        self.json.number("value", pints);
        self.json.text("unit", "pint");
        self.json.text("system", UCUM);
        self.json.text("code", "[pt_us]");
        self.json.close();
        self.json.close();
        if self.claim.kind == ClaimKind::Carrier {
            self.open_info("CLM_CLNCL_TRIL_NUM", "Clinical Trial Number");
            self.json.text("valueString", "00001337");
            self.json.close();
        }
        if On::Stay.holds(self.claim) {
            self.open_carin("drg");
            let group = self.dice.pick(&["470", "291", "871", "690", "194"]);
            self.json.concept("code", DRG, group, "");
            self.json.close();
        }
        if On::Facility.holds(self.claim) {
            self.open_carin("typeofbill");
            self.json.object("code");
            self.json.array("coding");
            // The source repeats the digits before in each code, and leads with a 0 or does not.
            let (facility, class) = self.claim.kind.bill_type();
            let frequency = self.processing.frequency.0;
            let zero = if self.claim.is_one_in(6) { "" } else { "0" };
            let system = "https://www.nubc.org/CodeSystem/TypeOfBill";
            let bill_type = format!("{facility}{class}{frequency}");
            self.json.coding(system, &format!("{zero}{bill_type}"), "");
            self.cms_coding("CLM-BILL-FAC-TYPE-CD", facility, "");
            self.cms_coding("CLM-BILL-CLSFCTN-CD", &format!("{facility}{class}"), "");
            self.cms_coding("CLM-BILL-FREQ-CD", &bill_type, "");
            self.json.close_array();
            self.json.close();
            self.json.close();
        }
    }

    fn pharmacy_info(&mut self) {
        let (refill, days) = (self.dice.below(6), self.dice.pick(&[30, 30, 60, 90]));
        for (category, value, unit) in [
            ("refillsauthorized", 5, "refills"),
            ("dayssupply", days, "days"),
            ("refillnum", refill, "fill"),
        ] {
            self.open_carin(category);
            self.json.object("valueQuantity");
            self.json.number("value", value);
            self.json.text("unit", unit);
            self.json.close();
            self.json.close();
        }
        let prescription = self.dice.between(100_000, 999_999);
        let name = "Claim Line Prescription Service Reference Number";
        self.open_info("CLM_LINE_RX_NUM", name);
        self.json
            .number_text("valueString", u64::from(prescription), 6);
        self.json.close();
        self.open_info("CLM_SBMTR_CNTRCT_NUM", "Submitter Contract Number");
        self.json.text("valueString", "S0001");
        self.json.close();
        self.open_info("CLM_SBMTR_CNTRCT_PBP_NUM", "Submitter Contract PBP Number");
        self.json.text("valueString", "003");
        self.json.close();
    }

    fn open_carin(&mut self, category: &str) {
        self.information += 1;
        self.json.open();
        self.json.number("sequence", self.information);
        self.json
            .concept("category", C4BB_SUPPORTING_INFO, category, "");
    }

    fn open_info(&mut self, category: &str, name: &str) {
        self.information += 1;
        self.json.open();
        self.json.number("sequence", self.information);
        self.json.object("category");
        self.json.array("coding");
        self.json.coding(HL7_INFORMATION, "info", "Information");
        self.cms_coding("Supporting-Information", category, name);
        self.json.close_array();
        self.json.close();
    }

    pub(super) fn header_adjudications(&mut self) {
        let sum = self.bill.sum;
        self.json.array("adjudication");
        self.json.open();
        let display = "Benefit Payment Status";
        self.json.concept(
            "category",
            C4BB_DISCRIMINATOR,
            "benefitpaymentstatus",
            display,
        );
        let (code, display) = if self.claim.kind == ClaimKind::Pde {
            ("outofnetwork", "Out Of Network")
        } else {
            ("other", "Other")
        };
        self.json
            .concept("reason", C4BB_PAYER_STATUS, code, display);
        self.json.close();
        if On::Stay.holds(self.claim) || self.claim.kind == ClaimKind::Hospice {
            for (code, display) in COUNTS {
                let count = self.dice.below(9);
                self.open_cms_adjudication(code, display);
                self.json.number("value", count);
                self.json.close();
            }
            self.open_cms_adjudication("CLM_MDCR_IP_PPS_DRG_WT_NUM", "PPS DRG Weight Number");
            let weight = i64::from(self.dice.between(50, 420));
            self.json.cents("value", weight);
            self.json.close();
        }
        if self.claim.kind.is_institutional() {
            for (code, display, percent) in SHARES {
                self.open_cms_adjudication(code, display);
                self.json.money("amount", sum.paid * percent / 100);
                self.json.close();
            }
        } else if self.claim.kind != ClaimKind::Pde {
            for (code, display, cents) in [
                ("CLM_ALOWD_CHRG_AMT", "Allowed Charge Amount", sum.allowed),
                ("CLM_PRVDR_PMT_AMT", "Provider Payment Amount", sum.paid),
                ("CLM_BENE_PMT_AMT", "Payment Amount to Beneficiary", 0),
                ("CLM_PRVDR_ACNT_RCVBL_OFST_AMT", "Provider Offset Amount", 0),
            ] {
                self.open_cms_adjudication(code, display);
                self.json.money("amount", cents);
                self.json.close();
            }
        }
        self.json.close_array();
    }

    /// Opens an adjudication of CMS's code alone.
    pub(super) fn open_cms_adjudication(&mut self, code: &str, display: &str) {
        self.json.open();
        self.json.object("category");
        self.json.array("coding");
        self.cms_coding("Adjudication", code, display);
        self.json.close_array();
        self.json.close();
    }

    /// A whole adjudication, or a whole `total`, of a general category and CMS's code.
    pub(super) fn amount(
        &mut self,
        general: (&str, &str, &str),
        (code, display): (&str, &str),
        cents: i64,
    ) {
        self.json.open();
        self.json.object("category");
        self.json.array("coding");
        self.json.coding(general.0, general.1, general.2);
        self.json.open();
        self.json.text2("system", SYSTEM, "Adjudication");
        self.json.text("code", code);
        self.json.text("display", display);
        self.json.close();
        self.json.close_array();
        self.json.close();
        self.json.money("amount", cents);
        self.json.close();
    }

    pub(super) fn totals(&mut self) {
        let sum = self.bill.sum;
        self.json.array("total");
        if self.claim.kind == ClaimKind::Pde {
            let by_patient = (C4BB_ADJUDICATION, "paidbypatient", "Paid by patient");
            let name = ("CLM_BENE_PMT_AMT", "Paid By Beneficiary Amount");
            self.amount(by_patient, name, sum.coinsurance);
            let name = "Other Third Party Payer Paid Amount";
            self.open_cms_adjudication("CLM_OTHR_TP_PD_AMT", name);
            self.json.money("amount", 0);
            self.json.close();
            let cost = ("TOT_RX_CST_AMT", "Total RX Cost Amount");
            self.amount(
                (HL7_ADJUDICATION, "submitted", "Submitted Amount"),
                cost,
                sum.allowed,
            );
        } else {
            let charge = ("CLM_SBMT_CHRG_AMT", "Total Charge Amount");
            let submitted = (HL7_ADJUDICATION, "submitted", "Submitted Amount");
            self.amount(submitted, charge, sum.submitted);
            let deductible = ("CLM_MDCR_DDCTBL_AMT", "Beneficiary Deductible Amount");
            let general = (HL7_ADJUDICATION, "deductible", "Deductible");
            self.amount(general, deductible, sum.deductible);
            let coinsurance = (
                "CLM_MDCR_COINSRNC_AMT",
                "Beneficiary Coinsurance Liability Amount",
            );
            let general = (C4BB_ADJUDICATION, "coinsurance", "Co-insurance");
            self.amount(general, coinsurance, sum.coinsurance);
            let noncovered = (
                "CLM_NCVRD_CHRG_AMT",
                "Inpatient(or other Part A) Non-covered Charge Amount",
            );
            let general = (C4BB_ADJUDICATION, "noncovered", "Noncovered");
            self.amount(general, noncovered, sum.noncovered);
        }
        self.json.close_array();
    }
}
