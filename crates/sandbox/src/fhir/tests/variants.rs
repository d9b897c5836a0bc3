//! What differs between claims of one kind, and whether a patient's months agree with their life.

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::{PATIENTS, VERSIONS, all_claims, every, found, store, walk};
use crate::serve::records::Kind;

/// Counts the codes of every system, below `value`, by the last part of their names.
fn count_codes(value: &Value, counts: &mut BTreeMap<(String, String), usize>) {
    walk(value, "", &mut |_, value| {
        if let (Some(system), Some(code)) = (value["system"].as_str(), value["code"].as_str()) {
            let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
            *counts.entry((last(system), last(code))).or_default() += 1;
        }
    });
}

#[test]
fn claims_show_every_variant_that_the_rules_of_medicare_know() {
    // Name of the system, a code that must occur, and one that must occur more often.
    let v2: [(&str, &str, &str); 29] = [
        ("carr_clm_pmt_dnl_cd", "0", "1"),
        ("carr_clm_pmt_dnl_cd", "2", "1"),
        ("line_prcsg_ind_cd", "N", "A"),
        ("line_prcsg_ind_cd", "C", "A"),
        ("line_prcsg_ind_cd", "R", "A"),
        ("line_place_of_srvc_cd", "23", "11"),
        ("clm_mdcr_non_pmt_rsn_cd", "N", "P"),
        ("clm_mdcr_non_pmt_rsn_cd", "B", "P"),
        ("clm_mco_pd_sw", "1", "0"),
        ("clm_freq_cd", "2", "1"),
        ("clm_freq_cd", "3", "1"),
        ("clm_freq_cd", "4", "1"),
        ("clm_freq_cd", "7", "1"),
        ("ptnt_dschrg_stus_cd", "2", "1"),
        ("ptnt_dschrg_stus_cd", "3", "1"),
        ("ptnt_dschrg_stus_cd", "30", "1"),
        ("nch_ptnt_stus_ind_cd", "C", "A"),
        ("PriorityTypeOfAdmitOrVisit", "3", "1"),
        ("adjstmt_dltn_cd", "D", ""),
        ("drug_cvrg_stus_cd", "E", "C"),
        ("adjudication", "ncvrd_plan_pd_amt", "cvrd_d_plan_pd_amt"),
        ("rev_cntr", "0022", "0250"),
        ("rev_cntr", "0023", "0250"),
        ("rev_cntr", "250", "0250"),
        ("rev_cntr", "0450", "0250"),
        ("ndc", "0071-0155-23", "00071015523"),
        ("ndc", "0071015523", "00071015523"),
        ("icd-9-cm", "E9179", ""),
        ("icd-10-cm", "W19XXXA", ""),
    ];
    let v3: [(&str, &str, &str); 26] = [
        ("CLM-CARR-PMT-DNL-CD", "0", "1"),
        ("CLM-CARR-PMT-DNL-CD", "00", "1"),
        ("CLM-PRCSG-IND-CD", "N", "A"),
        ("CLM-PRCSG-IND-CD", "R", "A"),
        ("Place_of_Service_Code_Set", "23", "11"),
        ("CLM-MDCR-NPMT-RSN-CD", "N", "P"),
        ("CLM-MDCR-INSTNL-MCO-PD-SW", "1", "0"),
        ("TypeOfBill", "0212", "0211"),
        ("TypeOfBill", "0323", "0321"),
        ("TypeOfBill", "131", "0131"),
        ("TypeOfBill", "013X", "0131"),
        ("TypeOfBill", "0137", "0131"),
        ("BENE-PTNT-STUS-CD", "02", "01"),
        ("BENE-PTNT-STUS-CD", "30", "01"),
        ("CLM-CMPND-CD", "2", "1"),
        ("CLM-CMPND-CD", "0", "1"),
        ("Adjudication", "CLM_LINE_NCVRD_PD_AMT", "CLM_LINE_LIS_AMT"),
        ("CLM-REV-CNTR-CD", "0001", "0250"),
        ("CLM-REV-CNTR-CD", "0022", "0250"),
        ("CLM-REV-CNTR-CD", "250", "0250"),
        ("CLM-REV-CNTR-CD", "0450", "0250"),
        ("HIPPSCodes", "KBSE1", ""),
        ("ndc", "0071-0155-23", "00071015523"),
        ("MS-DRG-Classifications-and-Software", "64", ""),
        ("icd-9-cm", "E888.9", ""),
        ("claimcareteamrole", "otheroperating", "attending"),
    ];
    for (space, expected) in [(ApiVersion::V2, &v2[..]), (ApiVersion::V3, &v3[..])] {
        let mut counts = BTreeMap::new();
        all_claims(space)
            .iter()
            .for_each(|claim| count_codes(claim, &mut counts));
        let of = |name: &str, code: &str| {
            let key = (name.to_owned(), code.to_owned());
            counts.get(&key).copied().unwrap_or_default()
        };
        for (name, rare, common) in expected {
            assert!(of(name, rare) > 0, "{space:?} {name} {rare}");
            let is_seldom = common.is_empty() || of(name, rare) < of(name, common);
            assert!(is_seldom, "{space:?} {name} {rare}");
        }
    }
}

