//! Money laws of Medicare claims. Source data break them too, so they warn; amounts are added as
//! whole ten-thousandths from the digits of the text, never as floating point.

use std::borrow::Cow;

use claimlake_viewdef::fhirpath::{Fit, fit};

use crate::raw::{Name, Outline, Tree};

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

const LINE_PAYMENT: &str = "line_nch_pmt_amt";
const LINE_SUBMITTED: &str = "line_sbmtd_chrg_amt";
const LINE_ALLOWED: &str = "line_alowd_chrg_amt";
const LINE_DEDUCTIBLE: &str = "line_bene_ptb_ddctbl_amt";
const DRUG_BELOW: &str = "gdc_blw_oopt_amt";
const DRUG_ABOVE: &str = "gdc_abv_oopt_amt";
const DRUG_TOTAL: &str = "tot_rx_cst_amt";
const CLAIM_SUBMITTED: &str = "nch_carr_clm_sbmtd_chrg_amt";
const CLAIM_ALLOWED: &str = "nch_carr_clm_alowd_amt";
const CLAIM_DEDUCTIBLE: &str = "carr_clm_cash_ddctbl_apld_amt";

/// All codes of the laws.
const CODES: [&str; 10] = [
    LINE_PAYMENT,
    LINE_SUBMITTED,
    LINE_ALLOWED,
    LINE_DEDUCTIBLE,
    DRUG_BELOW,
    DRUG_ABOVE,
    DRUG_TOTAL,
    CLAIM_SUBMITTED,
    CLAIM_ALLOWED,
    CLAIM_DEDUCTIBLE,
];

/// The laws of v2 claims; published v3 amounts are random and follow none.
pub(crate) const LAWS: [Law; 5] = [
    Law {
        name: "money_line_payments",
        what: "provider and beneficiary payments of the lines add up to the claim's payment; where not, the source sent it so",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&[LINE_PAYMENT]),
        right: Amount::Payment,
    },
    Law {
        name: "money_line_submitted",
        what: "submitted charges of the lines add up to the claim's; where not, the source sent it so",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&[LINE_SUBMITTED]),
        right: Amount::Benefit(CLAIM_SUBMITTED),
    },
    Law {
        name: "money_line_allowed",
        what: "allowed charges of the lines add up to the claim's; where not, the source sent it so",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&[LINE_ALLOWED]),
        right: Amount::Benefit(CLAIM_ALLOWED),
    },
    Law {
        name: "money_line_deductible",
        what: "deductibles of the lines add up to the claim's; where not, the source sent it so",
        claim_types: &["CARRIER", "DME"],
        left: Amount::Lines(&[LINE_DEDUCTIBLE]),
        right: Amount::Benefit(CLAIM_DEDUCTIBLE),
    },
    Law {
        name: "money_drug_cost",
        what: "drug cost below and above the threshold add up to the total drug cost; where not, the source sent it so",
        claim_types: &["PDE"],
        left: Amount::Lines(&[DRUG_BELOW, DRUG_ABOVE]),
        right: Amount::Lines(&[DRUG_TOTAL]),
    },
];

/// Where the amounts of claims stand.
#[derive(Debug, Clone)]
pub(crate) struct MoneyPaths {
    claim_type: Vec<Name>,
    payment: Vec<Name>,
    lines: CodedAmounts,
    benefits: CodedAmounts,
}

/// Elements with a code and an amount.
#[derive(Debug, Clone)]
struct CodedAmounts {
    elements: Vec<Name>,
    code: Vec<Name>,
    amount: Vec<Name>,
}

impl CodedAmounts {
    fn new(outline: &mut Outline, elements: [&str; 2], concept: &str, amount: &str) -> Self {
        let (at, elements) = outline.want(Outline::ROOT, &elements);
        Self {
            elements,
            code: outline.want(at, &[concept, "coding", "code"]).1,
            amount: outline.want(at, &[amount, "value"]).1,
        }
    }
}

impl MoneyPaths {
    /// Asks `outline` for all that the laws are about.
    pub(crate) fn new(outline: &mut Outline) -> Self {
        let mut want = |path: &[&str]| outline.want(Outline::ROOT, path).1;
        Self {
            claim_type: want(&["type", "coding", "code"]),
            payment: want(&["payment", "amount", "value"]),
            lines: CodedAmounts::new(outline, ["item", "adjudication"], "category", "amount"),
            benefits: CodedAmounts::new(
                outline,
                ["benefitBalance", "financial"],
                "type",
                "usedMoney",
            ),
        }
    }

    /// Tells of each law whether it holds for `eob`; none where it does not apply.
    pub(crate) fn laws(&self, eob: &Tree, text: &[u8]) -> [Option<bool>; LAWS.len()] {
        let mut types: Vec<Cow<'_, str>> = Vec::new();
        eob.each(Tree::ROOT, &self.claim_type, &mut |code| {
            types.extend(eob.string(code, text));
        });
        let applies = |law: &Law| {
            types
                .iter()
                .any(|code| law.claim_types.contains(&code.as_ref()))
        };
        if !LAWS.iter().any(applies) {
            return [None; LAWS.len()];
        }
        let lines = sums(&self.lines, eob, text);
        let benefits = sums(&self.benefits, eob, text);
        let amount = |amount: Amount| match amount {
            Amount::Payment => {
                let value = eob.first(Tree::ROOT, &self.payment)?;
                ten_thousandths(eob.raw(value, text))
            }
            Amount::Lines(codes) => total(&lines, codes),
            Amount::Benefit(code) => total(&benefits, &[code]),
        };
        LAWS.map(|law| {
            if !applies(&law) {
                return None;
            }
            Some(amount(law.left)? == amount(law.right)?)
        })
    }
}

