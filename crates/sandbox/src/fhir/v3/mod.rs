//! Bodies as API version 3 spells them: codes in `supportingInfo`, money of the header in
//! `adjudication`, tags that say where a claim comes from and whether it is final.

mod amounts;
mod claim_type;
mod codes;
mod coverage;
mod header;
mod lines;
mod parts;
mod patient;
mod prior_authorization;
mod revenue_line;

pub(crate) use coverage::{coverage, coverage_ids};
pub(crate) use patient::patient;
pub(crate) use prior_authorization::{prior_authorization, prior_authorization_id};

use super::body::Body;
use super::control_number;
use super::json::{InstantStyle, Json};
use super::vocabulary::{C4BB_IDENTIFIER_TYPE, C4BB_SUB_TYPE, FACILITIES, HL7_CLAIM_TYPE, npi};
use crate::population::claim::{Claim, ClaimKind, Source, Standing, v3_claim_id};
use crate::population::dice::Dice;
use crate::population::money::Bill;
use crate::population::person::Person;
use crate::population::processing::Processing;

pub(crate) const CMS: &str = "https://bluebutton.cms.gov/";
pub(crate) const STRUCTURE: &str = "https://bluebutton.cms.gov/fhir/StructureDefinition/";
pub(crate) const SYSTEM: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/";
const C4BB: &str = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/";
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// What every part of a body is written from.
pub(crate) struct Writer<'a> {
    pub(crate) json: Json,
    pub(crate) dice: Dice,
    pub(crate) person: &'a Person,
    pub(crate) claim: &'a Claim,
    pub(crate) bill: Bill,
    pub(crate) processing: Processing,
    /// Who billed: the contained provider.
    pub(crate) provider: u32,
    /// The last number of supportingInfo.
    pub(crate) information: u32,
}

/// An ExplanationOfBenefit of a claim.
pub(crate) fn eob(person: &Person, claim: &Claim) -> Body {
    let bill = Bill::of(claim);
    let capacity = 24_000 + bill.served_lines() * 7_000;
    let mut dice = Dice::of(&[claim.seed, 0x7633]);
    let provider = dice.below(3_000);
    let mut writer = Writer {
        json: Json::with_capacity(capacity),
        dice,
        person,
        claim,
        bill,
        processing: Processing::of(claim),
        provider,
        information: 0,
    };
    writer.eob();
    Body::new(writer.json.into_bytes(), None)
}