#[test]
fn coverages_show_plans_that_ended_never_end_and_shells() {
    let store = store();
    let of = |space, index| found(&store, index, space, Kind::Coverage, &every());
    let mut counts = BTreeMap::new();
    for coverage in (0..PATIENTS).flat_map(|index| of(ApiVersion::V2, index)) {
        let extensions = coverage["extension"].as_array().unwrap();
        for coding in extensions.iter().map(|found| &found["valueCoding"]) {
            let name = coding["system"].as_str().unwrap_or_default();
            let series = name.rsplit('/').next().unwrap_or_default();
            let series = series.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let code = coding["code"].as_str().unwrap_or_default();
            let key = format!("{series} {code}");
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    for coverage in (0..PATIENTS).flat_map(|index| of(ApiVersion::V3, index)) {
        let code = coverage["type"]["coding"][0]["code"]
            .as_str()
            .unwrap_or("shell");
        let end = coverage["period"]["end"].as_str().unwrap_or("none");
        let year = end.get(..4).unwrap_or_default();
        let status = coverage["status"].as_str().unwrap();
        *counts.entry(format!("{code} {year} {status}")).or_insert(0) += 1;
        assert_eq!(coverage.get("period").is_none(), code == "shell");
    }
    for variant in [
        "buyin 0",
        "buyin 1",
        "buyin 3",
        "buyin C",
        "hmo_ind_ 0",
        "hmo_ind_ 4",
        "hmo_ind_ C",
        "ptc_cntrct_id_ H1234",
        "ptc_cntrct_id_ N",
        "ptdcntrct N",
        "dual_ NA",
        "dual_ **",
        "dual_ 00",
        "dual_ 02",
        "1 none active",
        "1 2099 active",
        "1 9999 active",
        "121 2026 cancelled",
        "11 none active",
        "11 2025 cancelled",
        "122 2024 cancelled",
        "14 none active",
        "shell none active",
        "shell none cancelled",
    ] {
        assert!(
            counts.contains_key(variant),
            "{variant} is not in {counts:?}"
        );
    }
}

#[test]
fn a_line_has_up_to_five_modifiers() {
    for space in VERSIONS {
        let items = all_claims(space)
            .iter()
            .flat_map(|claim| claim["item"].as_array().unwrap());
        let codings = |modifier: &Value| modifier["coding"].as_array().map_or(0, Vec::len);
        let modifiers = |item: &Value| {
            item["modifier"]
                .as_array()
                .map_or(0, |list| list.iter().map(codings).sum())
        };
        let seen: BTreeSet<usize> = items.map(modifiers).collect();
        assert!(seen.contains(&0) && seen.contains(&1));
        assert_eq!(seen.last(), Some(&5));
    }
}

/// Year and month of a date.
fn month_of(date: &Value) -> Option<(u32, u32)> {
    let text = date.as_str()?;
    Some((text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?))
}

#[test]
fn months_of_coverage_lie_between_entitlement_and_death_and_not_ahead_of_the_source() {
    let store = store();
    let (mut died, mut entitled, mut open) = (0, 0, 0);
    for index in 0..PATIENTS {
        let patient = &found(&store, index, ApiVersion::V2, Kind::Patient, &every())[0];
        let death = month_of(&patient["deceasedDateTime"]);
        let (birth_year, birth_month) = month_of(&patient["birthDate"]).unwrap();
        let start = (birth_year + 65, birth_month);
        for coverage in found(&store, index, ApiVersion::V2, Kind::Coverage, &every()) {
            let as_of = month_of(&coverage["meta"]["lastUpdated"]).unwrap();
            let year = extension(&coverage, "rfrnc_yr").unwrap();
            let year: u32 = year["valueDate"].as_str().unwrap().parse().unwrap();
            for number in 1..=12 {
                let month = (year, number);
                let names = ["buyin", "ptc_cntrct_id_", "ptdcntrct"];
                let codes: Vec<&str> = names
                    .iter()
                    .filter_map(|name| extension(&coverage, &format!("{name}{number:02}")))
                    .filter_map(|found| found["valueCoding"]["code"].as_str())
                    .collect();
                if month > as_of {
                    assert!(codes.is_empty(), "a month ahead of the source");
                    open += 1;
                } else if death.is_some_and(|death| month > death) || month < start {
                    assert_eq!(codes, ["0"]);
                    died += usize::from(death.is_some());
                } else {
                    assert_eq!(codes.len(), 1);
                    assert_ne!(codes, ["0"]);
                    entitled += 1;
                }
                let name = format!("ptdcntrct{number:02}");
                let again = extension(&coverage, &format!("{name}/{year}-{number}"));
                let code =
                    |found: Option<&Value>| found.map(|found| found["valueCoding"]["code"].clone());
                assert_eq!(code(again), code(extension(&coverage, &name)));
            }
        }
    }
    assert!(
        entitled > 1_000 && open > 100 && died > 0,
        "{entitled} {open} {died}"
    );
}

fn extension<'a>(coverage: &'a Value, name: &str) -> Option<&'a Value> {
    let url = format!("https://bluebutton.cms.gov/resources/variables/{name}");
    let extensions = coverage["extension"].as_array()?;
    extensions.iter().find(|found| found["url"] == url.as_str())
}
