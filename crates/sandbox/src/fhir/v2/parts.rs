//! Parts that several claim types of version 2 share.

use super::{Writer, is_old_form};
use crate::fhir::json::VARIABLE;
use crate::fhir::vocabulary::{
    C4BB_ADJUDICATION, C4BB_CARE_TEAM_ROLE, C4BB_DIAGNOSIS_TYPE, C4BB_IDENTIFIER_TYPE,
    C4BB_SUB_TYPE, C4BB_SUPPORTING_INFO, DIAGNOSES, Diagnosis, EXTERNAL_CAUSES, HL7_ADJUDICATION,
    HL7_DIAGNOSIS_TYPE, HL7_INFORMATION, ICD9_CM, ICD10, ICD10_CM, OLD_DIAGNOSES, SENSITIVE,
    is_before_icd10, npi,
};
use crate::population::claim::ClaimKind;

const INFORMATION: &str = "https://bluebutton.cms.gov/resources/codesystem/information";
const ADJUDICATION: &str = "https://bluebutton.cms.gov/resources/codesystem/adjudication";
const BENEFIT_BALANCE: &str = "https://bluebutton.cms.gov/resources/codesystem/benefit-balance";

/// An adjudication category: the HL7 or CARIN code, and what it is shown as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Category {
    Submitted,
    Eligible,
    Benefit,
    Deductible,
    Coinsurance,
    NonCovered,
    PaidToPatient,
    PaidToProvider,
    PaidByPatient,
    PriorPayerPaid,
    Discount,
    DrugCost,
}

impl Category {
    fn coding(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Category::Submitted => (HL7_ADJUDICATION, "submitted", "Submitted Amount"),
            Category::Eligible => (HL7_ADJUDICATION, "eligible", "Eligible Amount"),
            Category::Benefit => (HL7_ADJUDICATION, "benefit", "Benefit Amount"),
            Category::Deductible => (HL7_ADJUDICATION, "deductible", "Deductible"),
            Category::Coinsurance => (C4BB_ADJUDICATION, "coinsurance", "Co-insurance"),
            Category::NonCovered => (C4BB_ADJUDICATION, "noncovered", "Noncovered"),
            Category::PaidToPatient => (C4BB_ADJUDICATION, "paidtopatient", "Paid to patient"),
            Category::PaidToProvider => (C4BB_ADJUDICATION, "paidtoprovider", "Paid to provider"),
            Category::PaidByPatient => (C4BB_ADJUDICATION, "paidbypatient", "Paid by patient"),
            Category::PriorPayerPaid => (C4BB_ADJUDICATION, "priorpayerpaid", "Prior payer paid"),
            Category::Discount => (C4BB_ADJUDICATION, "discount", "Discount"),
            Category::DrugCost => (C4BB_ADJUDICATION, "drugcost", "Drug Cost"),
        }
    }
}

/// A line of a care team.
pub(super) struct Member {
    pub(super) sequence: u32,
    pub(super) provider: u32,
    pub(super) role: &'static str,
    pub(super) role_display: &'static str,
}

