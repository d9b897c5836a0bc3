"""`claim_line` and `prior_authorization_line` (design 5; rules 2 to 5)."""

from . import claims, codes, diagnoses, money, providers
from .fhir import V3_EXTENSION, VAR, day, dictionary, extension, extension_code, first, quantity, whole


def line_dates(claim, line):
    """(from, thru, where from): the line's own, else the claim's."""
    period = dictionary(line.get("servicedPeriod"))
    single = day(line.get("servicedDate"))
    start = first([day(period.get("start")), single])
    end = first([day(period.get("end")), single])
    if start or end:
        return start, end, "line"
    start, end = claim.period
    return start, end, "claim" if start or end else None


def units(claim, line):
    """v2 institutional `quantity` is the NDC's; the units are in an extension."""
    if claim.api == "v2" and claim.is_institutional:
        return quantity(extension(line, VAR + "rev_cntr_unit_cnt").get("valueQuantity"))
    return quantity(line.get("quantity"))


def processing_indicator_code(line):
    return extension_code(line, VAR + "line_prcsg_ind_cd") or extension_code(line, V3_EXTENSION + "CLM-PRCSG-IND-CD")


def line_is_denied(line):
    found = processing_indicator_code(line)
    return found not in ("A", "R", "S") if found else None


def is_total_line(claim, line):
    return claim.is_institutional and codes.revenue_code(line) == "0001"


def spread(values, name, count):
    """`name_1` … `name_<count>`."""
    return {f"{name}_{place + 1}": values[place] if place < len(values) else None for place in range(count)}


def line_row(claim, number, line):
    start, end, source = line_dates(claim, line)
    return {
        **claim.context(),
        "claim_line_number": number,
        "source_sequence": whole(line.get("sequence")),
        "hcpcs_code": codes.hcpcs_code(claim, line),
        "hipps_code": codes.hipps_code(claim, line),
        **spread(codes.modifiers(line), "modifier", 5),
        "revenue_code": codes.revenue_code(line),
        "place_of_service_code": codes.place_of_service_code(line),
        "line_from_date": start,
        "line_thru_date": end,
        "date_source": source,
        "units": units(claim, line),
        "ndc_code": codes.ndc(codes.raw_ndc(line)),
        "charge_amount": money.line_charge_amount(claim, line),
        "allowed_amount": money.line_allowed_amount(claim, line),
        "paid_amount": money.line_paid_amount(claim, line),
        "paid_to_beneficiary_amount": money.line_paid_to_beneficiary_amount(claim, line),
        "patient_responsibility_amount": money.line_patient_responsibility_amount(claim, line),
        "deductible_amount": money.line_deductible_amount(claim, line),
        "coinsurance_amount": money.line_coinsurance_amount(claim, line),
        "processing_indicator_code": processing_indicator_code(line),
        "is_denied": line_is_denied(line),
        "is_mco_paid": claims.is_mco_paid(claim),
        "rendering_npi": providers.rendering_npi(claim, line),
        "rendering_specialty_code": providers.rendering_specialty_code(claim, line),
        **spread(diagnoses.line_diagnoses(claim, line), "diagnosis", 12),
        "principal_diagnosis_code": diagnoses.principal_diagnosis_code(claim),
        "is_total_line": is_total_line(claim, line),
        "is_synthetic_line": False,
    }


def claim_line_rows(claim):
    """A claim without lines has one made of the header (Q37)."""
    rows = [line_row(claim, number, line) for number, line in enumerate(claim.lines(), 1)]
    if not rows:
        rows = [{**line_row(claim, 1, {}), "is_synthetic_line": True}]
    money.allocate(money.claim_paid_amount(claim), rows)
    return rows


AUTHORIZATION_COLUMNS = ["claim_line_number", "source_sequence", "hcpcs_code", "hipps_code", "revenue_code"]


def prior_authorization_line_rows(claim):
    for number, line in enumerate(claim.lines(), 1):
        row = line_row(claim, number, line)
        names = [*claim.context(), *AUTHORIZATION_COLUMNS, *(f"modifier_{place}" for place in range(1, 6))]
        yield {name: row[name] for name in names}
