"""Codes (rules 4): what is padded, what is a code at all."""

import re

from .fhir import CARIN, NDC, NUBC, V2, V3, VAR, code, codings, elements, extension_code, first, text

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
HIPPS = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/ProspMedicareFeeSvcPmtGen/HIPPSCodes"
PROCEDURE_SYSTEMS = (V2 + "hcpcs", VAR + "hcpcs_cd", HCPCS, CPT)
MS_DRG = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
HIPPS_REVENUE = {"0022", "0023", "0024"}


def padded(value, width):
    return value.rjust(width, "0") if value else None


def npi(value):
    """Ten digits, not all zeros."""
    return value if text(value) and re.fullmatch("[0-9]{10}", value) and value != "0000000000" else None


def ccn(value):
    """Exactly six characters."""
    return value if text(value) and len(value) == 6 else None


def ndc(value):
    """Eleven digits, from the forms that say which eleven they are."""
    if not text(value):
        return None
    segments = value.split("-")
    if len(segments) == 3 and all(segment.isdigit() for segment in segments):
        if len(segments[0]) > 5 or len(segments[1]) > 4 or len(segments[2]) > 2:
            return None
        value = "".join(padded(segment, width) for segment, width in zip(segments, (5, 4, 2)))
    if not re.fullmatch("[0-9]+", value) or len(value) == 10 or len(value) > 11 or not value.strip("0"):
        return None
    return padded(value, 11)


def icd(concept):
    """(code without a dot, with its dot, 9 or 10) of a diagnosis or procedure."""
    for coding in codings(concept):
        system, found = text(coding.get("system")), text(coding.get("code"))
        version = icd_version(system)
        if found and version:
            bare = found.replace(".", "")
            return bare, dotted(bare, version), version
    return None, None, None


def icd_version(system):
    if system in ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10", "http://www.cms.gov/Medicare/Coding/ICD10"):
        return 10
    if system in ("http://hl7.org/fhir/sid/icd-9-cm", "http://www.cms.gov/Medicare/Coding/ICD9"):
        return 9
    return None


def dotted(bare, version):
    """After the third character; of an ICD-9 E-code after the fourth."""
    before = 4 if version == 9 and bare.startswith("E") else 3
    return f"{bare[:before]}.{bare[before:]}" if len(bare) > before else bare


def revenue_code(line):
    return padded(code(line.get("revenue"), VAR + "rev_cntr", V3 + "CLM-REV-CNTR-CD", NUBC + "RevenueCodes"), 4)


def hipps_code(claim, line):
    """v2 by revenue 0022, 0023, 0024, v3 by system."""
    product = line.get("productOrService")
    if claim.api == "v3":
        return code(product, HIPPS)
    return code(product, *PROCEDURE_SYSTEMS, HIPPS) if revenue_code(line) in HIPPS_REVENUE else None


def hcpcs_code(claim, line):
    if hipps_code(claim, line):
        return None
    return code(line.get("productOrService"), *PROCEDURE_SYSTEMS)


def modifiers(line):
    """In order: v2 has one element each, v3 one with all; the unit of an NDC is none."""
    found = []
    for modifier in elements(line.get("modifier")):
        found += [coding["code"] for coding in codings(modifier) if coding.get("system") in PROCEDURE_SYSTEMS and text(coding.get("code"))]
    return found


def place_of_service_code(line):
    return padded(code(line.get("locationCodeableConcept"), VAR + "line_place_of_srvc_cd", PLACE), 2)


def raw_ndc(line):
    """Of a line: the product itself, its extension (v2), its first detail (v3)."""
    product = line.get("productOrService")
    details = (code(detail.get("productOrService"), NDC) for detail in elements(line.get("detail")))
    return first([code(product, NDC), extension_code(product, NDC), first(details)])


def discharge_status_code(claim):
    systems = (VAR + "ptnt_dschrg_stus_cd", NUBC + "PatDischargeStatus", V3 + "BENE-PTNT-STUS-CD")
    return padded(claim.information_code(["discharge-status", "ptnt_dschrg_stus_cd"], *systems), 2)


def admission_type_code(claim):
    systems = (NUBC + "PriorityTypeOfAdmitOrVisit", VAR + "clm_ip_admsn_type_cd", V3 + "CLM-ADMSN-TYPE-CD")
    return claim.information_code(["admtype", "clm_ip_admsn_type_cd"], *systems)


def admission_source_code(claim):
    systems = (VAR + "clm_src_ip_admsn_cd", NUBC + "PointOfOrigin", V3 + "CLM-ADMSN-SRC-CD")
    return claim.information_code(["clm_src_ip_admsn_cd", "pointoforigin"], *systems)


def drg_code(claim):
    """Only on INPATIENT and SNF; old v2 bodies keep it as the package code of a diagnosis."""
    if claim.type not in ("INPATIENT", "SNF"):
        return None
    found = claim.information_code(["clm_drg_cd", "drg"], VAR + "clm_drg_cd", MS_DRG)
    packages = (code(entry.get("packageCode"), VAR + "clm_drg_cd") for entry in elements(claim.body.get("diagnosis")))
    return padded(first([found, first(packages)]), 3)


def bill_frequency_code(claim):
    if not claim.is_institutional:
        return None
    if claim.api == "v2":
        return claim.information_code(["typeofbill"], VAR + "clm_freq_cd")
    whole = bill_type_code(claim)
    return whole[2] if whole else None


def bill_type_code(claim):
    """Facility, class and frequency, without a leading 0; only of institutional claims (Q26)."""
    if not claim.is_institutional:
        return None
    if claim.api == "v2":
        facility = extension_code(claim.body.get("facility"), VAR + "clm_fac_type_cd")
        parts = [facility, claim.extension_code("clm_srvc_clsfctn_type_cd"), bill_frequency_code(claim)]
        return "".join(parts) if all(parts) else None
    found = claim.information_code(["typeofbill"], NUBC + "TypeOfBill")
    if found and len(found) == 4 and found.startswith("0"):
        found = found[1:]
    return found if found and len(found) == 3 else None


def specialty_code(concept):
    return padded(code(concept, VAR + "prvdr_spclty", V3 + "CLM-PRVDR-SPCLTY-CD"), 2)


def compound(event, line):
    """Whether a fill is a compound: the literal, NCPDP's 2, v2's RXCINV (Q16)."""
    if code(line.get("productOrService"), CARIN + "C4BBCompoundLiteral") == "compound":
        return True
    systems = (V3 + "CLM-CMPND-CD", "http://terminology.hl7.org/CodeSystem/NCPDPCompoundCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode")
    found = event.information_code(["compoundcode"], *systems)
    return {"2": True, "RXCINV": True, "1": False, "RXDINV": False}.get(found)
