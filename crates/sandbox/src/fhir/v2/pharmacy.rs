//! Part D events of version 2.

use super::parts::Category;
use super::{Writer, is_old_form};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_CARE_TEAM_ROLE, C4BB_IDENTIFIER_TYPE, C4BB_PAYER_STATUS, DRUGS, FACILITIES, NDC, NPI,
    PRACTITIONERS, SPECIALTIES, TAXONOMY, UCUM, npi,
};
use crate::population::claim::Standing;

const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// A code, or a variable, and what it says.
type Coded = (&'static str, &'static str);

/// Supporting information whose value is one of a variable's codes.
const CODED: [(Coded, Coded); 8] = [
    (
        ("drug_cvrg_stus_cd", "Drug Coverage Status Code"),
        ("C", "Covered"),
    ),
    (
        (
            "daw_prod_slctn_cd",
            "Dispense as Written (DAW) Product Selection Code",
        ),
        (
            "0",
            "No Product Selection Indicated (may also have missing values)",
        ),
    ),
    (
        ("dspnsng_stus_cd", "Dispensing Status Code"),
        ("P", "Partial fill"),
    ),
    (
        ("nstd_frmt_cd", "Non-Standard Format Code"),
        ("X", "X12 837"),
    ),
    (
        ("prcng_excptn_cd", "Pricing Exception Code"),
        ("M", "Medicare is a secondary payer (MSP)"),
    ),
    (
        ("ctstrphc_cvrg_cd", "Catastrophic Coverage Code"),
        ("C", "Above attachment point"),
    ),
    (
        ("ptnt_rsdnc_cd", "Patient Residence Code"),
        ("02", "Skilled Nursing Facility"),
    ),
    (
        ("submsn_clr_cd", "Submission clarification code"),
        ("08", "Process compound for approved ingredients"),
    ),
];