/// An amount of the claim under a code of the laws; none where it is no amount.
type CodedSum = (&'static str, Option<i128>);

/// The amounts under each code that a law names, added up.
fn sums(paths: &CodedAmounts, eob: &Tree, text: &[u8]) -> Vec<CodedSum> {
    let mut sums: Vec<CodedSum> = Vec::new();
    eob.each(Tree::ROOT, &paths.elements, &mut |element| {
        let mut codes: [Option<&'static str>; CODES.len()] = [None; CODES.len()];
        let mut found = 0;
        eob.each(element, &paths.code, &mut |code| {
            let known = known_code(eob.string(code, text).as_deref().unwrap_or_default());
            if known.is_some() && !codes.contains(&known) {
                codes[found] = known;
                found += 1;
            }
        });
        for code in codes.into_iter().flatten() {
            eob.each(element, &paths.amount, &mut |number| {
                let amount = ten_thousandths(eob.raw(number, text));
                match sums.iter_mut().find(|(of, _)| *of == code) {
                    Some((_, sum)) => *sum = sum.zip(amount).map(|(sum, amount)| sum + amount),
                    None => sums.push((code, amount)),
                }
            });
        }
    });
    sums
}

/// The amounts under any of the codes; none where there is none or one is no amount.
fn total(sums: &[CodedSum], codes: &[&str]) -> Option<i128> {
    let mut of_codes = sums.iter().filter(|(code, _)| codes.contains(code));
    let first = of_codes.next()?.1?;
    of_codes.try_fold(first, |total, (_, sum)| Some(total + (*sum)?))
}

/// The code of a law that this is, or whose url-like form this is (`…/line_nch_pmt_amt`).
fn known_code(code: &str) -> Option<&'static str> {
    let last = memchr::memrchr(b'/', code.as_bytes()).map_or(0, |slash| slash + 1);
    let last = code.get(last..)?;
    CODES.into_iter().find(|known| *known == last)
}

/// The number in ten-thousandths, from its digits, as the tables hold it: without what a double
/// added; none where it has more.
fn ten_thousandths(number: &[u8]) -> Option<i128> {
    let fits = || match fit(number, 34, 4) {
        Fit::Exact(digits) | Fit::Rounded(digits) => Some(digits),
        Fit::Not(_) => None,
    };
    written_out(number).or_else(fits)
}

/// The same of a number without exponent and with at most four decimals, as they mostly are.
fn written_out(number: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(number).ok()?;
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 4 || whole.len() > 30 {
        return None;
    }
    let mut scaled = 0_i128;
    let padded = fraction
        .bytes()
        .chain(std::iter::repeat_n(b'0', 4 - fraction.len()));
    for digit in whole.bytes().chain(padded) {
        scaled = scaled * 10 + i128::from(char::from(digit).to_digit(10)?);
    }
    Some(if negative { -scaled } else { scaled })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MoneyPaths, ten_thousandths};
    use crate::raw::{Outline, Tree};

    #[test]
    fn digits_become_ten_thousandths_without_floating_point() {
        let number = |text: &str| ten_thousandths(text.as_bytes());
        assert_eq!(number("0.1"), Some(1_000));
        assert_eq!(number("-12.30"), Some(-123_000));
        assert_eq!(
            number("90071992547409931.01"),
            Some(900_719_925_474_099_310_100)
        );
        assert_eq!(number("1.00001"), None);
        assert_eq!(number("1308.6999999999998"), Some(13_087_000));
        assert_eq!(number("-3.0000000000000004e-1"), Some(-3_000));
        assert_eq!(number("1.0000123456789012"), None);
        assert_eq!(number("\"1\""), None);
    }

    #[test]
    fn a_cent_too_much_breaks_the_law_and_another_claim_type_is_left_alone() {
        let first_law = |paid: f64, claim_type: &str| {
            let line = json!({"category": {"coding": [{"code": "line_nch_pmt_amt"}]},
                "amount": {"value": 10.1}});
            let eob = json!({
                "type": {"coding": [{"code": claim_type}]},
                "item": [{"adjudication": [line]}, {"adjudication": [line]}],
                "payment": {"amount": {"value": paid}},
            });
            let mut outline = Outline::new();
            let paths = MoneyPaths::new(&mut outline);
            let (mut tree, text) = (Tree::default(), eob.to_string());
            tree.read(&outline, text.as_bytes()).unwrap();
            paths.laws(&tree, text.as_bytes())[0]
        };
        assert_eq!(first_law(20.2, "CARRIER"), Some(true));
        assert_eq!(first_law(20.21, "CARRIER"), Some(false));
        assert_eq!(first_law(20.21, "OUTPATIENT"), None);
    }
}
