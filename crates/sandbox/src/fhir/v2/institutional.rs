//! Claims of facilities in version 2: hospitals, nursing facilities, home health, hospice.

use super::Writer;
use super::parts::{Category, Member};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_IDENTIFIER_TYPE, FACILITIES, HL7_IDENTIFIER_TYPE, ICD10, ICD10_PCS, NPI, PROCEDURES,
    SPECIALTIES, TAXONOMY, UCUM, npi,
};
use crate::population::claim::ClaimKind;

impl Writer<'_> {
    /// Old outpatient bodies number their lines from 25 on.
    pub(super) fn first_revenue_line(&self) -> u32 {
        if self.claim.kind == ClaimKind::Outpatient && self.claim.is_one_in(12) {
            25
        } else {
            1
        }
    }

    pub(super) fn is_hospital_stay(&self) -> bool {
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
        if !self.claim.is_one_in(3) {
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
        if let Some((code, display)) = self.processing.non_payment {
            self.json
                .variable_extension("clm_mdcr_non_pmt_rsn_cd", code, display);
        }
        let (_, class) = self.claim.kind.bill_type();
        self.json
            .variable_extension("clm_srvc_clsfctn_type_cd", class, "");
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
            let paid = if self.processing.is_paid_by_plan {
                ("1", "MCO has paid the provider for a claim")
            } else {
                ("0", "No managed care organization (MCO) payment")
            };
            self.coded_info(&mut next, switch, paid);
        }
        self.open_carin_info(&mut next, "typeofbill", "Type of Bill", None);
        let (code, display) = self.processing.frequency;
        self.variable_concept("code", "clm_freq_cd", code, display);
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
}
