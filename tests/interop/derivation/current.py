"""Which version of a claim is current (rules 1)."""

from .fhir import CONTROL_NUMBER, V3, VAR, dictionary, elements, extension, first, text


def tag(claim, name):
    """A tag of v3's meta; System-Type is also called Adjudication-Status."""
    tags = elements(dictionary(claim.body.get("meta")).get("tag"))
    return first(text(entry.get("code")) for entry in tags if entry.get("system") == V3 + name)


def is_final_action(claim):
    if claim.api == "v2":
        return {"active": True, "cancelled": False}.get(claim.body.get("status"))
    return {"FinalAction": True, "NotFinalAction": False}.get(tag(claim, "Final-Action"))


def source_system(claim):
    return tag(claim, "System-Type") or tag(claim, "Adjudication-Status") if claim.api == "v3" else None


def claim_control_number(claim):
    """v2 keeps it in an extension."""
    if claim.api == "v3":
        return first(text(entry.get("value")) for entry in elements(claim.body.get("identifier")) if entry.get("system") == CONTROL_NUMBER)
    names = ("carr_clm_cntl_num", "fi_doc_clm_cntl_num")
    return first(text(dictionary(extension(claim.body, VAR + name).get("valueIdentifier")).get("value")) for name in names)


def set_current(claims):
    """Decides `is_current` of all claims together, once."""
    nch = {same_claim(claim) for claim in claims if claim.api == "v3" and source_system(claim) == "NationalClaimsHistory"}
    newest = {}
    for claim in claims:
        if claim.api == "v3" and is_final_action(claim) is None and claim_control_number(claim):
            group = (claim.patient, claim.type, claim_control_number(claim))
            if group not in newest or recency(newest[group]) <= recency(claim):
                newest[group] = claim
    for claim in claims:
        claim.is_current = current_alone(claim)
        if claim.is_current and claim.api == "v3":
            if source_system(claim) == "SharedSystem" and same_claim(claim) in nch and claim_control_number(claim):
                claim.is_current = False
            group = (claim.patient, claim.type, claim_control_number(claim))
            if is_final_action(claim) is None and newest.get(group, claim) is not claim:
                claim.is_current = False


def recency(claim):
    """Of one weekly load an original (1) comes first, then its deletion (3), then what replaces it (2, 4)."""
    order = ("1", "3", "2", "4")
    return claim.last_updated, order.index(claim.nch_type) if claim.nch_type in order else -1, claim.id


def same_claim(claim):
    return claim.patient, claim_control_number(claim), *claim.period


def current_alone(claim):
    if claim.is_authorization or claim.is_notice:
        return False
    if claim.api == "v2":
        deleted = claim.information_code(["adjstmt_dltn_cd"], VAR + "adjstmt_dltn_cd") == "D"
        return claim.body.get("status") == "active" and not (claim.type == "PDE" and deleted)
    if claim.type == "PDE" and claim.nch_type == "3":
        return False
    return is_final_action(claim) is not False
