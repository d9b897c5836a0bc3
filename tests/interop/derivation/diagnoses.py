"""Diagnoses and procedures (rules 5)."""

from . import codes
from .fhir import CARIN, HL7, V2, VAR, code, day, dictionary, elements, first, text

TYPE_SYSTEMS = (HL7 + "ex-diagnosistype", CARIN + "C4BBClaimDiagnosisType", V2 + "diagnosis-type")
UNRANKED = {"admitting", "patientreasonforvisit", "externalcauseofinjury"}
POA = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding"


def diagnoses(claim):
    """By sequence, then by place."""
    entries = elements(claim.body.get("diagnosis"))
    return sorted(entries, key=lambda entry: entry["sequence"] if isinstance(entry.get("sequence"), int) else 0)


def type_codes(entry):
    return [code(kind, *TYPE_SYSTEMS) for kind in elements(entry.get("type"))]


def type_code(entry):
    """Principal wherever it stands, else the first."""
    found = type_codes(entry)
    return "principal" if "principal" in found else first(found)


def diagnosis_code(entry):
    return codes.icd(entry.get("diagnosisCodeableConcept"))[0]


def present_on_admission_code(entry):
    """v3 `onAdmission`; v2 an extension, of external causes one of its own."""
    for found in elements(entry.get("extension")):
        url = text(found.get("url")) or ""
        if url.startswith((VAR + "clm_poa_ind_sw", VAR + "clm_e_poa_ind_sw")):
            return text(dictionary(found.get("valueCoding")).get("code"))
    return code(entry.get("onAdmission"), POA)


def principal(claim):
    return next((entry for entry in diagnoses(claim) if type_code(entry) == "principal"), None)


def principal_diagnosis_code(claim):
    found = principal(claim)
    return diagnosis_code(found) if found else None


def admitting_diagnosis_code(claim):
    return first(diagnosis_code(entry) for entry in diagnoses(claim) if "admitting" in type_codes(entry))


def is_repeat(entry, main):
    """The principal once more, called other, or called principal again."""
    return main is not None and entry is not main and type_code(entry) not in UNRANKED and diagnosis_code(entry) == diagnosis_code(main)


def claim_diagnosis_rows(claim):
    """`claim_diagnosis`: principal is rank 1, others follow by sequence without its repeats (Q12)."""
    main, next_rank = principal(claim), 2
    repeats = [entry for entry in diagnoses(claim) if is_repeat(entry, main)]
    for entry in diagnoses(claim):
        rank = None
        poa = present_on_admission_code(entry)
        if entry is main:
            rank = 1
            poa = poa or first(present_on_admission_code(repeat) for repeat in repeats)
        elif type_code(entry) not in UNRANKED and not is_repeat(entry, main):
            rank, next_rank = next_rank, next_rank + 1
        bare, dotted, version = codes.icd(entry.get("diagnosisCodeableConcept"))
        yield {
            **claim.context(),
            "rank": rank,
            "diagnosis_code": bare,
            "diagnosis_code_dotted": dotted,
            "code_version": version,
            "type_code": type_code(entry),
            "present_on_admission_code": poa,
        }


def line_diagnoses(claim, line):
    """What the line points to, in pointer order; nothing on institutional claims."""
    if claim.is_institutional:
        return []
    found = []
    for sequence in line.get("diagnosisSequence") or []:
        entry = next((entry for entry in elements(claim.body.get("diagnosis")) if entry.get("sequence") == sequence), None)
        if entry:
            found.append(diagnosis_code(entry))
    return found


def procedure_order(entry):
    kinds = [code(kind, CARIN + "C4BBClaimProcedureType") for kind in elements(entry.get("type"))]
    sequence = entry.get("sequence")
    return "principal" not in kinds, sequence if isinstance(sequence, int) else 0


def claim_procedure_rows(claim):
    """`claim_procedure`: a principal first, then by sequence."""
    for rank, entry in enumerate(sorted(elements(claim.body.get("procedure")), key=procedure_order), 1):
        bare, _, version = codes.icd(entry.get("procedureCodeableConcept"))
        yield {
            **claim.context(),
            "rank": rank,
            "procedure_code": bare,
            "code_version": version,
            "procedure_date": day(entry.get("date")),
        }
