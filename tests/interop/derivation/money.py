"""Money by its meaning (rules 2): CMS's own code of an amount, never the HL7 word beside it."""

from .fhir import CARIN, PROFESSIONAL, STAYS, V2, V3, VAR, dictionary, elements, first, has, money, quantity

PAID_TO_PROVIDER = (CARIN + "C4BBAdjudication", "paidtoprovider")


def named(entry, name, place="category"):
    """Whether an amount has CMS's name: `line_nch_pmt_amt` of v2, `CLM_LINE_CVRD_PD_AMT` of v3."""
    concept = entry.get(place)
    return has(concept, V2 + "adjudication", VAR + name) or has(concept, V3 + "Adjudication", name)


def amount(entries, *names):
    """The amount of the first name that is there."""
    return first(money(entry.get("amount")) for name in names for entry in elements(entries) if named(entry, name))


def balance(claim, *names):
    """An amount of v2's benefit balance."""
    for name in names:
        for benefit in elements(claim.body.get("benefitBalance")):
            for entry in elements(benefit.get("financial")):
                if has(entry.get("type"), V2 + "benefit-balance", VAR + name):
                    found = entry.get("usedUnsignedInt") if "usedUnsignedInt" in entry else money(entry.get("usedMoney"))
                    if found is not None:
                        return found
    return None


def total(claim, *names):
    """An amount of the header: v3 has it in `total`, days and rarer amounts in `adjudication`."""
    return first([amount(claim.body.get("total"), *names), amount(claim.body.get("adjudication"), *names)])


# The header (rules 2; QUESTIONS.md Q1, Q23).


def claim_charge_amount(claim):
    if claim.api == "v3":
        return total(claim, "CLM_SBMT_CHRG_AMT")
    if claim.is_professional:
        return balance(claim, "nch_carr_clm_sbmtd_chrg_amt")
    return total(claim, "clm_tot_chrg_amt")


def claim_allowed_amount(claim):
    """Null on institutional claims."""
    if not claim.is_professional:
        return None
    return total(claim, "CLM_ALOWD_CHRG_AMT") if claim.api == "v3" else balance(claim, "nch_carr_clm_alowd_amt")


def claim_paid_amount(claim):
    return money(dictionary(claim.body.get("payment")).get("amount"))


def claim_paid_to_beneficiary_amount(claim):
    if claim.api == "v3":
        return total(claim, "CLM_BENE_PD_AMT", "CLM_MDCR_INSTNL_BENE_PD_AMT")
    return balance(claim, "nch_clm_bene_pmt_amt", "clm_op_bene_pmt_amt")


def claim_patient_responsibility_amount(claim):
    return total(claim, "CLM_BENE_PMT_AMT") if claim.api == "v3" else None


def claim_deductible_amount(claim):
    if claim.type in STAYS:
        names = ["CLM_MDCR_IP_BENE_DDCTBL_AMT"] if claim.api == "v3" else ["nch_bene_ip_ddctbl_amt"]
    elif claim.api == "v3":
        names = ["CLM_MDCR_DDCTBL_AMT"]
    else:
        names = ["carr_clm_cash_ddctbl_apld_amt", "nch_bene_ptb_ddctbl_amt"]
    return total(claim, *names) if claim.api == "v3" else balance(claim, *names)


def claim_coinsurance_amount(claim):
    if claim.api == "v3":
        return total(claim, "CLM_MDCR_COINSRNC_AMT")
    if claim.type in STAYS:
        return balance(claim, "nch_bene_pta_coinsrnc_lblty_am", "nch_bene_pta_coinsrnc_lblty_amt")
    return balance(claim, "nch_bene_ptb_coinsrnc_amt")


def claim_primary_payer_paid_amount(claim):
    if claim.api == "v3":
        name = "CLM_MDCR_PRFNL_PRMRY_PYR_AMT" if claim.is_professional else "CLM_MDCR_INSTNL_PRMRY_PYR_AMT"
        return total(claim, name)
    return balance(claim, "carr_clm_prmry_pyr_pd_amt" if claim.is_professional else "prpayamt")


