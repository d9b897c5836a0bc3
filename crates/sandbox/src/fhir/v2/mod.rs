//! Bodies as API version 2 spells them: CMS variables in extensions, money of the header in
//! `benefitBalance`, `created` at the time of the request.

mod balance;
mod coverage;
mod institutional;
mod parts;
mod patient;
mod pharmacy;
mod professional;
mod professional_line;
mod revenue_line;

pub(crate) use coverage::{PARTS, coverage};
pub(crate) use patient::patient;

use super::body::Body;
use super::json::{InstantStyle, Json};
use super::vocabulary::{C4BB_IDENTIFIER_TYPE, HL7_CLAIM_TYPE};
use crate::population::claim::{Claim, ClaimKind, Standing, v2_claim_id};
use crate::population::dice::Dice;
use crate::population::money::Bill;
use crate::population::person::Person;
use crate::population::processing::Processing;

/// What every part of a body is written from.
pub(crate) struct Writer<'a> {
    pub(crate) json: Json,
    pub(crate) dice: Dice,
    pub(crate) person: &'a Person,
    pub(crate) claim: &'a Claim,
    pub(crate) bill: Bill,
    pub(crate) processing: Processing,
}

/// Old bodies lack what later releases added: some Part D events are still served so.
fn is_old_form(claim: &Claim) -> bool {
    claim.kind == ClaimKind::Pde && claim.is_one_in(5)
}

/// An ExplanationOfBenefit.
pub(crate) fn eob(person: &Person, claim: &Claim) -> Body {
    let bill = Bill::of(claim);
    let capacity = 9_000 + bill.served_lines() * 9_500;
    let mut writer = Writer {
        json: Json::with_capacity(capacity),
        dice: Dice::of(&[claim.seed, 0x7632]),
        person,
        claim,
        bill,
        processing: Processing::of(claim),
    };
    let created_at = writer.eob();
    Body::new(writer.json.into_bytes(), created_at)
}

