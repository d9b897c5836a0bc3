"""`part_d_event` (design 5; rules 2, 8)."""

from . import codes, money, providers
from .fhir import CARIN, NPI, V3, VAR, code, contained, day, dictionary, elements, extension, first, has, quantity, text

EVENT_MONEY = {
    "total_cost_amount": ("tot_rx_cst_amt", "TOT_RX_CST_AMT"),
    "covered_plan_paid_amount": ("cvrd_d_plan_pd_amt", "CLM_LINE_CVRD_PD_AMT"),
    "noncovered_plan_paid_amount": ("ncvrd_plan_pd_amt", "CLM_LINE_NCVRD_PD_AMT"),
    "patient_paid_amount": ("ptnt_pay_amt", "CLM_LINE_BENE_PMT_AMT"),
    "low_income_subsidy_amount": ("lics_amt", "CLM_LINE_LIS_AMT"),
    "other_troop_amount": ("othr_troop_amt", "CLM_LINE_OTHR_TP_PD_AMT"),
    "plro_amount": ("plro_amt", "CLM_LINE_PLRO_AMT"),
    "gap_discount_amount": ("rptd_gap_dscnt_num", "CLM_LINE_RPTD_GAP_DSCNT_AMT"),
    "below_oop_threshold_amount": ("gdc_blw_oopt_amt", "CLM_LINE_GRS_BLW_THRSHLD_AMT"),
    "above_oop_threshold_amount": ("gdc_abv_oopt_amt", "CLM_LINE_GRS_ABOVE_THRSHLD_AMT"),
}


def pharmacy(event):
    """(id, its kind): `npi`, else the qualifier as sent (Q15)."""
    if event.api == "v2":
        facility = dictionary(dictionary(event.body.get("facility")).get("identifier"))
        provider = dictionary(dictionary(event.body.get("provider")).get("identifier"))
        found = facility if text(facility.get("value")) else provider
        is_npi = found.get("system") == NPI or has(found.get("type"), CARIN + "C4BBIdentifierType", "npi")
        kind = "npi" if is_npi else first(text(coding.get("code")) for coding in elements(dictionary(found.get("type")).get("coding")))
        return text(found.get("value")), kind if text(found.get("value")) else None
    entries = elements(contained(event.body, event.body.get("provider")).get("identifier"))
    for entry in entries:
        if entry.get("system") == NPI:
            return text(entry.get("value")), "npi"
    for entry in entries:
        qualifier = first(
            text(coding.get("code")) for coding in elements(dictionary(entry.get("type")).get("coding"))
            if str(coding.get("system")).endswith("/CodeSystem/PRVDR-ID-QLFYR-CD")
        )
        if qualifier:
            return text(entry.get("value")), qualifier
    return None, None


def plan(event):
    """(contract, plan benefit package)."""
    covers = [dictionary(entry.get("coverage")) for entry in elements(event.body.get("insurance"))]
    found = []
    for v2, v3 in (("plan_cntrct_rec_id", "CLM_SBMTR_CNTRCT_NUM"), ("plan_pbp_rec_num", "CLM_SBMTR_CNTRCT_PBP_NUM")):
        extensions = (dictionary(extension(cover, VAR + v2).get("valueIdentifier")) for cover in covers)
        strings = (text(entry.get("valueString")) for entry in event.information(v3))
        found.append(first([first(text(value.get("value")) for value in extensions), first(strings)]))
    return tuple(found)


def counted(event, line, name, old):
    """Days or fill: supporting information, in old bodies an extension of the quantity."""
    entries = (quantity(entry.get("valueQuantity")) for entry in event.information(name))
    return first([first(entries), quantity(extension(line.get("quantity"), VAR + old).get("valueQuantity"))])


def prescription_number(event):
    numbers = (entry for entry in elements(event.body.get("identifier")) if entry.get("system") == VAR + "rx_srvc_rfrnc_num")
    strings = (text(entry.get("valueString")) for entry in event.information("CLM_LINE_RX_NUM"))
    return first([first(text(entry.get("value")) for entry in numbers), first(strings)])


def part_d_event_row(event):
    line = first(event.lines()) or {}
    amounts = {name: money.amount(line.get("adjudication"), *names) for name, names in EVENT_MONEY.items()}
    paid = [amounts[name] for name in ("covered_plan_paid_amount", "noncovered_plan_paid_amount") if amounts[name] is not None]
    ingredients = elements(line.get("detail"))
    is_many = len([part for part in ingredients if code(part.get("productOrService"), codes.NDC)]) > 1
    filled = quantity(line.get("quantity"))
    if filled is None and len(ingredients) == 1:
        filled = quantity(ingredients[0].get("quantity"))
    pharmacy_id, pharmacy_id_type = pharmacy(event)
    contract_id, plan_id = plan(event)
    return {
        **event.context(),
        "fill_date": day(line.get("servicedDate")),
        "ndc_code": None if is_many else codes.ndc(codes.raw_ndc(line)),
        "quantity": filled,
        "days_supply": counted(event, line, "dayssupply", "days_suply_num"),
        "fill_number": counted(event, line, "refillnum", "fill_num"),
        "daw_code": event.information_code(["daw_prod_slctn_cd", "dawcode"], VAR + "daw_prod_slctn_cd", V3 + "CLM-DAW-PROD-SLCTN-CD"),
        "brand_generic_code": event.information_code(["brandgenericindicator"], VAR + "brnd_gnrc_cd", V3 + "CLM-BRND-GNRC-CD"),
        "prescriber_npi": first([providers.member_npi(event, "prescribing"), providers.member_npi(event, "group")]),
        "pharmacy_id": pharmacy_id,
        "pharmacy_id_type": pharmacy_id_type,
        **amounts,
        "plan_paid_amount": sum(paid) if paid else None,
        "is_compound": codes.compound(event, line),
        "contract_id": contract_id,
        "plan_id": plan_id,
        "prescription_number": prescription_number(event),
    }