def pass_through_per_diem_amount(claim):
    if claim.api == "v3":
        return total(claim, "CLM_INSTNL_PER_DIEM_AMT")
    return balance(claim, "clm_pass_thru_per_diem_amt")


def covered_days(claim):
    if claim.api == "v2":
        return balance(claim, "clm_utlztn_day_cnt")
    days = (quantity(entry) for entry in elements(claim.body.get("adjudication")) if named(entry, "CLM_INSTNL_CVRD_DAY_CNT"))
    return first(days)


# A line.


def line_amount(claim, line, v2, v3):
    return amount(line.get("adjudication"), *(v3 if claim.api == "v3" else v2))


def line_charge_amount(claim, line):
    v2 = ["line_sbmtd_chrg_amt"] if claim.is_professional else ["rev_cntr_tot_chrg_amt"]
    return line_amount(claim, line, v2, ["CLM_LINE_SBMT_CHRG_AMT"])


def line_allowed_amount(claim, line):
    """Null on institutional claims even where v3 sends one."""
    if not claim.is_professional:
        return None
    return line_amount(claim, line, ["line_alowd_chrg_amt"], ["CLM_LINE_ALOWD_CHRG_AMT"])


def line_paid_amount(claim, line):
    """The source's own; inpatient and SNF lines carry none (Q3)."""
    if claim.type in STAYS:
        return None
    v2 = ["line_nch_pmt_amt"] if claim.is_professional else ["rev_cntr_pmt_amt_amt"]
    return line_amount(claim, line, v2, ["CLM_LINE_CVRD_PD_AMT"])


def line_paid_to_beneficiary_amount(claim, line):
    """v2 DME names it twice, once for what the provider was paid (tables.md, trap 24)."""
    v2 = "line_bene_pmt_amt" if claim.is_professional else "rev_cntr_bene_pmt_amt"
    entries = [entry for entry in elements(line.get("adjudication")) if not has(entry.get("category"), *PAID_TO_PROVIDER)]
    return amount(entries, "CLM_LINE_BENE_PD_AMT" if claim.api == "v3" else v2)


def line_patient_responsibility_amount(claim, line):
    return line_amount(claim, line, ["rev_cntr_ptnt_rspnsblty_pmt"], ["CLM_LINE_BENE_PMT_AMT"])


def line_deductible_amount(claim, line):
    """Of cash; the blood deductible is another."""
    v2 = ["line_bene_ptb_ddctbl_amt"] if claim.is_professional else ["rev_cntr_cash_ddctbl_amt"]
    return line_amount(claim, line, v2, ["CLM_LINE_MDCR_DDCTBL_AMT"])


def line_coinsurance_amount(claim, line):
    """Of institutional lines wage-adjusted, else reduced."""
    if claim.is_professional:
        return line_amount(claim, line, ["line_coinsrnc_amt"], ["CLM_LINE_MDCR_COINSRNC_AMT"])
    v2 = ["rev_cntr_coinsrnc_wge_adjstd_c", "rev_cntr_rdcd_coinsrnc_amt"]
    return line_amount(claim, line, v2, ["CLM_LINE_INSTNL_ADJSTD_AMT", "CLM_LINE_INSTNL_RDCD_AMT"])


def allocate(paid, rows):
    """`paid_amount_allocated` of the rows of a claim, so that they add up to its payment (Q24)."""
    counted = [row for row in rows if not row["is_total_line"]]
    payments = [row["paid_amount"] for row in counted if row["paid_amount"] is not None]
    by_line = bool(payments) and sum(payments) == paid
    bearer = (counted or rows)[0]
    for row in rows:
        if paid is None:
            row["paid_amount_allocated"], row["paid_allocation"] = None, None
        elif by_line:
            own = row["paid_amount"] if row in counted else None
            row["paid_amount_allocated"], row["paid_allocation"] = own or 0, "line"
        else:
            row["paid_amount_allocated"], row["paid_allocation"] = paid if row is bearer else 0, "header"