impl Writer<'_> {
    pub(super) fn sub_type(&mut self) {
        let (code, text) = match self.claim.kind {
            ClaimKind::Inpatient | ClaimKind::Snf => ("inpatient", "Inpatient"),
            ClaimKind::Outpatient | ClaimKind::Hha => ("outpatient", "Outpatient"),
            _ => return,
        };
        self.json.object("subType");
        self.json.array("coding");
        self.json.coding(C4BB_SUB_TYPE, code, "");
        self.json.close_array();
        self.json.text("text", text);
        self.json.close();
    }

    /// `identifier` with the type NPI.
    pub(super) fn npi_identifier(&mut self, provider: u32) {
        self.json.object("identifier");
        let display = "National Provider Identifier";
        self.json
            .concept("type", C4BB_IDENTIFIER_TYPE, "npi", display);
        self.json.number_text("value", npi(provider), 10);
        self.json.close();
    }

    /// `identifier` with the type NPI and zeros, as the source fills a number it does not have.
    pub(super) fn unknown_npi(&mut self) {
        self.json.object("identifier");
        let display = "National Provider Identifier";
        self.json
            .concept("type", C4BB_IDENTIFIER_TYPE, "npi", display);
        self.json.text("value", "0000000000");
        self.json.close();
    }

    /// Opens a member of the care team; the caller may add to it and closes it.
    pub(super) fn open_member(&mut self, member: &Member) {
        self.json.open();
        self.member_tail(member);
    }

    /// All of a member that follows its extensions.
    pub(super) fn member_tail(&mut self, member: &Member) {
        self.json.number("sequence", member.sequence);
        self.json.object("provider");
        self.npi_identifier(member.provider);
        self.json.close();
        self.json.concept(
            "role",
            C4BB_CARE_TEAM_ROLE,
            member.role,
            member.role_display,
        );
    }

    pub(super) fn member(&mut self, member: &Member) {
        self.open_member(member);
        self.json.close();
    }

    /// Opens a supportingInfo whose category is a CMS variable; the caller adds the value and
    /// closes it.
    pub(super) fn open_info(&mut self, sequence: &mut u32, variable: &str, display: &str) {
        let system = if is_old_form(self.claim) {
            "http://hl7.org/fhir/ValueSet/claim-informationcategory"
        } else {
            HL7_INFORMATION
        };
        let category = (system, "info", "Information");
        self.open_info_of(sequence, category, Some((variable, display)));
    }

    /// Opens a supportingInfo of a CARIN category.
    pub(super) fn open_carin_info(
        &mut self,
        sequence: &mut u32,
        code: &str,
        display: &str,
        variable: Option<(&str, &str)>,
    ) {
        self.open_info_of(sequence, (C4BB_SUPPORTING_INFO, code, display), variable);
    }

    fn open_info_of(
        &mut self,
        sequence: &mut u32,
        (system, code, display): (&str, &str, &str),
        variable: Option<(&str, &str)>,
    ) {
        self.json.open();
        self.json.number("sequence", *sequence);
        *sequence += 1;
        self.json.object("category");
        self.json.array("coding");
        self.json.coding(system, code, display);
        if let Some((name, display)) = variable {
            self.json.open();
            self.json.text("system", INFORMATION);
            self.json.text2("code", VARIABLE, name);
            self.json.text("display", display);
            self.json.close();
        }
        self.json.close_array();
        self.json.close();
    }

    /// A whole supportingInfo whose value is a code of the category's own variable.
    pub(super) fn coded_info(
        &mut self,
        sequence: &mut u32,
        (variable, display): (&str, &str),
        (code, code_display): (&str, &str),
    ) {
        self.open_info(sequence, variable, display);
        self.variable_concept("code", variable, code, code_display);
        self.json.close();
    }

    /// `"key":{"coding":[…]}` of a CMS variable.
    pub(super) fn variable_concept(&mut self, key: &str, name: &str, code: &str, display: &str) {
        self.json.object(key);
        self.json.array("coding");
        self.json.variable(name, code, display);
        self.json.close_array();
        self.json.close();
    }

    /// The claim's date of receipt, which holds the week of processing.
    pub(super) fn received_info(&mut self, sequence: &mut u32) {
        let variable = Some(("nch_wkly_proc_dt", "NCH Weekly Claim Processing Date"));
        let display = "Claim Received Date";
        self.open_carin_info(sequence, "clmrecvddate", display, variable);
        let day = self.claim.through.plus(14);
        self.json.day("timingDate", day);
        self.json.close();
    }

    pub(super) fn adjudication_category(
        &mut self,
        category: Category,
        variable: &str,
        display: &str,
    ) {
        let (mut system, code, code_display) = category.coding();
        if is_old_form(self.claim) {
            system = "http://hl7.org/fhir/us/carin-bb/ValueSet/C4BBAdjudication";
        }
        self.json.object("category");
        self.json.array("coding");
        self.json.coding(system, code, code_display);
        self.json.open();
        self.json.text("system", ADJUDICATION);
        self.json.text2("code", VARIABLE, variable);
        self.json.text("display", display);
        self.json.close();
        self.json.close_array();
        self.json.close();
    }

    /// A whole adjudication, or a whole `total`: they look alike.
    pub(super) fn adjudication(
        &mut self,
        category: Category,
        (variable, display): (&str, &str),
        cents: i64,
    ) {
        self.json.open();
        self.adjudication_category(category, variable, display);
        self.json.money("amount", cents);
        self.json.close();
    }

    /// A whole `total` of a category alone.
    pub(super) fn plain_category(&mut self, category: Category) {
        let (system, code, display) = category.coding();
        self.json.concept("category", system, code, display);
    }

    /// `benefitBalance`, open for financials.
    pub(super) fn open_benefit_balance(&mut self) {
        self.json.array("benefitBalance");
        self.json.open();
        let system = "http://terminology.hl7.org/CodeSystem/ex-benefitcategory";
        self.json.concept("category", system, "1", "Medical Care");
        self.json.array("financial");
    }

    pub(super) fn close_benefit_balance(&mut self) {
        self.json.close_array();
        self.json.close();
        self.json.close_array();
    }

    fn open_financial(&mut self, variable: &str, display: &str) {
        self.json.open();
        self.json.object("type");
        self.json.array("coding");
        self.json.open();
        self.json.text("system", BENEFIT_BALANCE);
        self.json.text2("code", VARIABLE, variable);
        self.json.text("display", display);
        self.json.close();
        self.json.close_array();
        self.json.close();
    }

    pub(super) fn financial(&mut self, variable: &str, display: &str, cents: i64) {
        self.open_financial(variable, display);
        self.json.money("usedMoney", cents);
        self.json.close();
    }

    pub(super) fn financial_count(&mut self, variable: &str, display: &str, count: u32) {
        self.open_financial(variable, display);
        self.json.number("usedUnsignedInt", count);
        self.json.close();
    }

    /// `insurance` under a part of Medicare, open for the coverage's extensions.
    pub(super) fn insurance(&mut self, part: &str) {
        self.json.array("insurance");
        self.json.open();
        self.json.literal("focal", "true");
        self.json.object("coverage");
        self.json.id_text("reference", part, self.person.v2_id);
        self.json.close();
        self.json.close();
        self.json.close_array();
    }

    /// All diagnoses; gives how many there are.
    pub(super) fn diagnoses(&mut self) -> u32 {
        let is_institutional = self.claim.kind.is_institutional();
        let is_stay = matches!(self.claim.kind, ClaimKind::Inpatient | ClaimKind::Snf);
        let count = self.dice.between(1, if is_stay { 9 } else { 5 });
        self.json.array("diagnosis");
        let mut sequence = 0;
        let other = if is_institutional {
            ("other", "Other")
        } else {
            ("secondary", "Secondary")
        };
        if is_stay {
            sequence += 1;
            let diagnosis = self.dice.pick(&DIAGNOSES);
            let kind = (HL7_DIAGNOSIS_TYPE, "admitting", "Admitting Diagnosis");
            self.diagnosis(sequence, diagnosis, kind, None);
        }
        for position in 0..count {
            sequence += 1;
            let mut diagnosis = self.dice.pick(&DIAGNOSES);
            if position == 0 && self.claim.is_sensitive {
                diagnosis = self.dice.pick(&SENSITIVE);
            }
            // The source labels two diagnoses principal now and then.
            let is_principal = position == 0 || (position == 1 && self.claim.is_one_in(9));
            let kind = if is_principal {
                (HL7_DIAGNOSIS_TYPE, "principal", "Principal Diagnosis")
            } else {
                (C4BB_DIAGNOSIS_TYPE, other.0, other.1)
            };
            let admission = is_stay.then_some(("clm_poa_ind_sw", position + 1));
            self.diagnosis(sequence, diagnosis, kind, admission);
        }
        if is_institutional && self.dice.chance(250) {
            sequence += 1;
            let diagnosis = self.dice.pick(&EXTERNAL_CAUSES);
            let kind = (
                C4BB_DIAGNOSIS_TYPE,
                "externalcauseofinjury",
                "External Cause of Injury",
            );
            let admission = is_stay.then_some(("clm_e_poa_ind_sw", 1));
            self.diagnosis(sequence, diagnosis, kind, admission);
        }
        if self.claim.kind == ClaimKind::Outpatient && self.dice.chance(300) {
            sequence += 1;
            let diagnosis = self.dice.pick(&DIAGNOSES);
            let kind = (
                C4BB_DIAGNOSIS_TYPE,
                "patientreasonforvisit",
                "Patient Reason for Visit",
            );
            self.diagnosis(sequence, diagnosis, kind, None);
        }
        self.json.close_array();
        sequence
    }

    fn diagnosis(
        &mut self,
        sequence: u32,
        diagnosis: Diagnosis,
        (system, code, display): (&str, &str, &str),
        admission: Option<(&str, u32)>,
    ) {
        self.json.open();
        if let Some((variable, number)) = admission {
            let (code, display) = self.dice.pick(&[
                ("Y", "Diagnosis was present at the time of admission (POA)"),
                ("N", "Diagnosis was not present at the time of admission"),
            ]);
            self.json.array("extension");
            self.json
                .numbered_extension(variable, number, code, display);
            self.json.close_array();
        }
        self.json.number("sequence", sequence);
        self.json.object("diagnosisCodeableConcept");
        self.json.array("coding");
        if is_before_icd10(self.claim.through) {
            let old = self.dice.pick(&OLD_DIAGNOSES);
            self.json.coding(ICD9_CM, old.bare, old.display);
        } else {
            self.json
                .coding(ICD10_CM, diagnosis.bare, diagnosis.display);
            self.json.coding(ICD10, diagnosis.bare, diagnosis.display);
        }
        self.json.close_array();
        self.json.close();
        self.json.array("type");
        self.json.concept_element(system, code, display);
        self.json.close_array();
        if code == "principal" && self.claim.kind == ClaimKind::Inpatient && self.claim.is_one_in(6)
        {
            self.variable_concept("packageCode", "clm_drg_cd", "191", "");
        }
        self.json.close();
    }
}