impl Writer<'_> {
    fn is_compound(&self) -> bool {
        self.claim.is_one_in(8)
    }

    pub(super) fn pharmacy_body(&mut self) {
        let pharmacy = self.dice.below(3_000);
        let prescriber = self.dice.below(3_000);
        let days = self.dice.pick(&[30, 30, 60, 90]);
        self.json.object("provider");
        self.json.object("identifier");
        self.json.text("system", NPI);
        self.json.number_text("value", npi(pharmacy), 10);
        self.json.close();
        self.json.close();
        self.pharmacy_facility(pharmacy);
        if !is_old_form(self.claim) {
            self.json.text("outcome", "complete");
        }
        self.prescriber(prescriber);
        self.dispensing(days);
        self.json.array("insurance");
        self.json.open();
        if !is_old_form(self.claim) {
            self.json.literal("focal", "true");
        }
        self.json.object("coverage");
        self.json.array("extension");
        self.plan_extension("plan_cntrct_rec_id", "H9999");
        self.plan_extension("plan_pbp_rec_num", "020");
        self.json.close_array();
        self.json
            .id_text("reference", "Coverage/part-d-", self.person.v2_id);
        self.json.close();
        self.json.close();
        self.json.close_array();
        self.json.array("item");
        self.drug(days);
        self.json.close_array();
        self.pharmacy_total();
        self.json.object("payment");
        self.json.day("date", self.claim.through.plus(15));
        self.json.close();
    }

    fn pharmacy_facility(&mut self, pharmacy: u32) {
        self.json.object("facility");
        self.json.array("extension");
        let display = "Community/retail pharmacy";
        self.json
            .variable_extension("phrmcy_srvc_type_cd", "01", display);
        self.json.close_array();
        self.json.object("identifier");
        if is_old_form(self.claim) {
            self.json.text("system", NPI);
        } else {
            self.json.concept("type", C4BB_IDENTIFIER_TYPE, "npi", "");
        }
        self.json.number_text("value", npi(pharmacy), 10);
        self.json.close();
        if self.claim.is_one_in(3) {
            let name = self.dice.pick(&FACILITIES);
            self.json.text("display", name);
        }
        self.json.close();
    }

    fn prescriber(&mut self, prescriber: u32) {
        self.json.array("careTeam");
        self.json.open();
        // Old bodies begin to count at two.
        self.json.number("sequence", self.prescriber_sequence());
        self.json.object("provider");
        if is_old_form(self.claim) {
            self.json.object("identifier");
            self.json.text("system", NPI);
            self.json.number_text("value", npi(prescriber), 10);
            self.json.close();
        } else {
            self.npi_identifier(prescriber);
            let (family, given) = self.dice.pick(&PRACTITIONERS);
            self.json.text3("display", given, " ", family);
        }
        self.json.close();
        let display = "Prescribing provider";
        self.json
            .concept("role", C4BB_CARE_TEAM_ROLE, "prescribing", display);
        let (_, taxonomy, display) = self.dice.pick(&SPECIALTIES);
        self.json
            .concept("qualification", TAXONOMY, taxonomy, display);
        self.json.close();
        self.json.close_array();
    }

    fn prescriber_sequence(&self) -> u32 {
        if is_old_form(self.claim) { 2 } else { 1 }
    }

    fn dispensing(&mut self, days: u32) {
        self.json.array("supportingInfo");
        let mut sequence = 1;
        self.open_carin_info(&mut sequence, "compoundcode", "Compound Code", None);
        self.json
            .concept("code", ACT_CODE, "RXDINV", "Rx dispense invoice");
        self.json.close();
        let refills = self.dice.below(6);
        for (code, display, value) in [
            ("refillnum", "Refill Number", refills),
            ("dayssupply", "Days Supply", days),
        ] {
            self.open_carin_info(&mut sequence, code, display, None);
            self.json.object("valueQuantity");
            self.json.number("value", value);
            self.json.close();
            self.json.close();
        }
        for (variable, code) in CODED {
            self.coded_info(&mut sequence, variable, code);
        }
        // An original event has none.
        let changed = match (self.claim.standing, self.claim.revision) {
            (Standing::Superseded, _) => Some(("D", "Deletion")),
            (Standing::Final, 1..) => Some(("A", "Adjustment")),
            (Standing::Final, 0) => None,
        };
        if let Some(code) = changed {
            let variable = ("adjstmt_dltn_cd", "Adjustment Deletion Code");
            self.coded_info(&mut sequence, variable, code);
        }
        self.open_carin_info(&mut sequence, "rxorigincode", "Rx Origin Code", None);
        self.variable_concept("code", "rx_orgn_cd", "3", "Electronic");
        self.json.close();
        let display = "Brand Generic Indicator";
        self.open_carin_info(&mut sequence, "brandgenericindicator", display, None);
        self.variable_concept("code", "brnd_gnrc_cd", "G", "Generic Null/missing");
        self.json.close();
        self.json.close_array();
    }

    fn plan_extension(&mut self, name: &str, value: &str) {
        self.json.open();
        self.json.text2("url", VARIABLE, name);
        self.json.object("valueIdentifier");
        self.json.text2("system", VARIABLE, name);
        self.json.text("value", value);
        self.json.close();
        self.json.close();
    }

    fn drug(&mut self, days: u32) {
        let (code, display) = self.dice.pick(&DRUGS);
        self.json.open();
        self.json.number("sequence", 1);
        self.json.array("careTeamSequence");
        self.json.number_element(self.prescriber_sequence());
        self.json.close_array();
        self.json.object("productOrService");
        if is_old_form(self.claim) && self.claim.is_one_in(2) {
            // A drug that is not known: the reason stands where the code should.
            self.json.array("extension");
            self.json.open();
            self.json.text("url", DATA_ABSENT);
            self.json.object("valueCoding");
            self.json.text("system", DATA_ABSENT);
            self.json.text("code", "NULL");
            self.json.text("display", "Data Absent Reason");
            self.json.close();
            self.json.close();
            self.json.close_array();
            self.json.array("coding");
            self.json.coding(DATA_ABSENT, "NULL", "");
        } else {
            self.json.array("coding");
            self.json.coding(NDC, code, display);
        }
        self.json.close_array();
        self.json.close();
        if self.is_compound() {
            self.json.array("modifier");
            self.json.concept_element(UCUM, "ML", "Milliliter");
            self.json.close_array();
        }
        self.json.day("servicedDate", self.claim.from);
        self.json.object("quantity");
        if is_old_form(self.claim) {
            self.json.array("extension");
            for (variable, value) in [("days_suply_num", days), ("fill_num", 1)] {
                self.json.open();
                self.json.text2("url", VARIABLE, variable);
                self.json.object("valueQuantity");
                self.json.number("value", value);
                self.json.close();
                self.json.close();
            }
            self.json.close_array();
        }
        let thousandths = if self.is_compound() {
            days * 1_080
        } else {
            days * 1_000
        };
        self.json.thousandths("value", thousandths);
        self.json.close();
        self.drug_amounts();
        if self.is_compound() {
            self.json.array("detail");
            self.json.open();
            self.json.array("programCode");
            self.json
                .concept_element(ACT_CODE, "RXCINV", "Rx compound invoice");
            self.json.close_array();
            self.json.close();
            self.json.close_array();
        }
        self.json.close();
    }

    /// What everybody paid: together the cost of the drug.
    fn drug_amounts(&mut self) {
        use Category::{Benefit, Coinsurance, Discount, DrugCost, PaidByPatient, PriorPayerPaid};
        let cost = self.bill.sum.allowed;
        let patient = self.bill.sum.coinsurance;
        let subsidy = if self.person.is_dual { patient / 2 } else { 0 };
        let other = if self.claim.is_one_in(6) {
            patient / 10
        } else {
            0
        };
        let gap = if self.claim.is_one_in(10) {
            patient / 5
        } else {
            0
        };
        let own = patient - subsidy - other - gap;
        let below = cost.min(300_000);
        let amounts = [
            (
                Benefit,
                "cvrd_d_plan_pd_amt",
                "Amount paid by Part D plan for the PDE (drug is covered by Part D)",
                cost - patient,
            ),
            (
                Coinsurance,
                "gdc_blw_oopt_amt",
                "Gross Drug Cost Below Part D Out-of-Pocket Threshold (GDCB)",
                below,
            ),
            (
                Coinsurance,
                "gdc_abv_oopt_amt",
                "Gross Drug Cost Above Part D Out-of-Pocket Threshold (GDCA)",
                cost - below,
            ),
            (PaidByPatient, "ptnt_pay_amt", "Amount Paid by Patient", own),
            (
                PriorPayerPaid,
                "othr_troop_amt",
                "Other True Out-of-Pocket (TrOOP) Amount",
                0,
            ),
            (
                Discount,
                "lics_amt",
                "Amount paid for the PDE by Part D low income subsidy",
                subsidy,
            ),
            (
                PriorPayerPaid,
                "plro_amt",
                "Reduction in patient liability due to payments by other payers (PLRO)",
                other,
            ),
            (DrugCost, "tot_rx_cst_amt", "Total drug cost (Part D)", cost),
            (Discount, "rptd_gap_dscnt_num", "Gap Discount Amount", gap),
        ];
        self.json.array("adjudication");
        for (category, variable, display, cents) in amounts {
            if is_old_form(self.claim) {
                // Old bodies give amounts without a currency.
                self.json.open();
                self.adjudication_category(category, variable, display);
                self.json.object("amount");
                self.json.cents("value", cents);
                self.json.close();
                self.json.close();
            } else {
                self.adjudication(category, (variable, display), cents);
            }
        }
        self.json.close_array();
    }

    fn pharmacy_total(&mut self) {
        let cost = self.bill.sum.allowed;
        self.json.array("total");
        self.json.open();
        self.plain_category(Category::DrugCost);
        self.json.money("amount", cost);
        self.json.close();
        self.json.open();
        self.json
            .concept("category", C4BB_PAYER_STATUS, "other", "Other");
        self.json.money("amount", 0);
        self.json.close();
        self.json.close_array();
    }
}