impl Writer<'_> {
    /// Writes the whole resource; says where the text of `created` is, if it has one.
    fn eob(&mut self) -> Option<usize> {
        self.json.open();
        self.json.text("resourceType", "ExplanationOfBenefit");
        self.head();
        match self.claim.kind {
            ClaimKind::Carrier | ClaimKind::Dme => self.professional_head(),
            ClaimKind::Pde => {}
            _ => self.institutional_head(),
        }
        self.identifiers();
        let status = match self.claim.standing {
            Standing::Final => "active",
            Standing::Superseded => "cancelled",
        };
        self.json.text("status", status);
        self.claim_type();
        if !is_old_form(self.claim) {
            self.json.text("use", "claim");
        }
        self.json.object("patient");
        self.json
            .id_text("reference", "Patient/", self.person.v2_id);
        self.json.close();
        self.billable_period();
        let created_at = self.created();
        if !is_old_form(self.claim) {
            self.json.object("insurer");
            self.json.object("identifier");
            self.json.text("value", "CMS");
            self.json.close();
            self.json.close();
        }
        match self.claim.kind {
            ClaimKind::Carrier | ClaimKind::Dme => self.professional_body(),
            ClaimKind::Pde => self.pharmacy_body(),
            _ => self.institutional_body(),
        }
        self.json.close();
        created_at
    }

    fn head(&mut self) {
        let kind = self.claim.kind;
        let id = v2_claim_id(self.person.index, self.claim.number, self.claim.is_intruder);
        let prefix = match kind {
            ClaimKind::Carrier => "carrier-",
            ClaimKind::Pde => "pde-",
            ClaimKind::Outpatient => "outpatient-",
            ClaimKind::Dme => "dme-",
            ClaimKind::Hha => "hha-",
            ClaimKind::Hospice => "hospice-",
            ClaimKind::Inpatient => "inpatient-",
            ClaimKind::Snf => "snf-",
        };
        self.json.id_text("id", prefix, id);
        self.json.object("meta");
        let style = if self.claim.is_one_in(7) {
            InstantStyle::UsEast
        } else {
            InstantStyle::Utc
        };
        self.json.instant("lastUpdated", self.claim.updated, style);
        self.json.array("profile");
        let profile = match kind {
            ClaimKind::Carrier | ClaimKind::Dme => "Professional-NonClinician",
            ClaimKind::Pde => "Pharmacy",
            ClaimKind::Inpatient | ClaimKind::Snf => "Inpatient-Institutional",
            _ => "Outpatient-Institutional",
        };
        self.json.element2(
            "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-",
            profile,
        );
        self.json.close_array();
        self.json.close();
    }

    fn identifiers(&mut self) {
        let (person, claim) = (self.person.index, self.claim);
        let id = v2_claim_id(person, claim.number, claim.is_intruder);
        let group = v2_claim_id(person, claim.group, claim.is_intruder);
        self.json.array("identifier");
        let is_pde = claim.kind == ClaimKind::Pde;
        let name = if is_pde { "pde_id" } else { "clm_id" };
        self.identifier("variables/", name, id);
        // The group is a number of its own, the same for all versions of a claim.
        self.identifier("identifier/", "claim-group", 50_000_000_000 + group.abs());
        if is_pde {
            let number = i64::from(self.dice.between(1_000_000, 99_999_999));
            self.identifier("variables/", "rx_srvc_rfrnc_num", number);
        }
        self.json.close_array();
    }

    fn identifier(&mut self, folder: &str, name: &str, value: i64) {
        self.json.open();
        if !is_old_form(self.claim) {
            let (code, display) = ("uc", "Unique Claim ID");
            self.json
                .concept("type", C4BB_IDENTIFIER_TYPE, code, display);
        }
        self.json.text3(
            "system",
            "https://bluebutton.cms.gov/resources/",
            folder,
            name,
        );
        self.json.id_text("value", "", value);
        self.json.close();
    }

    fn claim_type(&mut self) {
        let (code, display) = match self.claim.kind {
            ClaimKind::Carrier => (
                "71",
                "Local carrier non-durable medical equipment, prosthetics, orthotics, and supplies (DMEPOS) claim",
            ),
            ClaimKind::Dme => (
                "82",
                "Durable medical equipment regional carrier (DMERC); DMEPOS claim",
            ),
            ClaimKind::Hha => ("10", "Home Health Agency (HHA) claim"),
            ClaimKind::Hospice => ("50", "Hospice claim"),
            ClaimKind::Inpatient => ("60", "Inpatient claim"),
            ClaimKind::Outpatient => ("40", "Hospital Outpatient claim"),
            ClaimKind::Snf => ("20", "Non swing bed Skilled Nursing Facility (SNF) claim"),
            ClaimKind::Pde => ("", ""),
        };
        self.json.object("type");
        self.json.array("coding");
        if !code.is_empty() {
            self.json.variable("nch_clm_type_cd", code, display);
        }
        let system = "https://bluebutton.cms.gov/resources/codesystem/eob-type";
        self.json.coding(system, self.claim.kind.upper(), "");
        // The source itself calls home health professional and equipment institutional.
        let (code, display) = match self.claim.kind {
            ClaimKind::Pde => ("pharmacy", "Pharmacy"),
            ClaimKind::Carrier | ClaimKind::Hha => ("professional", "Professional"),
            _ => ("institutional", "Institutional"),
        };
        self.json.coding(HL7_CLAIM_TYPE, code, display);
        self.json.close_array();
        self.json.close();
        self.sub_type();
    }

    fn billable_period(&mut self) {
        // Most Part D events come without one.
        if self.claim.kind == ClaimKind::Pde && self.claim.seed % 4 != 1 {
            return;
        }
        self.json.object("billablePeriod");
        if self.claim.kind.is_institutional() {
            self.json.array("extension");
            self.json
                .variable_extension("claim_query_cd", "3", "Final bill");
            self.json.close_array();
        }
        self.json.day("start", self.claim.from);
        self.json.day("end", self.claim.through);
        self.json.close();
    }

    fn created(&mut self) -> Option<usize> {
        if is_old_form(self.claim) {
            return None;
        }
        self.json.text("created", super::body::CREATED_PLACE);
        Some(self.json.len() - super::body::CREATED_PLACE.len() - 1)
    }
}
