//! Money laws of Medicare claims. Source data break them too, so they warn; amounts are added as
//! whole ten-thousandths from the digits of the text, never as floating point.

use serde_json::Value;

use crate::grain::elements_at;

/// A law: what must equal what, where both are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Law {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// The claim types (`eob-type`) it holds for.
    claim_types: &'static [&'static str],
    left: Amount,
    right: Amount,
}

/// An amount of a claim.
#[derive(Debug, Clone, Copy)]
enum Amount {
    /// The sum of the lines' adjudications whose CMS code is one of these.
    Lines(&'static [&'static str]),
    /// `payment.amount`.
    Payment,
    /// The benefitBalance financial (v2) with this CMS code.
    Benefit(&'static str),
}

/// The laws of v2 claims; published v3 amounts are random and follow none.
pub(crate) const LAWS: [Law; 5] = [
    Law {
        name: "money_line_payments",
        what: "provider and beneficiary payments of the lines add up to the claim's payment",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&["line_nch_pmt_amt"]),
        right: Amount::Payment,
    },
    Law {
        name: "money_line_submitted",
        what: "submitted charges of the lines add up to the claim's",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&["line_sbmtd_chrg_amt"]),
        right: Amount::Benefit("nch_carr_clm_sbmtd_chrg_amt"),
    },
    Law {
        name: "money_line_allowed",
        what: "allowed charges of the lines add up to the claim's",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&["line_alowd_chrg_amt"]),
        right: Amount::Benefit("nch_carr_clm_alowd_amt"),
    },
    Law {
        name: "money_line_deductible",
        what: "deductibles of the lines add up to the claim's",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&["line_bene_ptb_ddctbl_amt"]),
        right: Amount::Benefit("carr_clm_cash_ddctbl_apld_amt"),
    },
    Law {
        name: "money_drug_cost",
        what: "drug cost below and above the threshold add up to the total drug cost",
        claim_types: &["PDE"],
        left: Amount::Lines(&["gdc_blw_oopt_amt", "gdc_abv_oopt_amt"]),
        right: Amount::Lines(&["tot_rx_cst_amt"]),
    },
];

impl Law {
    /// Whether the law holds for `eob`; none where it does not apply.
    pub(crate) fn holds(&self, eob: &Value) -> Option<bool> {
        let codes = elements_at(eob, &["type", "coding", "code"]);
        let applies = codes
            .into_iter()
            .filter_map(Value::as_str)
            .any(|code| self.claim_types.contains(&code));
        if !applies {
            return None;
        }
        Some(self.left.of(eob)? == self.right.of(eob)?)
    }
}

impl Amount {
    fn of(self, eob: &Value) -> Option<i128> {
        match self {
            Amount::Payment => ten_thousandths(eob.get("payment")?.get("amount")?.get("value")?),
            Amount::Lines(codes) => sum(
                elements_at(eob, &["item", "adjudication"]),
                |element| coded(element, "category", codes),
                &["amount", "value"],
            ),
            Amount::Benefit(code) => sum(
                elements_at(eob, &["benefitBalance", "financial"]),
                |element| coded(element, "type", &[code]),
                &["usedMoney", "value"],
            ),
        }
    }
}

fn sum(elements: Vec<&Value>, wanted: impl Fn(&Value) -> bool, path: &[&str]) -> Option<i128> {
    let mut total = None;
    for element in elements.into_iter().filter(|element| wanted(element)) {
        for number in elements_at(element, path) {
            *total.get_or_insert(0) += ten_thousandths(number)?;
        }
    }
    total
}

/// Whether the concept has one of the codes, or a url-like code that ends in one (`…/line_nch_pmt_amt`).
fn coded(element: &Value, concept: &str, codes: &[&str]) -> bool {
    elements_at(element, &[concept, "coding", "code"])
        .into_iter()
        .filter_map(Value::as_str)
        .any(|found| {
            let last = found.rsplit('/').next().unwrap_or(found);
            codes.contains(&last)
        })
}

/// The number in ten-thousandths, from its digits; none where it is no plain decimal or has more.
fn ten_thousandths(number: &Value) -> Option<i128> {
    let text = number.as_number()?.to_string();
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 4 || whole.len() > 30 {
        return None;
    }
    let scaled: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    Some(if negative { -scaled } else { scaled })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LAWS, ten_thousandths};

    #[test]
    fn digits_become_ten_thousandths_without_floating_point() {
        let number = |text: &str| ten_thousandths(&serde_json::from_str(text).unwrap());
        assert_eq!(number("0.1"), Some(1_000));
        assert_eq!(number("-12.30"), Some(-123_000));
        assert_eq!(
            number("90071992547409931.01"),
            Some(900_719_925_474_099_310_100)
        );
        assert_eq!(number("1.00001"), None);
    }

    #[test]
    fn a_cent_too_much_breaks_the_law_and_another_claim_type_is_left_alone() {
        let law = LAWS[0];
        let eob = |paid: f64, claim_type: &str| {
            let line = json!({"category": {"coding": [{"code": "line_nch_pmt_amt"}]},
                "amount": {"value": 10.1}});
            json!({
                "type": {"coding": [{"code": claim_type}]},
                "item": [{"adjudication": [line]}, {"adjudication": [line]}],
                "payment": {"amount": {"value": paid}},
            })
        };
        assert_eq!(law.holds(&eob(20.2, "CARRIER")), Some(true));
        assert_eq!(law.holds(&eob(20.21, "CARRIER")), Some(false));
        assert_eq!(law.holds(&eob(20.21, "OUTPATIENT")), None);
    }
}
