//! Revenue centre lines of facilities in version 3.

use super::Writer;
use super::lines::{COINSURANCE, DEDUCTIBLE, ELIGIBLE, SUBMITTED, TO_PROVIDER};
use crate::fhir::as_sent::{rate_line, revenue_as_sent};
use crate::fhir::vocabulary::{C4BB_ADJUDICATION, NUBC_REVENUE, REVENUE_CENTERS, SERVICES};
use crate::population::claim::ClaimKind;
use crate::population::money::Amounts;

const HIPPS: &str = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/ProspMedicareFeeSvcPmtGen/HIPPSCodes";
const NONCOVERED: (&str, &str, &str) = (C4BB_ADJUDICATION, "noncovered", "Noncovered");

impl Writer<'_> {
    pub(super) fn revenue_line(&mut self, number: u32, amounts: &Amounts, total: Option<&str>) {
        let units = self.dice.between(1, 12);
        self.json.open();
        if total.is_none() {
            self.json.array("extension");
            self.code_extension("CLM-REV-CNTR-STUS-CD", "J", "");
            self.code_extension("CLM-REV-PMT-MTHD-CD", "3", "");
            self.code_extension("CLM-REV-DSCNT-IND-CD", "1", "");
            self.code_extension("CLM-REV-PACKG-IND-CD", "2", "");
            self.code_extension("CLM-OTAF-ONE-IND-CD", "Y", "");
            self.json.close_array();
        }
        self.json.number("sequence", number);
        let (center, display) = self.dice.pick(&REVENUE_CENTERS);
        let rate = rate_line(self.claim, number).filter(|_| total.is_none());
        let (center, display) = match (total, rate) {
            (Some(code), _) => (code, "TOTAL CHARGE"),
            (None, Some((center, _))) => (center, "HIPPS RATE CODE"),
            (None, None) => (revenue_as_sent(center, self.claim.seed), display),
        };
        self.json.object("revenue");
        self.json.array("coding");
        self.cms_coding("CLM-REV-CNTR-CD", center, display);
        self.json.coding(NUBC_REVENUE, center, "");
        self.cms_coding("CLM-DDCTBL-COINSRNC-CD", "0", "");
        self.json.close_array();
        self.json.close();
        if total.is_some() {
            let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
            self.json.concept(
                "productOrService",
                system,
                "not-applicable",
                "Not Applicable",
            );
        } else if let Some((_, code)) = rate {
            self.json.concept("productOrService", HIPPS, code, "");
        } else {
            let code = self.dice.pick(&SERVICES);
            self.service(code);
        }
        match self.claim.kind {
            ClaimKind::Outpatient => self.json.day("servicedDate", self.claim.from),
            _ => self
                .json
                .period("servicedPeriod", self.claim.from, self.claim.through),
        }
        if total.is_none() {
            self.json.object("quantity");
            self.json.thousandths("value", units * 1_000);
            self.json.close();
        }
        self.json.array("adjudication");
        for (general, name, cents) in [
            (
                SUBMITTED,
                ("CLM_LINE_SBMT_CHRG_AMT", "Line Submitted Charge Amount"),
                amounts.submitted,
            ),
            (
                ELIGIBLE,
                ("CLM_LINE_ALOWD_CHRG_AMT", "Line Allowed Charge Amount"),
                amounts.allowed,
            ),
            (
                NONCOVERED,
                ("CLM_LINE_NCVRD_CHRG_AMT", "Line Noncovered Charge Amount"),
                amounts.noncovered,
            ),
            (
                DEDUCTIBLE,
                (
                    "CLM_LINE_INSTNL_CSH_DDCTBL_AMT",
                    "Revenue Cash Deductible Amount",
                ),
                amounts.deductible,
            ),
            (
                COINSURANCE,
                (
                    "CLM_LINE_INSTNL_ADJSTD_AMT",
                    "Revenue Adjusted Coinsurance Amount",
                ),
                amounts.coinsurance,
            ),
            (
                TO_PROVIDER,
                ("CLM_LINE_PRVDR_PMT_AMT", "Line Provider Payment Amount"),
                amounts.paid,
            ),
        ] {
            self.amount(general, name, cents);
        }
        if total.is_none() {
            self.line_status();
        }
        self.json.close_array();
        if total.is_none() && self.dice.chance(120) {
            self.drug_detail();
        }
        self.json.close();
    }
}
