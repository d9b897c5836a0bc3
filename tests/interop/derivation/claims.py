"""`claim` (design 5; rules 1 to 5, 8)."""

from . import codes, diagnoses, money, providers
from .current import claim_control_number, is_final_action, source_system
from .fhir import CARIN, CONTROL_NUMBER, V3, VAR, day, dictionary, elements, extension, first, has, text

CLAIM_TYPES = {
    **dict.fromkeys(["CARRIER", "DME"], "professional"),
    **dict.fromkeys(["INPATIENT", "OUTPATIENT", "SNF", "HHA", "HOSPICE"], "institutional"),
    "PDE": "pharmacy",
}


def claim_id(claim):
    entries = elements(claim.body.get("identifier"))
    if claim.api == "v2":
        return first(text(entry.get("value")) for entry in entries if entry.get("system") in (VAR + "clm_id", VAR + "pde_id"))
    own = (entry for entry in entries if "system" not in entry and has(entry.get("type"), CARIN + "C4BBIdentifierType", "uc"))
    return first(text(entry.get("value")) for entry in own)


def claim_group_id(claim):
    system = "https://bluebutton.cms.gov/resources/identifier/claim-group"
    return first(text(entry.get("value")) for entry in elements(claim.body.get("identifier")) if entry.get("system") == system)


def prior_claim_control_number(claim):
    numbers = (dictionary(entry.get("reference")) for entry in elements(claim.body.get("related")))
    return first(text(number.get("value")) for number in numbers if number.get("system") == CONTROL_NUMBER)


def admission(claim):
    """(admitted, discharged); nobody is discharged at status 30."""
    periods = (dictionary(entry.get("timingPeriod")) for entry in claim.information("admissionperiod"))
    period = first(periods) or {}
    left = None if codes.discharge_status_code(claim) == "30" else day(period.get("end"))
    return day(period.get("start")), left


def processed_date(claim):
    """NCH's weekly date, else the contractor's (Q28)."""
    weekly = (day(entry.get("timingDate")) for entry in claim.information("nch_wkly_proc_dt", "CLM_NCH_WKLY_PROC_DT"))
    contractor = (day(entry.get("timingDate")) for entry in claim.information("CLM_CMS_PROC_DT"))
    return first([first(weekly), day(extension(claim.body, VAR + "fi_clm_proc_dt").get("valueDate")), first(contractor)])


def nonpayment_reason_code(claim):
    v3 = claim.information_code(["CLM_MDCR_NPMT_RSN_CD"], V3 + "CLM-MDCR-NPMT-RSN-CD")
    return claim.extension_code("clm_mdcr_non_pmt_rsn_cd") or v3


def payment_denial_code(claim):
    v3 = claim.information_code(["CLM_CARR_PMT_DNL_CD"], V3 + "CLM-CARR-PMT-DNL-CD")
    return claim.extension_code("carr_clm_pmt_dnl_cd") or v3


def is_denied(claim):
    """Rules 3; Q4 to Q6."""
    if claim.is_institutional:
        reason = nonpayment_reason_code(claim)
        return bool(reason) and reason != "P" and not money.claim_paid_amount(claim)
    found = payment_denial_code(claim)
    if not claim.is_professional or not found:
        return None
    return found == "0" or (len(found) == 1 and "D" <= found <= "Y")


def is_mco_paid(claim):
    found = claim.information_code(
        ["clm_mco_pd_sw", "CLM_MDCR_INSTNL_MCO_PD_SW"], VAR + "clm_mco_pd_sw", V3 + "CLM-MDCR-INSTNL-MCO-PD-SW"
    )
    return {"1": True, "0": False}.get(found)


def claim_row(claim):
    start, end = claim.period
    admitted, discharged = admission(claim)
    header = {} if claim.type == "PDE" else header_money(claim)
    return {
        **claim.context(),
        "claim_id": claim_id(claim),
        "claim_group_id": claim_group_id(claim),
        "claim_control_number": claim_control_number(claim),
        "prior_claim_control_number": prior_claim_control_number(claim),
        "claim_type": CLAIM_TYPES.get(claim.type),
        "from_date": start,
        "thru_date": end,
        "admission_date": admitted,
        "discharge_date": discharged,
        "discharge_status_code": codes.discharge_status_code(claim),
        "bill_type_code": codes.bill_type_code(claim),
        "bill_frequency_code": codes.bill_frequency_code(claim),
        "drg_code": codes.drg_code(claim),
        "admission_type_code": codes.admission_type_code(claim),
        "admission_source_code": codes.admission_source_code(claim),
        "principal_diagnosis_code": diagnoses.principal_diagnosis_code(claim),
        "admitting_diagnosis_code": diagnoses.admitting_diagnosis_code(claim),
        "billing_npi": providers.billing_npi(claim),
        "group_npi": providers.group_npi(claim),
        "facility_ccn": providers.facility_ccn(claim),
        "attending_npi": providers.member_npi(claim, "attending"),
        "operating_npi": providers.member_npi(claim, "operating"),
        "other_operating_npi": providers.member_npi(claim, "other_operating"),
        "referring_npi": providers.member_npi(claim, "referring"),
        **{name: header.get(name) for name in HEADER_MONEY},
        "processed_date": processed_date(claim),
        "nonpayment_reason_code": nonpayment_reason_code(claim),
        "payment_denial_code": payment_denial_code(claim),
        "is_denied": is_denied(claim),
        "is_mco_paid": is_mco_paid(claim),
        "is_final_action": is_final_action(claim),
        "source_system": source_system(claim),
    }


HEADER_MONEY = {
    "charge_amount": money.claim_charge_amount,
    "allowed_amount": money.claim_allowed_amount,
    "paid_amount": money.claim_paid_amount,
    "paid_to_beneficiary_amount": money.claim_paid_to_beneficiary_amount,
    "patient_responsibility_amount": money.claim_patient_responsibility_amount,
    "deductible_amount": money.claim_deductible_amount,
    "coinsurance_amount": money.claim_coinsurance_amount,
    "primary_payer_paid_amount": money.claim_primary_payer_paid_amount,
    "pass_through_per_diem_amount": money.pass_through_per_diem_amount,
    "covered_days": money.covered_days,
}


def header_money(claim):
    return {name: of(claim) for name, of in HEADER_MONEY.items()}