impl Writer<'_> {
    fn eob(&mut self) {
        self.json.open();
        self.json.text("resourceType", "ExplanationOfBenefit");
        let (person, claim) = (self.person.index, self.claim);
        let id = v3_claim_id(person, claim.number, claim.is_intruder);
        self.json.id_text("id", "", id);
        self.meta();
        self.contained();
        self.identifiers(id);
        // Version 3 calls every claim active; the tags tell more.
        self.json.text("status", "active");
        self.claim_type();
        self.json.text("use", "claim");
        self.json.object("patient");
        self.json
            .id_text("reference", "Patient/", self.person.v3_id);
        self.json.close();
        self.json
            .period("billablePeriod", claim.from, claim.through);
        self.json.day(
            "created",
            claim.through.plus(8 + i32::from(claim.revision) * 40),
        );
        self.json.object("insurer");
        self.json.text("reference", "#insurer-org");
        self.json.close();
        self.provider_reference();
        self.related();
        let is_open = claim.source.is_shared_system() && claim.is_one_in(2);
        self.json
            .text("outcome", if is_open { "partial" } else { "complete" });
        self.care_team();
        self.supporting_info();
        if claim.kind != ClaimKind::Pde {
            self.diagnoses();
            if claim.kind.is_institutional() {
                self.procedures();
            }
        }
        self.insurance();
        self.items();
        self.header_adjudications();
        self.totals();
        self.json.object("payment");
        if claim.kind == ClaimKind::Pde {
            self.json.day("date", claim.through.plus(5));
        } else {
            self.json.money("amount", self.bill.sum.paid);
        }
        self.json.close();
        self.json.close();
    }

    fn meta(&mut self) {
        let claim = self.claim;
        self.json.object("meta");
        self.json
            .instant("lastUpdated", claim.updated, InstantStyle::Micros);
        self.json.text("source", claim.source.as_str());
        let profile = match claim.kind {
            ClaimKind::Carrier | ClaimKind::Dme => "Professional-NonClinician",
            ClaimKind::Pde => "Pharmacy",
            ClaimKind::Inpatient | ClaimKind::Snf => "Inpatient-Institutional",
            _ => "Outpatient-Institutional",
        };
        self.json.array("profile");
        self.json
            .element4(C4BB, "C4BB-ExplanationOfBenefit-", profile, "|2.2.0");
        self.json
            .element4(STRUCTURE, "CMS-ExplanationOfBenefit-", profile, "");
        self.json.close_array();
        if claim.is_sensitive {
            self.json.array("security");
            let system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
            self.json.coding(system, "42CFRPart2", "42 CFR Part 2");
            self.json.close_array();
        }
        self.json.array("tag");
        self.cms_coding("System-Type", claim.source.system_type(), "");
        if claim.source != Source::Ddps {
            let code = match claim.standing {
                Standing::Final => "FinalAction",
                Standing::Superseded => "NotFinalAction",
            };
            self.cms_coding("Final-Action", code, "");
        }
        self.json.close_array();
        self.json.close();
    }

    /// A coding of one of CMS's own systems.
    pub(crate) fn cms_coding(&mut self, system: &str, code: &str, display: &str) {
        self.json.open();
        self.json.text2("system", SYSTEM, system);
        self.json.text("code", code);
        if !display.is_empty() {
            self.json.text("display", display);
        }
        self.json.close();
    }

    fn identifiers(&mut self, id: i64) {
        self.json.array("identifier");
        self.json.open();
        self.json
            .concept("type", C4BB_IDENTIFIER_TYPE, "uc", "Unique Claim ID");
        self.json.id_text("value", "", id);
        self.json.close();
        // A Part D event keeps the number of its original; elsewhere a version has its own.
        let revision = if self.claim.kind == ClaimKind::Pde {
            0
        } else {
            self.claim.revision
        };
        self.json.open();
        self.json.text2("system", CMS, "identifiers/CLM-CNTL-NUM");
        self.json
            .number_text("value", control_number(self.claim.seed, revision), 14);
        self.json.close();
        self.json.close_array();
    }

    fn claim_type(&mut self) {
        let claim = self.claim;
        let (code, display) = claim_type::claim_type(claim);
        let general = match claim.kind {
            ClaimKind::Pde => "pharmacy",
            ClaimKind::Carrier | ClaimKind::Dme => "professional",
            _ => "institutional",
        };
        self.json.object("type");
        self.json.array("coding");
        let display_general = if claim.is_one_in(3) { general } else { "" };
        self.json.coding(HL7_CLAIM_TYPE, general, display_general);
        self.cms_coding("CLM-TYPE-CD", code, display);
        self.cms_coding("EOB-TYPE", claim.kind.upper(), "");
        self.json.close_array();
        self.json.close();
        let sub_type = match claim.kind {
            ClaimKind::Inpatient | ClaimKind::Snf => "inpatient",
            ClaimKind::Carrier | ClaimKind::Dme | ClaimKind::Pde => return,
            _ => "outpatient",
        };
        self.json.concept("subType", C4BB_SUB_TYPE, sub_type, "");
    }

    /// Some claims do not know who billed.
    fn has_provider(&self) -> bool {
        !self.claim.is_one_in(17)
    }

    fn provider_reference(&mut self) {
        self.json.object("provider");
        if self.has_provider() {
            self.json
                .number_text_after("reference", "#", npi(self.provider), 10);
        } else {
            self.json.array("extension");
            self.json.open();
            self.json.text(
                "url",
                "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            );
            self.json.text("valueCode", "unknown");
            self.json.close();
            self.json.close_array();
        }
        self.json.close();
    }

    /// An adjusted claim names the control number of the version before.
    fn related(&mut self) {
        if self.claim.revision == 0 || self.claim.kind == ClaimKind::Pde {
            return;
        }
        self.json.array("related");
        self.json.open();
        let system = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship";
        self.json.concept("relationship", system, "prior", "");
        self.json.object("reference");
        self.json.text2("system", CMS, "identifiers/CLM-CNTL-NUM");
        let number = control_number(self.claim.seed, self.claim.revision - 1);
        self.json.number_text("value", number, 14);
        self.json.close();
        self.json.close();
        self.json.close_array();
    }

    fn insurance(&mut self) {
        let part = match self.claim.kind {
            ClaimKind::Pde => "Part D",
            ClaimKind::Carrier | ClaimKind::Dme | ClaimKind::Outpatient => "Part B",
            _ => "Part A",
        };
        self.json.array("insurance");
        self.json.open();
        self.json.literal("focal", "true");
        self.json.object("coverage");
        self.json.text("display", part);
        self.json.close();
        self.json.close();
        self.json.close_array();
    }

    /// The name of the facility or insurer that a claim of this seed has.
    pub(crate) fn facility_name(&mut self) -> &'static str {
        self.dice.pick(&FACILITIES)
    }
}
