"""Providers (rules 5): inline in the care team, or contained where they bill."""

from . import codes
from .fhir import (
    CARIN, CCN, EIN, HL7, NPI, V3_EXTENSION, VAR, code, contained, dictionary, elements, extension, first, has, text,
)

# The words of FHIR and CMS for a role, and ours (Q14).
ROLES = {
    "attending": "attending",
    "operating": "operating",
    "otheroperating": "other_operating",
    "referring": "referring",
    "performing": "rendering",
    "rendering": "rendering",
    "primary": "group",
    "prescribing": "prescribing",
}


def role(member):
    found = code(member.get("role"), CARIN + "C4BBClaimCareTeamRole", HL7 + "claimcareteamrole")
    return ROLES.get(found)


def inline(member):
    """The identifier of a care-team member."""
    return text(dictionary(dictionary(member.get("provider")).get("identifier")).get("value"))


def team(claim, wanted):
    return [member for member in elements(claim.body.get("careTeam")) if role(member) == wanted]


def member_npi(claim, wanted):
    """The first of the role whose id is an NPI (Q11)."""
    return first(codes.npi(inline(member)) for member in team(claim, wanted))


def identifiers(organisation, system, kind=None):
    """Values of a contained resource's identifiers by their system, or by the type that v2 gives instead."""
    return [
        text(entry.get("value"))
        for entry in elements(organisation.get("identifier"))
        if entry.get("system") == system or (kind and has(entry.get("type"), HL7 + "v2-0203", kind))
    ]


def billing_provider(claim):
    """(raw NPI, CCN, tax number, name) of who bills: contained, else named inline."""
    holder = dictionary(claim.body.get("provider"))
    organisation = contained(claim.body, holder)
    if organisation:
        raw = first(identifiers(organisation, NPI)) or first(
            text(entry.get("value")) for entry in elements(organisation.get("identifier"))
            if entry.get("system") not in (CCN, EIN) and not has(entry.get("type"), HL7 + "v2-0203", "PRN")
        )
        return raw, first(identifiers(organisation, CCN, "PRN")), first(identifiers(organisation, EIN, "TAX")), name_of(organisation)
    inline_id = dictionary(holder.get("identifier"))
    return text(inline_id.get("value")), None, None, text(holder.get("display"))


def name_of(resource):
    """`EXAMPLE HOSPITAL`, or `Family, Given` of a practitioner."""
    if text(resource.get("name")):
        return resource["name"]
    human = first(elements(resource.get("name")))
    if not human:
        return None
    given = " ".join(part for part in human.get("given", []) if text(part))
    return ", ".join(part for part in (text(human.get("family")), given) if part)


def billing_npi(claim):
    found = codes.npi(billing_provider(claim)[0])
    if claim.api == "v2" and claim.type == "CARRIER":
        number = dictionary(dictionary(claim.body.get("provider")).get("identifier"))
        own = codes.npi(number.get("value")) if number.get("system") == VAR + "carr_clm_blg_npi_num" else None
        return own or group_npi(claim)
    return found


def group_npi(claim):
    return member_npi(claim, "group") if claim.api == "v2" else None


def facility_ccn(claim):
    return codes.ccn(billing_provider(claim)[1]) if claim.is_institutional else None


def pointed(claim, line, wanted):
    """Care-team members of a role that a line points to, in pointer order; the first of a sequence counts.
    A line without pointers has the claim's, where that is one and the same provider (Q10)."""
    if not line.get("careTeamSequence"):
        members = team(claim, wanted)
        return members if len({inline(member) for member in members}) == 1 else []
    found = []
    for sequence in line.get("careTeamSequence") or []:
        member = next((member for member in elements(claim.body.get("careTeam")) if member.get("sequence") == sequence), None)
        if member and role(member) == wanted:
            found.append(member)
    return found


def rendering_npi(claim, line):
    return first(codes.npi(inline(member)) for member in pointed(claim, line, "rendering"))


def rendering_specialty_code(claim, line):
    """Of the provider pointed to, else the line's own (v3)."""
    members = (codes.specialty_code(member.get("qualification")) for member in pointed(claim, line, "rendering"))
    own = dictionary(extension(line, V3_EXTENSION + "CLM-PRVDR-SPCLTY-CD").get("valueCoding"))
    return first(members) or codes.padded(text(own.get("code")), 2)


def line_tax_number(line):
    v2 = extension(line, VAR + "tax_num")
    v3 = dictionary(extension(line, V3_EXTENSION + "CLM-PRVDR-TAX-NUM").get("valueIdentifier"))
    return text(v3.get("value")) or text(dictionary(v2.get("valueCoding")).get("code")) or text(v2.get("valueString"))


def claim_provider_rows(claim, numbered):
    """`claim_provider`: who bills, then the care team, once for each line that points to them."""
    raw, ccn, tax, name = billing_provider(claim)
    if raw or ccn or tax:
        yield provider_row(claim, None, "billing", raw, name, None, ccn=codes.ccn(ccn), tax=tax)
    for member in elements(claim.body.get("careTeam")):
        sequence = member.get("sequence")
        pointing = [(number, line) for number, line in numbered if sequence in (line.get("careTeamSequence") or [])]
        display = text(dictionary(member.get("provider")).get("display"))
        specialty = codes.specialty_code(member.get("qualification"))
        for number, line in pointing or [(None, {})]:
            tax = line_tax_number(line) if role(member) == "rendering" else None
            yield provider_row(claim, number, role(member), inline(member), display, specialty, tax=tax)


def provider_row(claim, number, role, raw, name, specialty, ccn=None, tax=None):
    return {
        **claim.context(),
        "claim_line_number": number,
        "role": role,
        "npi": codes.npi(raw),
        "ccn": ccn,
        "tax_number": tax,
        "raw_id": raw,
        "id_valid": codes.npi(raw) is not None if raw else None,
        "name": name,
        "specialty_code": specialty,
    }
